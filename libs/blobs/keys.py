"""Which keys there are."""

import re

from libs.blobs.blobs import BadKey

_SEGMENT = r"[A-Za-z0-9_=@+-][A-Za-z0-9._=@+-]{0,199}"
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_PREFIX = re.compile(rf"(?:{_SEGMENT}/)*(?:{_SEGMENT})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LONGEST = 512


def check_key(key: str) -> str:
    """The key itself. Raises BadKey."""
    if len(key) > _LONGEST or _KEY.fullmatch(key) is None:
        raise BadKey(f"not a blob key: {key[:80]!r}")
    return key


def check_prefix(prefix: str) -> str:
    """The beginning of a key, which may be empty or end anywhere. Raises BadKey."""
    if len(prefix) > _LONGEST or _PREFIX.fullmatch(prefix) is None:
        raise BadKey(f"not the beginning of a blob key: {prefix[:80]!r}")
    return prefix


def content_key(prefix: str, sha256: str, suffix: str) -> str:
    """The key of a content: equal bytes have one blob. `suffix` as `.jpg`, or empty."""
    if _SHA256.fullmatch(sha256) is None:
        raise BadKey(f"not a SHA-256 in hex: {sha256[:80]!r}")
    return check_key(f"{prefix}/{sha256[:2]}/{sha256}{suffix}")


def check_range(start: int | None, length: int | None) -> None:
    """Raises ValueError for a range that no blob has."""
    if (start is not None and start < 0) or (length is not None and length < 1):
        raise ValueError(f"not a range: start {start}, length {length}")


def check_limit(limit: int) -> None:
    """Raises ValueError for a page size out of bounds."""
    if not 1 <= limit <= 1000:
        raise ValueError(f"a page has 1 to 1000 blobs, not {limit}")
