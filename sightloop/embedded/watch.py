"""A server that ends by itself is started again: what waits for it goes on where it was."""

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import structlog

from sightloop.embedded.errors import EmbeddedPostgresError
from sightloop.embedded.postgres import EmbeddedPostgres

T = TypeVar("T")
_TIMES, _SECONDS = 5, 60.0
_log = structlog.get_logger(__name__)


async def watched(postgres: EmbeddedPostgres, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, with the server started again whenever it ends by itself.

    Raises:
        EmbeddedPostgresError: it ended five times within a minute, or does not start any more.
    """
    working = asyncio.create_task(work)
    keeping = asyncio.create_task(_keep(postgres))
    try:
        await asyncio.wait([working, keeping], return_when=asyncio.FIRST_COMPLETED)
        if keeping.done() and not working.done():
            keeping.result()
        return await working
    finally:
        for task in (working, keeping):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


async def _keep(postgres: EmbeddedPostgres) -> None:
    ends: deque[float] = deque(maxlen=_TIMES)
    while (reason := await postgres.ended()) is not None:
        while reason is not None:
            ends.append(time.monotonic())
            if len(ends) == _TIMES and ends[-1] - ends[0] < _SECONDS:
                raise EmbeddedPostgresError(
                    f"the server ended {_TIMES} times within a minute; last: {reason}",
                    postgres.data_dir,
                )
            _log.warning("postgres.started_again", reason=reason)
            reason = await _started_again(postgres)


async def _started_again(postgres: EmbeddedPostgres) -> str | None:
    """None when it runs, else why it does not."""
    try:
        await postgres.restart()
    except EmbeddedPostgresError as error:
        return str(error)
    return None
