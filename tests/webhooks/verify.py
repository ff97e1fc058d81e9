import base64
import hashlib
import hmac
import time


def verify(secret: str, headers, body: bytes) -> None:
    """Raises ValueError unless the body is from whoever knows the secret, and of the last five minutes."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    seconds = headers.get("webhook-timestamp", "")
    if abs(time.time() - int(seconds)) > 300:
        raise ValueError("the message is too old")
    signed = f"{headers.get('webhook-id', '')}.{seconds}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    # More than one while a secret is being changed.
    given = headers.get("webhook-signature", "").encode().split(b" ")
    if not any(hmac.compare_digest(expected, one) for one in given):
        raise ValueError("the signature is wrong")
