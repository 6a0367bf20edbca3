"""What a blob store does, whichever driver does it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from libs.schemas.faults import Transient


class BadKey(ValueError):
    """The key is not one a blob can have."""


class BlobNotFound(Exception):
    """There is no blob of that key."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"no blob {key}")


class BlobsUnavailable(Transient):
    """The store cannot be reached, refuses us, or did not answer in time."""


class StorageFull(BlobsUnavailable):
    """The store has no room left."""


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A blob without its bytes. `size` in bytes; `sha256` in hex, None if another wrote it."""

    key: str
    size: int
    content_type: str
    sha256: str | None
    modified: datetime


@dataclass(frozen=True, slots=True)
class BlobEntry:
    """What a listing says of a blob. `size` in bytes."""

    key: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class BlobPage:
    """Entries in the order of their keys; `after` asks for the next page, None at the end."""

    entries: tuple[BlobEntry, ...]
    after: str | None


class Blobs(Protocol):
    """Bytes under keys. A put is whole or absent, and durable when it returns.

    Keys: segments of `A-Z a-z 0-9 . _ = @ + -` divided by `/`, none empty or beginning with a
    dot, 512 characters at most. A key is never also a folder of another. Every call raises
    BadKey for another key, and BlobsUnavailable within its time limit when the store is away.

    `signing_key`: what every process that opens the store signs addresses of ours with; empty
    where the store's credentials are a machine's role, and there is none to share.
    """

    signing_key: bytes

    async def put(self, key: str, data: bytes, *, content_type: str) -> BlobInfo:
        """Store; replaces what was there. Raises StorageFull."""
        ...

    async def put_file(self, key: str, path: Path, *, content_type: str) -> BlobInfo:
        """Store a file's content without holding it in memory. Raises StorageFull."""
        ...

    async def get(self, key: str, *, start: int | None = None, length: int | None = None) -> bytes:
        """All bytes, or up to `length` from `start`; none when `start` is past the end.

        Raises BlobNotFound; ValueError for a negative start or a length below 1.
        """
        ...

    def stream(self, key: str) -> AsyncIterator[bytes]:
        """The bytes in pieces of up to 1 MiB. Raises BlobNotFound at the first."""
        ...

    async def stat(self, key: str) -> BlobInfo | None:
        """What is known without reading it; None when it is not there."""
        ...

    async def list(self, prefix: str, *, limit: int = 1000, after: str | None = None) -> BlobPage:
        """Up to `limit` (1 to 1000) blobs whose key begins with `prefix` and is beyond `after`."""
        ...

    async def delete(self, key: str) -> None:
        """Remove; nothing happens when it is not there."""
        ...

    async def presign_get(
        self, key: str, *, expires: timedelta, filename: str | None = None
    ) -> str:
        """An address that gives the bytes without a token until it expires (7 days at most).

        `filename` makes a browser save it under that name. The blob need not exist yet.
        """
        ...
