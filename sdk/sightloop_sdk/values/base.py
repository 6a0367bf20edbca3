"""What all values are."""

from __future__ import annotations

import msgspec

Box = tuple[float, float, float, float]
Ring = list[tuple[float, float]]


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A document of the server."""
