"""Telling what was logged from elsewhere, so that browsers look: once a second."""

import asyncio

import structlog

from libs.schemas.events import ExperimentLogged
from libs.store.faults import is_transient
from services.trainer.parts import Trainer

log = structlog.get_logger()
_SECONDS = 1.0


async def tell(parts: Trainer) -> None:
    """Tell what was logged, every second, until cancelled."""
    while True:
        await asyncio.sleep(_SECONDS)
        try:
            await tell_once(parts)
        except Exception as error:
            if not is_transient(error):
                raise
            # The log itself is written: a browser sees it when it next looks.
            log.warning("not told what was logged", error=str(error))


async def tell_once(parts: Trainer) -> None:
    """Tell what was logged since the last time."""
    taken = parts.telling.take()
    if not taken:
        return
    async with parts.database.begin() as tx:
        for one in taken:
            await tx.emit(
                ExperimentLogged(
                    experiment=one.experiment,
                    attempt=one.attempt,
                    lines=one.lines,
                    metrics=sorted(one.series),
                ),
                organization=one.organization,
            )
