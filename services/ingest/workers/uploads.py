"""Uploads that became nothing: begun and never finished, or finished and never named."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import uuid4

import structlog

from libs.blobs.blobs import BlobEntry, Blobs
from libs.store.faults import is_transient
from libs.store.leases import acquire
from services.ingest.parts import Ingest

log = structlog.get_logger()
_LOOK_SECONDS = 300.0
_KEPT = timedelta(days=1)
# Nobody renews or gives it back: of all processes one clears, once in this time.
_EVERY = timedelta(hours=1)
# The character behind "/": what begins with it lies behind everything in a folder.
_BEHIND = "0"


async def clear_uploads(parts: Ingest) -> None:
    """Delete uploads that are older than a day, once an hour, until cancelled."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            async with parts.database.begin() as tx:
                due = await acquire(tx, "uploads", holder=uuid4(), duration=_EVERY)
            if due:
                cleared = await clear(parts.blobs, before=parts.clock.now() - _KEPT)
                if cleared:
                    log.info("uploads.cleared", objects=cleared)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("uploads not cleared, will be", error=str(error))


async def clear(blobs: Blobs, *, before: datetime) -> int:
    """Delete uploads and parts that were last written before; returns how many objects.

    The parts of an upload go together, when the newest of them is old: a slow one is not cut.
    """
    cleared = 0
    async for folder in _organizations(blobs):
        async for entry in _entries(blobs, f"{folder}uploads/"):
            if entry.modified < before:
                await blobs.delete(entry.key)
                cleared += 1
        async for upload in _uploads(blobs, f"{folder}parts/"):
            if max(part.modified for part in upload) < before:
                for part in upload:
                    await blobs.delete(part.key)
                cleared += len(upload)
    return cleared


async def _organizations(blobs: Blobs) -> AsyncIterator[str]:
    """The folder of each organisation: one entry of each is looked at, not its pictures."""
    after: str | None = None
    while entries := (await blobs.list("ingest/", limit=1, after=after)).entries:
        folder = "/".join(entries[0].key.split("/")[:2])
        yield f"{folder}/"
        after = folder + _BEHIND


async def _uploads(blobs: Blobs, prefix: str) -> AsyncIterator[list[BlobEntry]]:
    """The parts of each upload: they are listed side by side."""
    held: list[BlobEntry] = []
    async for entry in _entries(blobs, prefix):
        if held and _upload_of(entry) != _upload_of(held[0]):
            yield held
            held = []
        held.append(entry)
    if held:
        yield held


async def _entries(blobs: Blobs, prefix: str) -> AsyncIterator[BlobEntry]:
    after: str | None = None
    while True:
        page = await blobs.list(prefix, after=after)
        for entry in page.entries:
            yield entry
        if page.after is None:
            return
        after = page.after


def _upload_of(part: BlobEntry) -> str:
    return part.key.rpartition("/")[0]
