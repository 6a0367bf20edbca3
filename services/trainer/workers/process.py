"""Starting and stopping the training process."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import services
from services.trainer.core.job import Work, write_work

_MODULE = "services.trainer.workers.run"
_GRACE = 5.0
_LOOK = 0.05
_LONGEST_LINE = 2**20
# What a recipe, perhaps somebody else's, has no business to read: keys and addresses.
_PRIVATE = "SIGHTLOOP_"


@asynccontextmanager
async def training_process(work: Work, *, niceness: int) -> AsyncIterator[Process]:
    """The process that does some work; stopped, with all it started, when the block ends."""
    folder = Path(work.folder)
    file = folder / "work.json"
    await asyncio.to_thread(write_work, file, work)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        _MODULE,
        str(file),
        str(os.getpid()),
        str(niceness),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        cwd=folder,
        env=_environment(os.environ),
        start_new_session=True,
        limit=_LONGEST_LINE,
    )
    try:
        yield process
    finally:
        await _stop(process)


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """This tree first on the path: in a wheel it is `_tree`, and a folder `services` or another
    distribution's `libs` that lies elsewhere on the path is not ours."""
    tree = str(Path(str(services.__file__)).parents[1])
    kept = {name: value for name, value in ours.items() if not name.startswith(_PRIVATE)}
    path = [tree, *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONUNBUFFERED": "1",
        "ORT_DISABLE_TELEMETRY": "1",
    }


async def ended(process: Process) -> None:
    """Return when the process has ended, having killed what it left behind.

    `Process.wait` returns only when the pipes are closed, too, and what is left holds them open.
    """
    while process.returncode is None:  # noqa: ASYNC110  # there is no event for it
        await asyncio.sleep(_LOOK)
    _signal(process, signal.SIGKILL)


async def _stop(process: Process) -> None:
    """SIGTERM to the process and its children; SIGKILL to what is left of them."""
    if process.returncode is None:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await ended(process)
    if process.returncode is None:
        _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
