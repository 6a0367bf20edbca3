"""A backbone that runs, in a process of its own."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

import services
from services.metrics.core.backbone import Input, Scaling, framed, length_of
from services.metrics.errors import BackboneRefused
from services.metrics.settings import MetricsSettings

_MODULE = "services.metrics.workers.embedder"
# What somebody else's network has no business to read: keys and addresses.
_PRIVATE = "SIGHTLOOP_"
_SLACK = 5.0  # seconds beyond the process's own alarm clock


@asynccontextmanager
async def embedder(
    settings: MetricsSettings, content: bytes, scaling: Scaling
) -> AsyncIterator["Embedder"]:
    """The process that runs a network, which was tried on a picture; ended with the block.

    Raises BackboneRefused with what is wrong with it.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", _MODULE,
        str(scaling), str(settings.backbone_memory),
        str(settings.backbone_load_seconds), str(settings.backbone_seconds),
        stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd="/", env=_environment(os.environ),
    )  # fmt: skip
    try:
        said = await _asked(process, content, seconds=settings.backbone_load_seconds)
        if said is None:
            raise BackboneRefused(
                _reason(process, seconds=settings.backbone_load_seconds, memory=settings)
            )
        answer = msgspec.json.decode(said)
        if "refused" in answer:
            raise BackboneRefused(answer["refused"])
        size = Input(
            width=answer["width"], height=answer["height"], channels_last=answer["channels_last"]
        )
        yield Embedder(settings, process, size=size, values=answer["values"])
    finally:
        await _end(process)


class Embedder:
    """A network that runs. `failed`: why it answers no more; None while it does."""

    def __init__(
        self, settings: MetricsSettings, process: Process, *, size: Input, values: int
    ) -> None:
        self.size = size
        self.values = values
        self.failed: str | None = None
        self._settings = settings
        self._process = process

    async def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Values (F,) of an image of `size`; None where they are not finite, or it failed."""
        seconds = self._settings.backbone_seconds
        said = await _asked(self._process, pixels.tobytes(), seconds=seconds)
        if said is None:
            self.failed = _reason(self._process, seconds=seconds, memory=self._settings)
            return None
        return np.frombuffer(said, dtype=np.float32) if said else None


async def _asked(process: Process, data: bytes, *, seconds: float) -> bytes | None:
    """The answer to a frame; None where the process has ended without one, or had to be."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(seconds + _SLACK):
            process.stdin.write(framed(data))
            await process.stdin.drain()
            length = length_of(await process.stdout.readexactly(8))
            return await process.stdout.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
        await _end(process)
        return None


def _reason(process: Process, *, seconds: float, memory: MetricsSettings) -> str:
    if process.returncode in (-signal.SIGALRM, -signal.SIGKILL):
        return f"it did not answer within {seconds:g} s"
    limit = memory.backbone_memory / 2**20
    return f"its process ended: it crashed, or took more than {limit:,.0f} MiB of memory"


async def _end(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        # Its own alarm may be what ended it: then that is the reason, not this.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await process.wait()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await process.wait()


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """This tree first on the path, as in a wheel it is not the one that Python finds."""
    tree = str(Path(str(services.__file__)).parents[1])
    kept = {name: value for name, value in ours.items() if not name.startswith(_PRIVATE)}
    path = [tree, *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ORT_DISABLE_TELEMETRY": "1",
        # Buffers of threads that never work would count as its memory.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
