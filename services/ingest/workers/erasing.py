"""Erases the pictures of images that are gone."""

import asyncio
from datetime import datetime, timedelta

import structlog

from libs.store.faults import is_transient
from services.ingest import store
from services.ingest.actions.pictures import thumbnails_of
from services.ingest.parts import Ingest

log = structlog.get_logger()
_LOOK_SECONDS = 60.0
# Who logs a picture that is there already does not write it again, and his image comes later.
_REST = timedelta(minutes=5)


async def erase_pictures(parts: Ingest) -> None:
    """Erase lost pictures once they have rested, until cancelled."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            while await erase(parts, before=parts.clock.now() - _REST):
                pass
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("pictures not erased, will be", error=str(error))


async def erase(parts: Ingest, *, before: datetime) -> int:
    """Erase some of the pictures lost before, and what was made of them; how many were settled."""
    async with parts.database.read() as read:
        lost = await store.lost_before(read, before)
    for row in lost:
        async with parts.database.begin() as tx:
            # Inside: a picture that could not be erased is tried again.
            if await store.settle_lost(tx, row):
                await parts.blobs.delete(row["key"])
                folder = thumbnails_of(row["organization"])
                await parts.thumbnails.forget(folder, sha256=row["sha256"])
    return len(lost)
