"""Keeps Schemathesis from the branch that it sits on: what it would do to the very user and key
that it calls with (disable, revoke, another tier) goes to others. And from calling out: an address
that the server would post to becomes one where nobody listens. Loaded by schemathesis.toml.
"""

import os

import schemathesis

NOBODY = "https://127.0.0.1:9/hooks"
URL_BYTES_MAX = 2048
OWN = {os.environ["FUZZ_OWN_USER"]: "somebody", os.environ["FUZZ_OWN_KEY_ID"]: "key_0000000000000000"}


@schemathesis.hook
def before_call(context, case, **kwargs):
    parameters = case.path_parameters or {}
    for name, value in parameters.items():
        if isinstance(value, str) and value in OWN:
            parameters[name] = OWN[value]
    if isinstance(case.body, dict):
        for name in ("name", "user"):
            value = case.body.get(name)
            if isinstance(value, str) and value.strip() in OWN:
                case.body[name] = OWN[value.strip()]
        for name in ("url", "webhookUrl"):
            value = case.body.get(name)
            if isinstance(value, str) and value.lower().startswith("http") and len(value) <= URL_BYTES_MAX:
                case.body[name] = NOBODY
