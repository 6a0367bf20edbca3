"""A bucket of an S3 server: objects by their keys, which may have any characters."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from libs.blobs.blobs import BlobsUnavailable
from libs.blobs.s3_address import S3Address
from libs.blobs.threads import Threads
from services.ingest.actions.places.outside import (
    BadPath,
    Entry,
    PlaceRefuses,
    Unreadable,
    check_path,
)

_AT_ONCE = 1000
_THREADS = 8
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 30.0
_TRIES = 3
_SECONDS = 120.0
# What passes by itself, or when an operator has mended it.
_AWAY = {"InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout"}

T = TypeVar("T")


class BucketOutside:
    """The objects of a bucket whose key begins with `prefix`; their names are what follows it."""

    def __init__(self, address: S3Address, *, prefix: str) -> None:
        import urllib3  # noqa: PLC0415 - comes with the client

        self._bucket = address.bucket
        self._prefix = prefix
        self._threads = Threads(_THREADS)
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
            maxsize=_THREADS,
            retries=urllib3.Retry(
                total=_TRIES - 1, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]
            ),
        )
        self._client = address.client(self._pool)

    async def close(self) -> None:
        await self._threads.close()
        self._pool.clear()

    async def entries(self, path: str, *, after: str) -> AsyncIterator[Entry]:
        """As in `Outside`; `path` is the beginning of a key, which need not end at a slash."""
        found = self._client.list_objects(
            bucket_name=self._bucket,
            prefix=self._prefix + path,
            recursive=True,
            start_after=self._prefix + after if after else None,
        )
        while True:
            with _told(PlaceRefuses):
                keys = await self._threads.run(
                    _SECONDS, lambda: [one.object_name or "" for one in islice(found, _AT_ONCE)]
                )
            for key in keys:
                if not key.endswith("/"):
                    yield _entry(key.removeprefix(self._prefix))
            if len(keys) < _AT_ONCE:
                return

    async def read(self, name: str, *, limit: int) -> bytes:
        check_path(name)
        content = await self._run(lambda: self._get(self._prefix + name, limit + 1))
        if len(content) > limit:
            raise Unreadable(f"the picture is larger than {limit} bytes")
        return content

    def _get(self, key: str, length: int) -> bytes:
        answer = self._client.get_object(bucket_name=self._bucket, object_name=key)
        try:
            return bytes(answer.read(length))
        finally:
            answer.close()
            answer.release_conn()

    async def _run(self, work: Callable[[], T]) -> T:
        with _told(Unreadable):
            return await self._threads.run(_SECONDS, work)


def _entry(name: str) -> Entry:
    try:
        same = check_path(name) == name
    except BadPath as error:
        return Entry(name=name.replace("\x00", "\\0"), refused=str(error))
    return Entry(name=name, refused=None if same else "its name begins with a slash")


@contextmanager
def _told(refusal: type[PlaceRefuses | Unreadable]) -> Iterator[None]:
    """The client's errors as ours; without what it was opened with."""
    from minio.error import MinioException, S3Error  # noqa: PLC0415 - an extra, slow to import
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    try:
        yield
    except S3Error as error:
        if error.code in _AWAY:
            raise BlobsUnavailable(f"the S3 store: {error.code}") from error
        raise refusal(f"the S3 store refuses: {error.code}: {error.message}") from error
    except (MinioException, HTTPError, ConnectionError, ValueError) as error:
        if isinstance(error, ValueError):
            raise refusal("the S3 store takes no such name") from error
        raise BlobsUnavailable(f"the S3 store is away: {type(error).__name__}") from error
