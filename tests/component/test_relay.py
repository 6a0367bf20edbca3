"""The outbox relay on a real database: nothing lost, order kept, one publisher at a time."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from libs.bus import relay as relay_module
from libs.bus.driver import BusUnavailable
from libs.bus.relay import Relay
from libs.schemas.envelope import Message, decode
from libs.schemas.events import DataChanged
from libs.store import tables
from libs.store.clock import SystemClock
from libs.store.session import Cause, Database, open_database
from sightloop.embedded.postgres import EmbeddedPostgres
from tests.support.clock import ManualClock
from tests.support.consuming import ORGANIZATION, changed
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]


class ListSink:
    """A sink that keeps what it is given, or is away for some calls."""

    def __init__(self, *, faults: int = 0) -> None:
        self.messages: list[Message] = []
        self.faults = faults

    async def publish(self, messages: Sequence[Message]) -> None:
        if self.faults:
            self.faults -= 1
            raise BusUnavailable("away")
        self.messages.extend(messages)

    @property
    def sources(self) -> list[str]:
        """What was published, by the `source` of its events."""
        events = [decode(message.headers, message.value).data for message in self.messages]
        return [event.source for event in events if isinstance(event, DataChanged)]


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    name = f"relay_{uuid4().hex[:12]}"
    await postgres.create_database(name)
    opened = open_database("test", postgres.dsn(name), clock=ManualClock())
    async with opened.engine.begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
    yield opened
    await opened.close()


async def emit(database: Database, *sources: str) -> None:
    async with database.begin() as tx:
        for source in sources:
            await tx.emit(changed(source), organization=ORGANIZATION)


async def left(database: Database) -> int:
    async with database.read() as read:
        return int(await read.scalar(select(func.count()).select_from(tables.outbox)))


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[None]:
    task = asyncio.create_task(relay.run())
    try:
        yield
        if task.done():
            task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_what_was_emitted_is_published_in_order_and_forgotten(database: Database) -> None:
    sink = ListSink()
    names = [str(n) for n in range(1_203)]
    await emit(database, *names)
    async with running(Relay(database, sink, clock=database.clock)):
        await until(lambda: _empty(database))
    assert sink.sources == names


async def test_an_emit_wakes_the_relay(database: Database) -> None:
    sink = ListSink()
    async with running(Relay(database, sink, clock=database.clock)):
        await emit(database, "first")
        await until(lambda: sink.sources == ["first"])
        async with database.begin(Cause(actor="ann")) as tx:
            await tx.emit(changed("second"), organization=ORGANIZATION)
            assert sink.sources == ["first"]
        await until(lambda: sink.sources == ["first", "second"])
    headers = dict(sink.messages[1].headers)
    assert headers["ce_actor"] == b"ann"


async def test_a_transaction_that_commits_late_is_not_lost(database: Database) -> None:
    sink = ListSink()
    async with running(Relay(database, sink, clock=database.clock)):
        async with database.begin() as late:
            await late.emit(changed("early id, late commit"), organization=ORGANIZATION)
            await emit(database, "overtakes")
            await until(lambda: sink.sources == ["overtakes"])
        await until(lambda: len(sink.sources) == 2)
        await until(lambda: _empty(database))


async def test_a_rolled_back_transaction_publishes_nothing(database: Database) -> None:
    sink = ListSink()
    relay = Relay(database, sink, clock=database.clock)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is the transaction
        async with database.begin() as tx:
            await tx.emit(changed("never"), organization=ORGANIZATION)
            raise ZeroDivisionError
    await relay.drain()
    assert sink.messages == []


async def test_a_bus_that_is_away_costs_neither_events_nor_their_order(database: Database) -> None:
    sink = ListSink(faults=3)
    await emit(database, "a", "b")
    async with running(Relay(database, sink, clock=database.clock)):
        await until(lambda: sink.faults < 3)
        await emit(database, "c")
        await until(lambda: _empty(database))
    assert sink.sources == ["a", "b", "c"]


async def test_of_two_relays_one_publishes_until_its_lease_ends(database: Database) -> None:
    clock = database.clock
    assert isinstance(clock, ManualClock)
    first, second = ListSink(), ListSink()
    await emit(database, "a")
    dying = Relay(database, first, clock=clock)
    async with running(dying):
        await until(lambda: _empty(database))
    # The first died without giving its lease back.
    await emit(database, "b")
    relay = Relay(database, second, clock=clock)
    async with running(relay):
        await relay.drain()
        assert second.sources == []
        clock.advance(timedelta(seconds=11))
        await until(lambda: second.sources == ["b"])
    assert first.sources == ["a"]


class StoppedSink(ListSink):
    """The sink of a process that stands still (SIGSTOP) in its first publish, until it goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.goes_on = asyncio.Event(), asyncio.Event()

    async def publish(self, messages: Sequence[Message]) -> None:
        self.entered.set()
        await self.goes_on.wait()
        await super().publish(messages)


