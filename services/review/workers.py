"""What review does by itself: draw."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import structlog

from libs.store.faults import is_transient
from libs.store.leases import acquire
from services.review.core.lottery import DRAW_LIMIT
from services.review.parts import Reviews
from services.review.store import draws

log = structlog.get_logger()
_LEASE = timedelta(seconds=2)
# Arrivals wake the loop of the process that stored them. What it could not draw (its process
# died, another one drew) is found by looking, this often.
_LOOK_SECONDS = 5.0


async def keep_drawing(parts: Reviews) -> None:
    """Draw what has arrived: at most every `draw_seconds`, by one process at a time."""
    holder = uuid4()
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await parts.arrivals.wait()
        await asyncio.sleep(parts.settings.draw_seconds)
        parts.arrivals.clear()
        try:
            drawn = await draw_all(parts, holder)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("not drawn, will be", error=str(error))
            drawn = False
        if not drawn:
            parts.arrivals.set()


async def draw_all(parts: Reviews, holder: UUID) -> bool:
    """Open draws of everything that waits; False where another process is at it."""
    after: UUID | None = None
    while True:
        async with parts.database.begin() as tx:
            waiting = await draws.next_waiting(tx, after)
            if waiting is None:
                return True
            if not await acquire(tx, "draws", holder=holder, duration=_LEASE):
                return False
            organization, deployment = waiting
            drawn = await draws.open_draw(tx, organization, deployment)
        if drawn < DRAW_LIMIT:
            after = deployment
