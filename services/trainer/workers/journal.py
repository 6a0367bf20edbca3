"""What a run says, kept until it is written down: once a second, in one transaction."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import structlog

from libs.store.faults import is_transient
from libs.store.workers import JobRun
from services.trainer.core.job import loggable
from services.trainer.errors import RunSuperseded
from services.trainer.parts import Trainer
from services.trainer.store import experiments, runs
from services.trainer.store.runs import Line, Point

log = structlog.get_logger()
_SECONDS = 1.0
_HELD = 5_000


class Journal:
    """The log, the series and the progress of one attempt."""

    def __init__(
        self, parts: Trainer, run: JobRun, *, experiment: UUID, attempt: int, lines: int
    ) -> None:
        self._parts = parts
        self._run = run
        self._experiment = experiment
        self._attempt = attempt
        self._lines: list[Line] = []
        self._points: list[Point] = []
        self._written = lines
        self._progress: tuple[int, int] | None = None
        self._told: tuple[int, int] | None = None
        self._message = ""
        self._drained = asyncio.Event()

    async def room(self) -> None:
        """Return when more may be added: whoever writes faster than the database waits here."""
        while len(self._lines) + len(self._points) >= _HELD:
            self._drained.clear()
            await self._drained.wait()

    def log(self, text: str) -> None:
        """Add a line."""
        self._lines.append(Line(self._now(), loggable(text)))

    def progress(self, step: int, total: int, *, values: Mapping[str, float], message: str) -> None:
        """Say that `step` of `total` steps are done, and what was measured there."""
        self._progress = (step, total)
        self._message = message
        self._points += [Point(name, step, value) for name, value in values.items()]

    async def keep(self) -> None:
        """Write down once a second, until cancelled.

        Raises:
            RunSuperseded: the run is nobody's any more.
            JobCancelled: somebody asked for its end.
        """
        while True:
            await asyncio.sleep(_SECONDS)
            before = self._told
            await self.flush()
            if self._told is not None and self._told != before:
                await self._tell_job(*self._told)
            self._run.check()

    async def flush(self) -> None:
        """Write down what is held. While the database is away it stays held.

        Raises RunSuperseded.
        """
        lines, points, progress = self._lines[:], self._points[:], self._progress
        if not lines and not points and progress == self._told:
            return
        try:
            await self._write(lines, points, progress)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("journal not written, will be", error=str(error))
            return
        del self._lines[: len(lines)]
        del self._points[: len(points)]
        self._told = progress
        self._drained.set()

    async def _write(
        self, lines: list[Line], points: list[Point], progress: tuple[int, int] | None
    ) -> None:
        organization = self._run.job.organization
        allowed = self._allowed(lines)
        async with self._parts.database.begin() as tx:
            if progress is not None and progress != self._told:
                values = {"done": progress[0], "total": progress[1]}
                changed = await experiments.change(
                    tx, organization, self._experiment, attempt=self._attempt, values=values
                )
                if changed is None:
                    raise RunSuperseded
            if allowed or points:
                written = await runs.append(
                    tx,
                    organization,
                    self._experiment,
                    attempt=self._attempt,
                    lines=allowed,
                    points=points,
                )
                if written is None:
                    raise RunSuperseded
            else:
                written = self._written
        self._written = written

    async def _tell_job(self, done: int, total: int) -> None:
        try:
            await self._run.progress(done, total, self._message)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("progress not told, will be", error=str(error))

    def _allowed(self, lines: list[Line]) -> list[Line]:
        """The lines that still fit, and a last one that says where the log ends."""
        limit = self._parts.settings.log_limit
        room = limit - self._written
        if len(lines) <= room:
            return lines
        full = Line(self._now(), f"the log is full: only {limit} lines are kept")
        return [*lines[:room], full] if room >= 0 else []

    def _now(self) -> datetime:
        return self._parts.clock.now()
