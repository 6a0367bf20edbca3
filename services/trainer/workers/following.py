"""Listening to the training process until it ends, or should."""

import asyncio
from asyncio.subprocess import Process
from collections import deque

from libs.store.workers import JobRun
from services.trainer.core.job import Done, Line, Progress, Refused, Work, hear
from services.trainer.errors import TrainingFailed, TrainingLost
from services.trainer.workers.journal import Journal
from services.trainer.workers.process import training_process

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
        last: deque[str] = deque(maxlen=1)
        errors = asyncio.create_task(_read_errors(process, journal, last))
        reading = asyncio.create_task(_read(process, journal))
        keeping = asyncio.create_task(journal.keep())
        cancelled = asyncio.create_task(run.cancel_asked.wait())
        tasks = (errors, reading, keeping, cancelled)
        try:
            await asyncio.wait({reading, keeping, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            run.check()
            if keeping.done():
                keeping.result()
            said = await reading
            code = await process.wait()
            # A process that the recipe left behind may hold the pipe open.
            await asyncio.wait({errors}, timeout=_CLOSING)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    if isinstance(said, Refused):
        raise TrainingFailed(said.sentence)
    if code < 0 or code > _KILLED_BY_SHELL:
        number = -code if code < 0 else code - _KILLED_BY_SHELL
        raise TrainingLost(f"the training process was killed by signal {number}")
    if said is None or code != 0:
        reason = last[0] if last else f"exit code {code}"
        raise TrainingFailed(f"The training process failed: {reason}")
    return said


async def _read(process: Process, journal: Journal) -> Done | Refused | None:
    """What the process said in the end, when it has closed its output."""
    assert process.stdout is not None
    said: Done | Refused | None = None
    async for line in process.stdout:
        match hear(line):
            case Line(text=text):
                journal.log(text)
            case Progress(step=step, total=total, values=values, seconds_left=left):
                message = f"step {step} of {total}, {left:.0f} s left"
                journal.progress(step, total, values=values, message=message)
            case Done() | Refused() as end:
                said = end
        await journal.room()
    return said


async def _read_errors(process: Process, journal: Journal, last: deque[str]) -> None:
    """What is printed beside: lines of the log; the last one tells why a process failed."""
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
            last.append(text)
        await journal.room()
