"""Writing down what this process gave out and refused."""

import asyncio

import structlog

from libs.store.faults import is_transient
from services.ingest import store
from services.ingest.parts import Ingest

log = structlog.get_logger()
_SECONDS = 1.0


async def keep_books(parts: Ingest) -> None:
    """Write the till down once a second, and once more at the end."""
    try:
        while True:
            await asyncio.sleep(_SECONDS)
            await _write(parts)
    finally:
        await _write(parts)


async def _write(parts: Ingest) -> None:
    taken = parts.till.take()
    if not taken:
        return
    try:
        async with parts.database.begin() as tx:
            await store.write_till(tx, taken)
    except BaseException as error:
        parts.till.put_back(taken)
        if not is_transient(error):
            raise
        log.warning("books not written, will be", error=str(error))
    else:
        parts.till.written(taken)
