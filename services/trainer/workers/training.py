"""One attempt of an experiment, from taking it up to telling how it ended."""

import asyncio
import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import structlog

from libs.blobs.keys import content_key
from libs.schemas.events import ExperimentStatus
from libs.schemas.values import Artifact
from libs.store.faults import is_transient
from libs.store.jobs import JobFailed
from libs.store.workers import JobCancelled, JobRun
from services.trainer.core.job import CHECKPOINT, METRICS, ONNX, Done
from services.trainer.errors import RunSuperseded, TrainingFailed
from services.trainer.parts import Trainer
from services.trainer.store import experiments, runs
from services.trainer.store.experiments import Ending
from services.trainer.store.runs import Taken
from services.trainer.workers.following import follow
from services.trainer.workers.journal import Journal
from services.trainer.workers.preparation import prepare

T = TypeVar("T")
log = structlog.get_logger()
_ARTIFACTS = {
    "model-latest": (ONNX, "application/octet-stream"),
    "checkpoint": (CHECKPOINT, "application/octet-stream"),
    "metrics.json": (METRICS, "application/json"),
}
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


async def train(parts: Trainer, run: JobRun) -> None:
    """Run an experiment. Its end is told in the transaction that stores it, hence once.

    Raises:
        JobFailed: it failed. JobCancelled: it was cancelled.
        TrainingLost, another transient fault: worth another attempt.
    """
    experiment = UUID(run.job.payload["experiment"])
    async with parts.database.begin() as tx:
        taken = await runs.take_up(tx, run.job.organization, experiment)
    if taken is None:
        raise JobFailed("the experiment is gone")
    if taken.ended:
        _settle_job(taken)
        return
    await _Attempt(parts, run, taken).make()


def _settle_job(taken: Taken) -> None:
    """The worker died between the experiment's end and the job's: only the job is left."""
    if taken.row["status"] == ExperimentStatus.CANCELED:
        raise JobCancelled
    if taken.row["status"] == ExperimentStatus.FAILED:
        raise JobFailed(taken.row["error"] or "")


class _Attempt:
    """One attempt, by one worker."""

    def __init__(self, parts: Trainer, run: JobRun, taken: Taken) -> None:
        self._parts = parts
        self._run = run
        self._organization = run.job.organization
        self._experiment: UUID = taken.row["id"]
        self._number: int = taken.row["attempt"]
        self._row = taken.row
        self._lost = taken.lost
        self._journal = Journal(
            parts, run, experiment=self._experiment, attempt=self._number, lines=taken.row["lines"]
        )

    async def make(self) -> None:
        """Make the attempt and settle it."""
        try:
            if self._lost >= self._parts.settings.attempts:
                raise TrainingFailed(f"Given up: {self._lost} attempts were lost.")
            if self._number > 1:
                self._journal.log(f"attempt {self._number}")
            await self._end(await self._trained())
        except RunSuperseded:
            log.warning("a run was superseded", experiment=str(self._experiment))
        except TrainingFailed as failed:
            await self._fail(str(failed))
            raise JobFailed(str(failed)) from failed
        except JobCancelled:
            self._journal.log("cancelled")
            await self._end(Ending(status=ExperimentStatus.CANCELED))
            raise
        except asyncio.CancelledError:
            await self._leave_quietly()
            raise
        except Exception as fault:
            if not is_transient(fault):
                await self._fail(f"{type(fault).__name__}: {fault}")
                raise
            await self._lose(fault)
            raise

    async def _trained(self) -> Ending:
        limit = self._parts.settings.time_limit
        clock = asyncio.timeout(limit)
        try:
            async with clock:
                async with self._folder() as folder:
                    work = await prepare(
                        self._parts, self._run, self._row, journal=self._journal, folder=folder
                    )
                    await self._journal.flush()
                    done = await follow(
                        work,
                        run=self._run,
                        journal=self._journal,
                        niceness=self._parts.settings.niceness,
                    )
                    return await self._ending(done, folder)
        except TimeoutError as error:
            if not clock.expired():
                raise
            raise TrainingFailed(f"Stopped: longer than its limit of {limit:.0f} s.") from error

    async def _ending(self, done: Done, folder: Path) -> Ending:
        artifacts = [
            await _patiently(lambda name=name: self._store(name, folder))  # type: ignore[misc]
            for name in _ARTIFACTS
        ]
        self._journal.log("done")
        return Ending(
            status=ExperimentStatus.SUCCESS,
            labels=done.labels,
            metrics=done.metrics,
            artifacts=artifacts,
        )

    async def _store(self, name: str, folder: Path) -> Artifact:
        file, content_type = _ARTIFACTS[name]
        path = folder / file
        sha256 = await asyncio.to_thread(_sha256, path)
        key = content_key(f"trainer/{self._organization}/artifacts", sha256, path.suffix)
        info = await self._parts.blobs.put_file(key, path, content_type=content_type)
        return Artifact(name=name, key=key, sha256=sha256, size=info.size)

    async def _fail(self, sentence: str) -> None:
        self._journal.log(f"failed: {sentence}")
        await self._end(Ending(status=ExperimentStatus.FAILED, error=sentence))

    async def _end(self, ending: Ending) -> None:
        """Store and tell the end. Nothing happens where another worker has taken over."""
        with contextlib.suppress(RunSuperseded):
            await self._journal.flush()

        async def end() -> None:
            async with self._parts.database.begin() as tx:
                await experiments.end(
                    tx, self._organization, self._experiment, attempt=self._number, ending=ending
                )

        await _patiently(end)

    async def _lose(self, fault: Exception) -> None:
        """Count the attempt as lost. Raises JobFailed where it was the last one."""
        self._journal.log(f"attempt {self._number} was lost: {fault}")
        if self._lost + 1 >= self._parts.settings.attempts:
            sentence = f"Given up: {self._lost + 1} attempts were lost; the last one: {fault}."
            await self._fail(sentence)
            raise JobFailed(sentence) from fault
        with contextlib.suppress(RunSuperseded):
            await self._journal.flush()
        await _patiently(lambda: self._leave(runs.LOST, str(fault)))

    async def _leave_quietly(self) -> None:
        """The worker is being stopped: where the database is away, the next attempt counts it."""
        try:
            self._journal.log("stopped with its worker; it will begin anew")
            await self._journal.flush()
            await self._leave(runs.STOPPED, "the worker was stopped")
        except Exception as fault:
            if not isinstance(fault, RunSuperseded) and not is_transient(fault):
                raise

    async def _leave(self, state: str, why: str) -> None:
        async with self._parts.database.begin() as tx:
            await runs.leave(
                tx,
                self._organization,
                self._experiment,
                attempt=self._number,
                state=state,
                why=why,
            )

    @asynccontextmanager
    async def _folder(self) -> AsyncIterator[Path]:
        """A folder of this attempt; what an earlier one, killed here, left behind is removed."""
        prefix = f"sightloop-training-{self._experiment}-"
        where = self._parts.settings.folder or Path(tempfile.gettempdir())
        folder = await asyncio.to_thread(_fresh_folder, where, prefix)
        try:
            yield folder
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _fresh_folder(where: Path, prefix: str) -> Path:
    where.mkdir(parents=True, exist_ok=True)
    for left in where.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=prefix, dir=where)).resolve()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    """The result of `work`, tried again while a part is away: hours of training are not lost."""
    for pause in _PAUSES:
        try:
            return await work()
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("a part is away, trying again", error=str(error))
            await asyncio.sleep(pause)
    return await work()
