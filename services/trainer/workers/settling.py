"""Experiments whose job ended without them: cancelled while it waited, or given up."""

import asyncio

import structlog

from libs.schemas.events import ExperimentStatus, JobState
from libs.store.faults import is_transient
from services.trainer.parts import Trainer
from services.trainer.store import experiments
from services.trainer.store.experiments import Ending

log = structlog.get_logger()
_SECONDS = 2.0


async def settle(parts: Trainer) -> None:
    """End what was left behind, every two seconds, until cancelled."""
    while True:
        try:
            await settle_once(parts)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("experiments not settled, will be", error=str(error))
        await asyncio.sleep(_SECONDS)


async def settle_once(parts: Trainer) -> None:
    """End each experiment that its job has left behind."""
    async with parts.database.single() as read:
        left = await experiments.abandoned(read)
    for row in left:
        cancelled = row["state"] == JobState.CANCELLED
        ending = Ending(
            status=ExperimentStatus.CANCELED if cancelled else ExperimentStatus.FAILED,
            error=None if cancelled else row["error"] or "The run ended without a result.",
        )
        async with parts.database.begin() as tx:
            await experiments.end(tx, row["organization"], row["id"], ending=ending)
