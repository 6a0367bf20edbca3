"""Blobs in a folder of this machine."""

import contextlib
import errno
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

from libs.blobs.blob_file import HEADER, DamagedBlob, file_pieces, read_header, write_blob
from libs.blobs.blobs import (
    BlobEntry,
    BlobInfo,
    BlobNotFound,
    BlobPage,
    BlobsUnavailable,
    StorageFull,
)
from libs.blobs.file_walk import LEAF, walk
from libs.blobs.keys import check_key, check_limit, check_prefix, check_range
from libs.blobs.signing import check_lifetime, signed_address
from libs.blobs.threads import Threads

PIECE = 1024 * 1024

_SECONDS = 30.0
_SECONDS_PER_PIECE = 0.5

T = TypeVar("T")


class FileBlobs:
    """`root` holds `objects/`, `scratch/` (unfinished puts) and `signing-key`.

    `public_url` is where the API that checks `verify_signature` is reached. Made by `open`.
    """

    def __init__(self, root: Path, *, public_url: str, signing_key: bytes) -> None:
        self._objects = root / "objects"
        self._scratch = root / "scratch"
        self._public_url = public_url
        self._threads = Threads(8)
        self.signing_key = signing_key

    @classmethod
    async def open(cls, root: Path, *, public_url: str) -> "FileBlobs":
        """Make the folder when new; drop what crashed puts left. Raises BlobsUnavailable."""
        with _plain_errors(""):
            return cls(root, public_url=public_url, signing_key=_prepare(root))

    async def close(self) -> None:
        await self._threads.close()

    async def put(self, key: str, data: bytes, *, content_type: str) -> BlobInfo:
        return await self._put(
            key, lambda: iter((data,)), size=len(data), content_type=content_type
        )

    async def put_file(self, key: str, path: Path, *, content_type: str) -> BlobInfo:
        size = path.stat().st_size  # noqa: ASYNC240 - one system call
        return await self._put(
            key, lambda: file_pieces(path, PIECE), size=size, content_type=content_type
        )

    async def get(self, key: str, *, start: int | None = None, length: int | None = None) -> bytes:
        check_range(start, length)
        path = self._path(key)

        def read() -> bytes:
            with path.open("rb") as source:
                read_header(source.fileno(), path)
                source.seek(HEADER + (start or 0))
                return source.read(-1 if length is None else length)

        return await self._run(key, read)

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        path = self._path(key)
        source = await self._run(key, lambda: path.open("rb"))
        with source:
            await self._run(key, lambda: read_header(source.fileno(), path))
            await self._run(key, lambda: source.seek(HEADER))
            while piece := await self._run(key, lambda: source.read(PIECE)):
                yield piece

    async def stat(self, key: str) -> BlobInfo | None:
        path = self._path(key)

        def look() -> BlobInfo:
            with path.open("rb") as source:
                header = read_header(source.fileno(), path)
                found = os.fstat(source.fileno())
            return BlobInfo(
                key, found.st_size - HEADER, header.content_type, header.sha256, _modified(found)
            )

        try:
            return await self._run(key, look)
        except BlobNotFound:
            return None

    async def list(self, prefix: str, *, limit: int = 1000, after: str | None = None) -> BlobPage:
        check_prefix(prefix)
        check_limit(limit)

        def look() -> list[tuple[str, os.stat_result]]:
            return list(islice(walk(self._objects, prefix=prefix, after=after or ""), limit + 1))

        found = await self._run(prefix, look)
        entries = tuple(
            BlobEntry(key, status.st_size - HEADER, _modified(status))
            for key, status in found[:limit]
        )
        return BlobPage(entries, entries[-1].key if len(found) > limit else None)

    async def delete(self, key: str) -> None:
        path = self._path(key)
        await self._run(key, lambda: path.unlink(missing_ok=True))

    async def presign_get(
        self, key: str, *, expires: timedelta, filename: str | None = None
    ) -> str:
        check_lifetime(expires)
        return signed_address(
            self.signing_key,
            self._public_url,
            key=check_key(key),
            expires=int(time.time() + expires.total_seconds()),
            filename=filename,
        )

    async def _put(
        self, key: str, pieces: Callable[[], Iterator[bytes]], *, size: int, content_type: str
    ) -> BlobInfo:
        path = self._path(key)

        def write() -> BlobInfo:
            header = write_blob(path, self._scratch, pieces=pieces(), content_type=content_type)
            return BlobInfo(key, size, content_type, header.sha256, datetime.now(UTC))

        return await self._run(key, write, seconds=_SECONDS + size / PIECE * _SECONDS_PER_PIECE)

    async def _run(self, key: str, work: Callable[[], T], *, seconds: float = _SECONDS) -> T:
        with _plain_errors(key):
            return await self._threads.run(seconds, work)

    def _path(self, key: str) -> Path:
        return self._objects / (check_key(key) + LEAF)


@contextlib.contextmanager
def _plain_errors(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise BlobNotFound(key) from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull(f"the disk of the blobs is full: {error}") from error
        raise BlobsUnavailable(f"the blobs' folder: {error}") from error
    except DamagedBlob as error:
        raise BlobsUnavailable(f"the blob's file is damaged: {error}") from error


def _prepare(root: Path) -> bytes:
    (root / "objects").mkdir(parents=True, exist_ok=True)
    scratch = root / "scratch"
    scratch.mkdir(exist_ok=True)
    for left in scratch.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if left.stat().st_mtime < time.time() - 86_400:
                left.unlink()
    path = root / "signing-key"
    if not path.exists():
        fresh = scratch / f"signing-key.{secrets.token_hex(8)}"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_hex(32))
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)  # of several processes that begin at once, the first one's stays
        fresh.unlink()
    return bytes.fromhex(path.read_text())


def _modified(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(status.st_mtime, UTC)
