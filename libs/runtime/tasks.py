"""The tasks of a process: started in stages, each stage stopped as a whole."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from libs.store.faults import is_transient, keep_cancelled

log = structlog.get_logger()
STOP_SECONDS = 20.0
_AWAY_SECONDS = 1.0


class ComponentEnded(Exception):
    """A component that should run as long as the process has ended."""


@dataclass(slots=True)
class Tasks:
    """The tasks of one stage, stopped together."""

    group: asyncio.TaskGroup
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        self.tasks.append(self.group.create_task(_guarded(name, run), name=name))

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        if not self.tasks:
            return
        _, left = await asyncio.wait(self.tasks, timeout=STOP_SECONDS)
        for task in left:
            log.error("does not end", component=task.get_name(), where=_where(task))
            task.cancel()


async def _guarded(name: str, run: Callable[[], Awaitable[None]]) -> None:
    try:
        await run()
    except Exception as error:
        if is_transient(error):
            keep_cancelled(error)
        raise ComponentEnded(f"{name} failed: {type(error).__name__}: {error}") from error
    raise ComponentEnded(f"{name} ended")


async def through_faults(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a loop; what passes by itself ends no process: the loop begins anew."""
    while True:
        try:
            await run()
        except Exception as error:
            if not is_transient(error):
                raise
            keep_cancelled(error)
            log.warning("loop begins anew", loop=name, error=str(error))
            await asyncio.sleep(_AWAY_SECONDS)
        else:
            return


async def do_last(what: str, work: Awaitable[None]) -> None:
    """Do it before the end; where a part is away, it is left to the next process."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await work
    except Exception as error:
        if not is_transient(error):
            raise
        log.warning("left to the next process", what=what, error=str(error))


def _where(task: asyncio.Task[None]) -> str:
    """What a task waits for, innermost first."""
    frames = []
    waits: Any = task.get_coro()
    while (frame := getattr(waits, "cr_frame", None)) is not None:
        frames.append(f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}")
        waits = waits.cr_await
    return " < ".join(reversed(frames))
