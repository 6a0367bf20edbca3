"""Ids that the client chooses: whatever is sent twice is one prediction."""

from __future__ import annotations

import os
import re
import time
from typing import Protocol
from uuid import UUID

from sightloop_sdk.errors import InvalidPrediction


class HasId(Protocol):
    """A value that the server has told, e.g. a `Dataset`."""

    @property
    def id(self) -> UUID:
        """Its id."""


Ref = UUID | str | HasId
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def uuid7(seconds: float | None = None) -> UUID:
    """A UUIDv7 (RFC 9562, section 5.7) of an instant (epoch seconds; None: now)."""
    instant = time.time() if seconds is None else seconds
    random = int.from_bytes(os.urandom(10), "big")
    high = (int(instant * 1000) & 0xFFFF_FFFF_FFFF) << 80
    fixed = (0x7 << 76) | (0b10 << 62)
    return UUID(int=high | fixed | (((random >> 62) & 0xFFF) << 64) | (random & (2**62 - 1)))


def is_id(ref: Ref) -> bool:
    """Whether it is an id, or something that has one; not a name."""
    return not isinstance(ref, str) or _UUID.fullmatch(ref) is not None


def id_of(ref: Ref, what: str) -> UUID:
    """The id that is meant. Raises InvalidPrediction, naming `what` it should be."""
    if isinstance(ref, str):
        try:
            return UUID(ref)
        except ValueError:
            raise InvalidPrediction(f"{what} must be a UUID, not {ref!r}") from None
    found = ref if isinstance(ref, UUID) else getattr(ref, "id", None)
    if not isinstance(found, UUID):
        raise InvalidPrediction(f"{what} must be a UUID, not {ref!r}")
    return found
