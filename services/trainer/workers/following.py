"""Listening to the training process until it ends, or should."""

import asyncio
from asyncio.subprocess import Process
from collections import deque
from typing import Any

from libs.store.workers import JobRun
from services.trainer.core.job import Done, Line, Progress, Refused, Work, hear
from services.trainer.errors import TrainingFailed, TrainingLost
from services.trainer.workers.journal import Journal
from services.trainer.workers.process import ended, training_process

_CLOSING = 2.0
_KILLED_BY_SHELL = 128


async def follow(work: Work, *, run: JobRun, journal: Journal, niceness: int) -> Done:
    """Do some work in a process of its own and say how it went; it ends with this call.

    Raises:
        TrainingFailed: the recipe refused, or the process failed by itself.
        TrainingLost: the process was killed.
        JobCancelled: somebody asked for the end.
        RunSuperseded: the run is nobody's any more.
    """
    async with training_process(work, niceness=niceness) as process:
        said: list[Done | Refused] = []
        printed: deque[str] = deque(maxlen=1)
        errors = asyncio.create_task(_read_errors(process, journal, printed))
        keeping = asyncio.create_task(journal.keep())
        cancelled = asyncio.create_task(run.cancel_asked.wait())
        over = asyncio.gather(_read(process, journal, said), ended(process))
        tasks: tuple[asyncio.Future[Any], ...] = (over, keeping, cancelled, errors)
        try:
            await asyncio.wait(tasks[:3], return_when=asyncio.FIRST_COMPLETED)
            run.check()
            if keeping.done():
                keeping.result()
            over.result()
            await asyncio.wait({errors}, timeout=_CLOSING)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        code = process.returncode
    return _judged(said, code, last_line=printed[0] if printed else None)


def _judged(said: list[Done | Refused], code: int | None, *, last_line: str | None) -> Done:
    """What counts is what it said; how it ended counts where it said nothing."""
    match said:
        case [Done() as done, *_]:
            return done
        case [Refused(sentence=sentence), *_]:
            raise TrainingFailed(sentence)
    if code is not None and (code < 0 or code > _KILLED_BY_SHELL):
        number = -code if code < 0 else code - _KILLED_BY_SHELL
        raise TrainingLost(f"the training process was killed by signal {number}")
    raise TrainingFailed(f"The training process failed: {last_line or f'exit code {code}'}")


async def _read(process: Process, journal: Journal, said: list[Done | Refused]) -> None:
    """What the process says, until it closes its output."""
    assert process.stdout is not None
    async for line in process.stdout:
        match hear(line):
            case Line(text=text):
                journal.log(text)
            case Progress(step=step, total=total, values=values, seconds_left=left):
                message = f"step {step} of {total}, {left:.0f} s left"
                journal.progress(step, total, values=values, message=message)
            case Done() | Refused() as end:
                said.append(end)
        await journal.room()


async def _read_errors(process: Process, journal: Journal, printed: deque[str]) -> None:
    """What is printed beside: lines of the log; the newest one tells why a process failed."""
    assert process.stderr is not None
    while True:
        try:
            line = await process.stderr.readline()
        except ValueError:  # longer than a line may be: the reader has dropped it
            continue
        if not line:
            return
        text = line.decode(errors="replace").rstrip()
        if text:
            journal.log(text)
            printed.append(text)
        await journal.room()
