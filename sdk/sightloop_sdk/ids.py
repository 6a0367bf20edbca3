"""Ids that the client chooses: whatever is sent twice is one prediction."""

from __future__ import annotations

import os
import re
import time
from uuid import UUID

from sightloop_sdk.errors import InvalidPrediction

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def uuid7(seconds: float | None = None) -> UUID:
    """A UUIDv7 (RFC 9562, section 5.7) of an instant (epoch seconds; None: now)."""
    instant = time.time() if seconds is None else seconds
    random = int.from_bytes(os.urandom(10), "big")
    high = (int(instant * 1000) & 0xFFFF_FFFF_FFFF) << 80
    fixed = (0x7 << 76) | (0b10 << 62)
    return UUID(int=high | fixed | (((random >> 62) & 0xFFF) << 64) | (random & (2**62 - 1)))


def is_id(text: str | UUID) -> bool:
    """Whether a text is an id, not a name."""
    return isinstance(text, UUID) or _UUID.fullmatch(text) is not None


def id_of(value: str | UUID, what: str) -> UUID:
    """A UUID. Raises InvalidPrediction, naming `what` it should be."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise InvalidPrediction(f"{what} must be a UUID, not {value!r}") from None
