"""What a place gives, wherever it is: names in an order, and bytes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

_LONGEST = 1024


def check_path(path: str) -> str:
    """A path below a place, without slashes around it. Raises BadPath."""
    plain = path.strip("/")
    if len(plain) > _LONGEST:
        raise BadPath(f"a path has {_LONGEST} characters at most")
    if "\x00" in plain or "\\" in plain:
        raise BadPath("a path has neither backslashes nor the character U+0000")
    if plain and any(segment in ("", ".", "..") for segment in plain.split("/")):
        raise BadPath("a path leads down from its place: no empty segment, no . and no ..")
    return plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file or an object by its name below the place. `refused`: why it cannot be read."""

    name: str
    refused: str | None = None


class Outside(Protocol):
    """An opened place."""

    def entries(self, path: str, *, after: str) -> AsyncIterator[Entry]:
        """What lies at or below a path, beyond the name `after` in the place's own order.

        Raises PlaceRefuses where there is nothing to list, BlobsUnavailable where it is away.
        """
        ...

    async def read(self, name: str, *, limit: int) -> bytes:
        """The bytes under a name, at most `limit` of them.

        Raises Unreadable for what cannot be read or is larger, BlobsUnavailable.
        """
        ...


class BadPath(ValueError):
    """The path is none below a place; the text says why."""


class PlaceRefuses(Exception):
    """The place cannot be listed: a sentence for the user."""


class Unreadable(Exception):
    """One file or object cannot be read: a sentence for the user."""
