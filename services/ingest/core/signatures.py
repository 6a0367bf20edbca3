"""Addresses that take an upload without a token: what they allow is in the signature."""

import hashlib
import hmac

LIVES_SECONDS = 3600


def sign(signing_key: bytes, *, key: str, part: str, expires: int) -> str:
    """The signature that lets one object, or one part of it, be written until `expires`.

    `part`: "" for a whole object, else "<upload id>/<number>".
    """
    # Not the form of a signature that lets something be read (`libs.blobs.signing`): none of
    # the one opens the other.
    said = f"write\n{key}\n{part}\n{expires}"
    return hmac.new(signing_key, said.encode(), hashlib.sha256).hexdigest()


def holds(
    signing_key: bytes, signature: str, *, key: str, part: str, expires: int, now: float
) -> bool:
    """Whether a signature is ours and has not expired. Without a key of ours none is."""
    if not signing_key:
        return False
    expected = sign(signing_key, key=key, part=part, expires=expires)
    return hmac.compare_digest(expected.encode(), signature.encode()) and now < expires
