"""Holds the real binary to its own openapi.json by property-based calls (Schemathesis): no answer
is a 5xx of a fault, none is undocumented, and each has the fields of its schema and no others.

Called by tests/openapi/run as `python fuzz.py BINARY`. The seed is fixed; another one, and how
many calls are made of each operation, come from FUZZ_SEED and FUZZ_EXAMPLES.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from server import serving

HERE = Path(__file__).resolve().parent
SEED = os.environ.get("FUZZ_SEED", "20261124")
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "25")
# What answers must be like, whoever calls.
ANSWERS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)


def closed(schema):
    """The schema with every described object closed: a field that is not described is a fault."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: closed(value) for name, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return schema


def run(binary, name, caller, checks, *more):
    """One caller's calls, to a server of their own: what one breaks on purpose is not another's trouble."""
    print(f"-- {name}", flush=True)
    with serving(binary) as server:
        document = json.loads(server.get("/openapi.json"))
        document["components"]["schemas"] = closed(document["components"]["schemas"])
        (server.folder / "closed.json").write_text(json.dumps(document))
        command = [
            Path(sys.executable).with_name("st"),
            "--config-file", HERE / "schemathesis.toml",
            "run", server.folder / "closed.json",
            "--url", server.url,
            "--checks", checks,
            "--seed", SEED,
            "--workers", "2",
            "--request-timeout", "20",
            "--generation-database", "none",
            "--suppress-health-check", "all",
            "--warnings", "off",
            # Credentials are those given here; wrong ones are tried by the check for ignored ones.
            "--generation-with-security-parameters", "false",
            *more,
        ]
        own = {"FUZZ_OWN_USER": "", "FUZZ_OWN_KEY_ID": ""}
        if caller is not None:
            key = server.key("caller", *caller)
            command += ["--header", f"X-API-Key: {key}"]
            root = server.key("root", "--admin")
            keys = json.loads(server.get("/api/admin/keys", root))["keys"]
            own = {"FUZZ_OWN_USER": "caller", "FUZZ_OWN_KEY_ID": next(one["id"] for one in keys if one["user"] == "caller")}
        done = subprocess.run(command, cwd=server.folder, env={**os.environ, **own, "PYTHONPATH": str(HERE)})
        if done.returncode != 0:
            raise SystemExit(f"{name}: the answers are not those of openapi.json")
        if caller is not None:
            # Fails if the key was lost on the way: then most answers were only 401.
            server.get("/api/diagram/usage", key)


def main(binary):
    broad = ["--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES]
    few = ["--phases", "examples,fuzzing", "--max-examples", "8"]
    stateful = ["--phases", "stateful", "--max-examples", EXAMPLES]
    rich, admin = ["--tier", "enterprise"], ["--tier", "enterprise", "--admin"]
    # A paused queue answers nothing that waits for an end: pausing has its own run.
    run(binary, "an admin", admin, "all", "--exclude-path", "/api/admin/queue/pause", *broad)
    run(binary, "pause and resume", admin, ANSWERS, "--include-path-regex", "^/api/admin/queue/", *few)
    run(binary, "a request from beginning to end", rich, ANSWERS,
        "--include-path-regex", "^/api/diagram/", "--exclude-path-regex", "queue|stats", *stateful)
    run(binary, "a user of the smallest tier", ["--tier", "free"], ANSWERS, *few)
    run(binary, "nobody", None, ANSWERS, *few)


if __name__ == "__main__":
    main(*sys.argv[1:])
