"""From an address to a blob store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from libs.blobs.blobs import Blobs
from libs.blobs.files import FileBlobs
from libs.blobs.s3 import S3Blobs
from libs.blobs.s3_address import BadBlobsAddress, S3Address


@asynccontextmanager
async def open_blobs(url: str, *, public_url: str) -> AsyncIterator[Blobs]:
    """The store at `file:///folder` or `s3://key:secret@host:port/bucket` (see S3Address).

    `public_url` is the one origin: a folder's signed addresses begin with it.
    Raises BadBlobsAddress, or BlobsUnavailable for a folder that cannot be used.
    """
    parts = urlsplit(url)
    store: FileBlobs | S3Blobs
    if parts.scheme == "s3":
        store = S3Blobs(S3Address.parse(url))
    elif parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        store = await FileBlobs.open(Path(unquote(parts.path)), public_url=public_url)
    else:
        raise BadBlobsAddress("blobs are at file:///folder or s3://key:secret@host:port/bucket")
    try:
        yield store
    finally:
        await store.close()
