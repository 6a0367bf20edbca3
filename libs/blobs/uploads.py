"""What clients upload waits with ingest for a day; a service that keeps it copies it."""

import asyncio
from pathlib import Path
from uuid import UUID

from libs.blobs.blobs import BadKey, BlobNotFound, Blobs


class NoSuchUpload(Exception):
    """The name was never given out, or nothing is there under it (any more)."""


class FileTooLarge(Exception):
    """The object is larger than it may be."""


def uploads_of(organization: UUID) -> str:
    """Where an organisation's uploads wait."""
    return f"ingest/{organization}/uploads"


async def fetch_upload(
    blobs: Blobs, organization: UUID, name: str, *, path: Path, limit: int
) -> None:
    """Write an upload of the organisation into a file. Raises NoSuchUpload, FileTooLarge."""
    if not name.startswith(f"{uploads_of(organization)}/"):
        raise NoSuchUpload("the object is none that was given out: upload the file first")
    try:
        await copy_out(blobs, name, path=path, limit=limit)
    except (BadKey, BlobNotFound) as error:
        raise NoSuchUpload("the object is not there: an upload is kept for a day") from error


async def copy_out(blobs: Blobs, key: str, *, path: Path, limit: int) -> None:
    """Write a blob into a file. Raises BlobNotFound, FileTooLarge."""
    info = await blobs.stat(key)
    if info is None:
        raise BlobNotFound(key)
    if info.size > limit:
        raise FileTooLarge(f"the file is larger than {limit} bytes")
    with path.open("wb") as out:
        async for piece in blobs.stream(key):
            await asyncio.to_thread(out.write, piece)
