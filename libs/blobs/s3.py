"""Blobs in a bucket of an S3 server, through the `minio` client on a few threads."""

import contextlib
import hashlib
import io
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from libs.blobs.blobs import (
    BlobEntry,
    BlobInfo,
    BlobNotFound,
    BlobPage,
    BlobsUnavailable,
    StorageFull,
)
from libs.blobs.keys import check_key, check_limit, check_prefix, check_range
from libs.blobs.s3_address import S3Address
from libs.blobs.signing import attachment, check_lifetime
from libs.blobs.threads import Threads

if TYPE_CHECKING:
    import urllib3

PIECE = 1024 * 1024

_THREADS = 16
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 20.0
_TRIES = 3
_SECONDS = 60.0
_SECONDS_PER_PIECE = 1.0
_ABSENT = {"NoSuchKey", "NoSuchObject"}
_FULL = {
    "XMinioStorageFull",
    "InsufficientStorage",
    "QuotaExceeded",
    "XMinioAdminBucketQuotaExceeded",
}

T = TypeVar("T")


class S3Blobs:
    """Blobs of one bucket. The bucket must exist.

    A refusal (wrong key, no such bucket) is BlobsUnavailable too: it passes when an operator has
    put the settings right, and until then no record may be given up for it.
    """

    def __init__(self, address: S3Address) -> None:
        self._bucket = address.bucket
        # Who knows the store's secret may sign addresses; a machine's role has none to share.
        secret = f"sightloop addresses {address.secret_key}" if address.secret_key else ""
        self.signing_key = hashlib.sha256(secret.encode()).digest() if secret else b""
        self._threads = Threads(_THREADS)
        self._pool = _pool()
        self._client = address.client(self._pool)
        self._signer = address.signer(self._pool)

    async def close(self) -> None:
        await self._threads.close()
        self._pool.clear()

    async def put(self, key: str, data: bytes, *, content_type: str) -> BlobInfo:
        check_key(key)
        sha256 = hashlib.sha256(data).hexdigest()

        def send() -> BlobInfo:
            self._client.put_object(
                bucket_name=self._bucket,
                object_name=key,
                data=io.BytesIO(data),
                length=len(data),
                content_type=content_type,
                metadata={"sha256": sha256},
            )
            return BlobInfo(key, len(data), content_type, sha256, datetime.now(UTC))

        return await self._run(key, send, size=len(data))

    async def put_file(self, key: str, path: Path, *, content_type: str) -> BlobInfo:
        check_key(key)
        size = path.stat().st_size  # noqa: ASYNC240 - one system call

        def send() -> BlobInfo:
            with path.open("rb") as source:
                sha256 = hashlib.file_digest(source, "sha256").hexdigest()
            self._client.fput_object(
                bucket_name=self._bucket,
                object_name=key,
                file_path=str(path),
                content_type=content_type,
                metadata={"sha256": sha256},
            )
            return BlobInfo(key, size, content_type, sha256, datetime.now(UTC))

        return await self._run(key, send, size=size)

    async def get(self, key: str, *, start: int | None = None, length: int | None = None) -> bytes:
        check_key(key)
        check_range(start, length)

        def read() -> bytes:
            answer = self._client.get_object(
                bucket_name=self._bucket, object_name=key, offset=start or 0, length=length or 0
            )
            try:
                return bytes(answer.read())
            finally:
                answer.close()
                answer.release_conn()

        try:
            return await self._run(key, read)
        except _PastTheEnd:
            return b""

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        check_key(key)
        answer = await self._run(
            key, lambda: self._client.get_object(bucket_name=self._bucket, object_name=key)
        )
        try:
            while piece := await self._run(key, lambda: answer.read(PIECE)):
                yield piece
        finally:
            answer.close()
            answer.release_conn()

    async def stat(self, key: str) -> BlobInfo | None:
        check_key(key)

        def look() -> BlobInfo:
            found = self._client.stat_object(bucket_name=self._bucket, object_name=key)
            return BlobInfo(
                key,
                found.size or 0,
                found.content_type or "application/octet-stream",
                (found.metadata or {}).get("x-amz-meta-sha256"),
                found.last_modified or datetime.now(UTC),
            )

        try:
            return await self._run(key, look)
        except BlobNotFound:
            # HEAD's 404 has no body and may be a lost bucket or user: GET says which it is.
            with contextlib.suppress(BlobNotFound):
                await self.get(key, length=1)
            return None

    async def list(self, prefix: str, *, limit: int = 1000, after: str | None = None) -> BlobPage:
        check_prefix(prefix)
        check_limit(limit)

        def look() -> list[BlobEntry]:
            found = self._client.list_objects(
                bucket_name=self._bucket, prefix=prefix or None, recursive=True, start_after=after
            )
            return [
                BlobEntry(one.object_name, one.size or 0, one.last_modified or datetime.now(UTC))
                for one in islice(found, limit + 1)
                if one.object_name is not None
            ]

        entries = await self._run(prefix, look)
        page = tuple(entries[:limit])
        return BlobPage(page, page[-1].key if len(entries) > limit else None)

    async def delete(self, key: str) -> None:
        check_key(key)
        with contextlib.suppress(BlobNotFound):
            await self._run(
                key,
                lambda: self._client.remove_object(bucket_name=self._bucket, object_name=key),
            )

    async def presign_get(
        self, key: str, *, expires: timedelta, filename: str | None = None
    ) -> str:
        check_key(key)
        check_lifetime(expires)
        headers: dict[str, str | list[str] | tuple[str]] = {}
        if filename is not None:
            headers["response-content-disposition"] = attachment(filename)
        return await self._run(
            key,
            lambda: self._signer.presigned_get_object(
                bucket_name=self._bucket, object_name=key, expires=expires, response_headers=headers
            ),
        )

    async def _run(self, key: str, work: Callable[[], T], *, size: int = 0) -> T:
        with _plain_errors(key):
            return await self._threads.run(_SECONDS + size / PIECE * _SECONDS_PER_PIECE, work)


class _PastTheEnd(Exception):
    """The range begins behind the last byte."""


@contextlib.contextmanager
def _plain_errors(key: str) -> Iterator[None]:
    from minio.error import MinioException, S3Error  # noqa: PLC0415 - an extra, slow to import
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    try:
        yield
    except S3Error as error:
        if error.code in _ABSENT:
            raise BlobNotFound(key) from error
        if error.code == "InvalidRange":
            raise _PastTheEnd from error
        if error.code in _FULL:
            raise StorageFull(f"the S3 store is full: {error.message}") from error
        raise BlobsUnavailable(f"the S3 store refuses: {error.code}: {error.message}") from error
    except (MinioException, HTTPError, ConnectionError) as error:
        raise BlobsUnavailable(f"the S3 store: {error}") from error


def _pool() -> "urllib3.PoolManager":
    import urllib3  # noqa: PLC0415 - comes with the client

    return urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
        maxsize=_THREADS,
        retries=urllib3.Retry(
            total=_TRIES - 1, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]
        ),
    )
