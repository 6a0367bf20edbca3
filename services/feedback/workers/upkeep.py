"""The loop that settles versions that rest, and fires the trainings that are due."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import structlog

from libs.store import leases
from libs.store.faults import is_transient
from services.feedback.actions.settling import settle
from services.feedback.actions.trainings import answer_alarm, fire_if_due
from services.feedback.parts import Feedback
from services.feedback.store import alarms, datasets, trainings

log = structlog.get_logger()
_SECONDS = 1.0
_LEASE = timedelta(minutes=2)


async def keep_settled(parts: Feedback) -> None:
    """Look each second, as long as the process runs."""
    holder = uuid4()
    while True:
        try:
            # First the trainings: what has settled is told before it may change again.
            await _fire(parts)
            await _settle(parts, holder)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("not settled, will be", error=str(error))
        await asyncio.sleep(_SECONDS)


async def _settle(parts: Feedback, holder: UUID) -> None:
    now = parts.clock.now()
    async with parts.database.single() as read:
        waiting = await datasets.unsettled(
            read,
            rested=now - timedelta(seconds=parts.settings.quiet_seconds),
            waited=now - timedelta(seconds=parts.settings.settle_seconds),
        )
    for organization, version in waiting:
        name = f"settle {version}"
        async with parts.database.begin() as tx:
            ours = await leases.acquire(tx, name, holder=holder, duration=_LEASE)
        if not ours:
            continue
        try:
            await settle(parts, organization, version)
        finally:
            async with parts.database.begin() as tx:
                await leases.release(tx, name, holder=holder)
        await _fire(parts)


async def _fire(parts: Feedback) -> None:
    async with parts.database.single() as read:
        enough = await trainings.counted_enough(read)
        waiting = await alarms.waiting(read)
    for organization, deployment in enough:
        if await fire_if_due(parts, organization, deployment):
            log.info("training asked for", deployment=str(deployment))
    for row in waiting:
        if await answer_alarm(parts, row["organization"], row["deployment"], row["alert"]):
            log.info("training asked for by an alert", deployment=str(row["deployment"]))
