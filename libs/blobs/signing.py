"""Addresses that need no token: the key, a time and an HMAC-SHA256 over both."""

import hashlib
import hmac
from datetime import timedelta
from urllib.parse import quote, urlencode

LONGEST = timedelta(days=7)


def signed_address(
    signing_key: bytes, public_url: str, *, key: str, expires: int, filename: str | None
) -> str:
    """`{public_url}/blobs/{key}?expires=…&signature=…`; `expires` in seconds of the epoch."""
    query = {"expires": str(expires)}
    if filename is not None:
        query["filename"] = filename
    query["signature"] = _signature(signing_key, key, expires=expires, filename=filename)
    return f"{public_url.rstrip('/')}/blobs/{quote(key)}?{urlencode(query)}"


def verify_signature(
    signing_key: bytes,
    key: str,
    *,
    expires: int,
    signature: str,
    filename: str | None,
    now: float,
) -> bool:
    """Whether the address was signed by us as it is and has not expired; times in seconds."""
    expected = _signature(signing_key, key, expires=expires, filename=filename)
    return hmac.compare_digest(expected.encode(), signature.encode()) and now < expires


def check_lifetime(expires: timedelta) -> None:
    """Raises ValueError for a lifetime that no driver can give."""
    if not timedelta(seconds=1) <= expires <= LONGEST:
        raise ValueError(f"an address lives 1 second to 7 days, not {expires}")


def attachment(filename: str) -> str:
    """The Content-Disposition that saves a body under a name (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(filename, safe='')}"


def _signature(signing_key: bytes, key: str, *, expires: int, filename: str | None) -> str:
    # A key holds no line break, and a name counts its characters: no two inputs read the same.
    said = f"{key}\n{expires}\n{-1 if filename is None else len(filename)}\n{filename or ''}"
    return hmac.new(signing_key, said.encode(), hashlib.sha256).hexdigest()