async def test_a_holder_that_was_stopped_publishes_only_what_it_had_in_hand(
    database: Database,
) -> None:
    clock = database.clock
    assert isinstance(clock, ManualClock)
    names = [str(n) for n in range(1_203)]
    await emit(database, *names)
    stopped, second = StoppedSink(), ListSink()
    relay = Relay(database, second, clock=clock)
    async with running(Relay(database, stopped, clock=clock)):
        await stopped.entered.wait()
        await relay.drain()
        assert second.sources == []
        clock.advance(timedelta(seconds=11))
        async with running(relay):
            await until(lambda: _empty(database))
            stopped.goes_on.set()
            await emit(database, "later")
            await until(lambda: second.sources == [*names, "later"])
    # Told twice, under the ids of the first time: consumers know them.
    assert stopped.sources == names[:500]
    ids = {dict(m.headers)["ce_id"] for m in second.messages}
    assert {dict(m.headers)["ce_id"] for m in stopped.messages} <= ids


_OTHER_PROCESS = """
import asyncio, sys
from datetime import timedelta
from libs.bus import relay
from libs.store.clock import SystemClock
from libs.store.session import open_database

class LineSink:
    async def publish(self, messages):
        print(len(messages), flush=True)

async def main():
    relay.LEASE, relay.RENEW_SECONDS = timedelta(seconds=1), 0.3
    clock = SystemClock()
    database = open_database("test", sys.argv[1], clock=clock)
    await relay.Relay(database, LineSink(), clock=clock).run()

asyncio.run(main())
"""


@pytest.mark.slow
async def test_the_lease_of_a_stopped_process_goes_to_the_next(
    postgres: EmbeddedPostgres, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(relay_module, "RENEW_SECONDS", 0.3)
    clock = SystemClock()
    url = postgres.dsn(str(database.engine.url.database))
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _OTHER_PROCESS, url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    mine = open_database("test", url, clock=clock)
    sink = ListSink()
    try:
        assert other.stdout is not None
        await emit(mine, "theirs")
        assert await other.stdout.readline() == b"1\n"
        await until(lambda: _empty(mine))
        other.send_signal(signal.SIGSTOP)
        await emit(mine, "ours")
        async with running(Relay(mine, sink, clock=clock)):
            await until(lambda: sink.sources == ["ours"])
            other.send_signal(signal.SIGCONT)
            await emit(mine, "by either, for both are alive")
            await until(lambda: _empty(mine))
    finally:
        other.kill()
        told, _ = await other.communicate()
        await mine.close()
    assert told.count(b"\n") + len(sink.sources) >= 2


async def test_a_drained_relay_leaves_its_lease_to_the_next_at_once(database: Database) -> None:
    first, second = ListSink(), ListSink()
    await emit(database, "a")
    await Relay(database, first, clock=database.clock).drain()
    await emit(database, "b")
    await Relay(database, second, clock=database.clock).drain()
    assert (first.sources, second.sources) == (["a"], ["b"])


async def _empty(database: Database) -> bool:
    return await left(database) == 0
