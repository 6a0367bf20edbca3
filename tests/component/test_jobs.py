"""Job workers outlive a store that is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from sqlalchemy import text

from libs.store import jobs
from libs.store.clock import SystemClock
from libs.store.leases import acquire, end_all
from libs.store.schema import migrate
from libs.store.session import Database, Tx, open_database
from libs.store.workers import JobKind, JobRun, Worker
from services.review.service import SCHEMA
from sightloop.embedded.postgres import EmbeddedPostgres
from tests.support.waiting import eventually


class Leaving:
    """A database whose next `away` transactions find nobody."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.away = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def begin(self, *arguments: Any) -> AbstractAsyncContextManager[Tx]:
        if self.away:
            self.away -= 1
            raise ConnectionError("the database is away")
        return self._database.begin(*arguments)


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Leaving]:
    name = f"jobs_{uuid4().hex[:12]}"
    await postgres.create_database(name)
    database = open_database("review", postgres.dsn(name), clock=SystemClock())
    await migrate(database, SCHEMA)
    yield Leaving(database)
    await database.close()


@asynccontextmanager
async def working(database: Leaving, kind: JobKind) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.ensure_future(Worker(cast("Database", database), kind).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("fault", "runs", "state"),
    [
        (None, 1, "SUCCEEDED"),
        (ConnectionError("passes"), 2, "SUCCEEDED"),
        (KeyError("x"), 1, "FAILED"),
    ],
)
async def test_what_became_of_a_job_is_written_when_the_store_is_back(
    database: Leaving, fault: Exception | None, runs: int, state: str
) -> None:
    ran = 0

    async def run(_: JobRun) -> None:
        nonlocal ran
        ran += 1
        database.away = 1
        if fault is not None and ran == 1:
            raise fault

    async with database.begin() as tx:
        await jobs.enqueue(tx, "work", organization=uuid4(), key="once", subject="", payload={})

    async def seen() -> str:
        async with database.read() as read:
            return str(await read.scalar(text("SELECT state FROM job")))

    kind = JobKind(name="work", run=run, limit=timedelta(seconds=30))
    async with working(database, kind) as task:
        await eventually(seen, lambda found: found == state)
        assert not task.done()
    assert ran == runs


@pytest.mark.parametrize("turns", range(8))
async def test_an_idle_worker_ends_however_shortly_after_it_was_woken(
    database: Leaving, turns: int
) -> None:
    async def run(_: JobRun) -> None:
        raise AssertionError("there is no job")

    async def waits() -> bool:
        return bool(worker._wake._waiters)

    kind = JobKind(name="work", run=run, limit=timedelta(seconds=30))
    worker = Worker(cast("Database", database), kind)
    task = asyncio.ensure_future(worker.run())
    await eventually(waits)
    worker._wake.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    ended, _pending = await asyncio.wait([task], timeout=3)
    assert ended, "the cancellation was swallowed"


async def test_a_worker_ends_though_it_is_stopped_while_a_job_ends(
    database: Leaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libs.store.workers._BEAT", 0.01)
    beats, leaving, left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def beat(*_: Any, **__: Any) -> bool:
        beats.set()
        try:
            await asyncio.Event().wait()
        finally:
            # A transaction that is rolled back takes a while.
            leaving.set()
            await left.wait()
        return False

    async def run(_: JobRun) -> None:
        await beats.wait()

    monkeypatch.setattr(jobs, "heartbeat", beat)
    async with database.begin() as tx:
        await jobs.enqueue(tx, "work", organization=uuid4(), key="once", subject="", payload={})
    kind = JobKind(name="work", run=run, limit=timedelta(seconds=30))
    task = asyncio.ensure_future(Worker(cast("Database", database), kind).run())
    await leaving.wait()
    task.cancel()
    await asyncio.sleep(0)
    left.set()
    ended, _pending = await asyncio.wait([task], timeout=3)
    assert ended, "the cancellation was swallowed"


async def test_a_cancellation_that_breaks_the_connection_stays_one(database: Leaving) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with database.begin():
            inside.set()
            try:
                await asyncio.Event().wait()
            finally:
                raise ConnectionError("closed in the middle of an operation")

    task = asyncio.ensure_future(work())
    await inside.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_who_is_alone_takes_over_what_a_killed_process_had_leased(database: Leaving) -> None:
    killed, ours = uuid4(), uuid4()
    long = timedelta(hours=1)

    async def taken() -> tuple[bool, bool]:
        async with database.begin() as tx:
            job = await jobs.claim(tx, ["work"], holder=ours, duration=long)
            return await acquire(tx, "outbox", holder=ours, duration=long), job is not None

    async with database.begin() as tx:
        await jobs.enqueue(tx, "work", organization=uuid4(), key="once", subject="", payload={})
        assert await jobs.claim(tx, ["work"], holder=killed, duration=long) is not None
        assert await acquire(tx, "outbox", holder=killed, duration=long)
    assert await taken() == (False, False)
    async with database.begin() as tx:
        await end_all(tx)
    assert await taken() == (True, True)


async def test_a_worker_knows_when_the_next_job_of_its_kinds_is_due(database: Leaving) -> None:
    later = SystemClock().now() + timedelta(minutes=5)

    async def due(kind: str) -> datetime | None:
        async with database.single() as read:
            return await jobs.next_due(read, [kind])

    assert await due("work") is None
    async with database.begin() as tx:
        for key, at in (("later", later), ("last", later + timedelta(minutes=1))):
            await jobs.enqueue(
                tx, "work", organization=uuid4(), key=key, subject="", payload={}, run_after=at
            )
    assert await due("work") == later
    assert await due("other") is None


def test_who_is_alone_looks_less_often_for_what_others_wrote() -> None:
    database = open_database("review", "postgresql+asyncpg://nowhere", clock=SystemClock())
    assert database.pace(1.0) == 1.0
    database.alone = True
    assert database.pace(1.0) > 1.0
