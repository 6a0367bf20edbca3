"""Job workers: claim, heartbeat, run, settle."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar
from uuid import UUID, uuid4

import structlog

from libs.schemas.events import JobState
from libs.store import jobs
from libs.store.faults import is_transient
from libs.store.jobs import Job, JobFailed
from libs.store.session import Database, Tx
from libs.telemetry.metrics import counter

T = TypeVar("T")

_LEASE = timedelta(seconds=30)
_BEAT = 2.0
# A job asked for in this process wakes its workers: looking finds what others left.
_POLL = 3.0
_AWAY_SECONDS = 1.0
_SOON = 0.05
_LONGEST_PAUSE = 300.0

settled = counter(
    "jobs_settled_total", "Jobs that ended, by kind and state.", ["kind", "state"], wrong=True
)
log = structlog.get_logger()


class JobCancelled(Exception):
    """The job was asked to end; raised in the job by `JobRun.check`."""


@dataclass(slots=True)
class JobRun:
    """What a running job may do: say how far it is, and ask whether to go on."""

    job: Job
    database: Database
    cancel_asked: asyncio.Event = field(default_factory=asyncio.Event)
    _told: float = -1.0

    async def progress(self, done: int, total: int, message: str = "") -> None:
        """Tell progress, at most once a second and at the end. Raises JobCancelled."""
        self.check()
        now = self.database.clock.monotonic()
        if done < total and now - self._told < 1.0:
            return
        self._told = now
        async with self.database.begin() as tx:
            await jobs.report(tx, self.job.id, done=done, total=total, message=message)

    def check(self) -> None:
        """Raises JobCancelled where somebody asked for the end."""
        if self.cancel_asked.is_set():
            raise JobCancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """A kind of job. `limit`: its longest run; `attempts`: how often a lost one is taken up."""

    name: str
    run: Callable[[JobRun], Awaitable[None]]
    limit: timedelta
    attempts: int = 3
    concurrency: int = 1


class Worker:
    """Runs the jobs of one kind, `concurrency` at a time, until cancelled.

    A cancelled worker (shutdown) puts its jobs back; a killed one loses its leases.
    """

    def __init__(self, database: Database, kind: JobKind) -> None:
        self._database = database
        self._kind = kind
        self._wake = asyncio.Event()
        database.on_emit.append(self._wake.set)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._kind.concurrency):
                group.create_task(self._serve())

    async def _serve(self) -> None:
        holder = uuid4()
        while not _being_stopped():
            self._wake.clear()
            found = await self._claim(holder)
            if isinstance(found, Job):
                await self._settle(found, holder)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(found):
                    await self._wake.wait()

    async def _claim(self, holder: UUID) -> Job | float:
        """A job that is due, now ours; or in how many seconds to look again."""
        kinds, pause = [self._kind.name], self._database.pace(_POLL)
        try:
            async with self._database.begin() as tx:
                job = await jobs.claim(tx, kinds, holder=holder, duration=_LEASE)
                if job is not None:
                    return job
                due = await jobs.next_due(tx, kinds)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("job store is away", kind=self._kind.name, error=str(error))
            return _AWAY_SECONDS
        if due is None:
            return pause
        return min(pause, max((due - self._database.clock.now()).total_seconds(), _SOON))

    async def _settle(self, job: Job, holder: UUID) -> None:
        try:
            state, error = await self._attempt(job, holder)
        except asyncio.CancelledError:
            await self._give_back(job, holder)
            if not _being_stopped():
                # The work alone was cancelled: its job is somebody else's, this worker goes on.
                log.warning("lease lost", kind=job.kind, job=str(job.id))
                return
            raise
        except Exception as fault:  # noqa: BLE001  # the boundary: a job's fault becomes its state
            await self._failed(job, holder, fault)
            return
        await self._finish(job, holder, state, error)

    async def _attempt(self, job: Job, holder: UUID) -> tuple[JobState, str | None]:
        if job.attempt > self._kind.attempts:
            lost = job.attempt - 1
            return JobState.FAILED, f"given up: its worker was lost {lost} times"
        run = JobRun(job, self._database)
        work = asyncio.ensure_future(self._kind.run(run))
        beat = asyncio.ensure_future(self._beat(run, work, holder))
        try:
            async with asyncio.timeout(self._kind.limit.total_seconds()):
                await work
        except JobCancelled:
            return JobState.CANCELLED, None
        except JobFailed as failed:
            return JobState.FAILED, str(failed)
        except TimeoutError:
            if not work.cancelled():
                raise
            seconds = self._kind.limit.total_seconds()
            return JobState.FAILED, f"stopped: longer than its limit of {seconds:.0f} s"
        finally:
            beat.cancel()
            # Not `await beat`: it cannot tell our cancellation from the beat's.
            await asyncio.wait([beat])
            if not beat.cancelled():
                beat.result()
        return JobState.SUCCEEDED, None

    async def _beat(self, run: JobRun, work: "asyncio.Future[None]", holder: UUID) -> None:
        while True:
            await asyncio.sleep(_BEAT)
            try:
                async with self._database.begin() as tx:
                    asked = await jobs.heartbeat(tx, run.job.id, holder=holder, duration=_LEASE)
            except Exception as error:
                if not is_transient(error):
                    raise
                continue
            if asked is None:
                work.cancel("the lease was lost")
                return
            if asked:
                run.cancel_asked.set()

    async def _give_back(self, job: Job, holder: UUID) -> None:
        """Put the job back, once: should the store be away, its lease ends by itself."""
        why = "the worker was stopped"
        try:
            async with self._database.begin() as tx:
                await jobs.put_back(tx, job.id, holder=holder, after=timedelta(0), why=why)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("job store is away", kind=job.kind, error=str(error))

    async def _failed(self, job: Job, holder: UUID, fault: Exception) -> None:
        if is_transient(fault) and job.attempt < self._kind.attempts:
            log.warning("job put back", kind=job.kind, job=str(job.id), error=str(fault))
            after = timedelta(seconds=min(2.0**job.attempt, _LONGEST_PAUSE))
            await self._written(
                lambda tx: jobs.put_back(tx, job.id, holder=holder, after=after, why=str(fault))
            )
            return
        log.error("job failed", kind=job.kind, job=str(job.id), exc_info=fault)
        await self._finish(job, holder, JobState.FAILED, f"{type(fault).__name__}: {fault}")

    async def _finish(self, job: Job, holder: UUID, state: JobState, error: str | None) -> None:
        ours = await self._written(
            lambda tx: jobs.finish(tx, job.id, holder=holder, state=state, error=error)
        )
        if ours:
            settled.labels(job.kind, state).inc()

    async def _written(self, write: Callable[[Tx], Awaitable[T]]) -> T:
        """Write what became of a job; while the store is away, try again.

        Nothing happens twice: whose lease has ended meanwhile writes nothing.
        """
        while True:
            try:
                async with self._database.begin() as tx:
                    return await write(tx)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("job store is away", kind=self._kind.name, error=str(error))
            await asyncio.sleep(_AWAY_SECONDS)


def _being_stopped() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
