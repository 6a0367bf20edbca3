"""The runner against a model of ten lines, with a fault between any two of its steps.

One log, one database, up to two processes. Whatever fails, dies or joins, and wherever: in the
end each good event has one effect, in the order of its partition, and each bad one is a dead
letter and one line in the books.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from msgspec import structs
from sqlalchemy import Column, MetaData, Table, Uuid, select
from sqlalchemy.dialects.postgresql import insert

from libs.bus import runner as runner_module
from libs.bus.consumer import OK, Consumer, Dead, Died, Outcome, Policy, batch
from libs.bus.dead_letters import Filter, list_dead_letters
from libs.bus.driver import BusUnavailable, CommitRejected, OnRevoked, Partition, Record, Source
from libs.bus.memory import MemoryBus, MemoryLog
from libs.bus.partitioning import partition_number
from libs.bus.runner import Runner
from libs.schemas.envelope import Message, Received
from libs.schemas.events import DataChanged
from libs.schemas.topics import DATA, DEAD_LETTERS, Topic
from libs.store import tables
from libs.store.clock import SystemClock
from libs.store.session import Cause, Database, Tx, open_database
from sightloop.embedded.postgres import EmbeddedPostgres
from tests.support import parts
from tests.support.consuming import changed, effects, message, note

POLICY = Policy(
    batch=3,
    wait=timedelta(milliseconds=5),
    backoff=timedelta(milliseconds=1),
    backoff_limit=timedelta(milliseconds=2),
    breaker_minimum=10**6,
)
# Two pictures share a partition, the third has one of its own.
PICTURES = (UUID(int=1), UUID(int=8), UUID(int=2))

books = Table("books", MetaData(), Column("event", Uuid, primary_key=True))


class Step(StrEnum):
    """Where a fault can come."""

    FETCH = "fetch"
    BEGIN = "begin"
    HANDLER = "handler, its rows written"
    LETTERS = "before dead letters"
    LETTERS_LOST = "dead letters durable, not acknowledged"
    COMMIT = "before the commit"
    COMMIT_LOST = "committed, not acknowledged"
    OFFSETS = "before the offsets"
    OFFSETS_REFUSED = "offsets refused"
    OFFSETS_LOST = "offsets stored, not acknowledged"


class Fault(StrEnum):
    """What comes there."""

    FAILS = "fails"
    KILL = "kill -9"
    REBALANCE = "another process joins"


class Kind(StrEnum):
    """What an event is."""

    GOOD = "good"
    RAISES = "raises"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


FAULTS: Mapping[Step, type[Exception]] = {
    Step.FETCH: BusUnavailable,
    Step.BEGIN: ConnectionError,
    Step.HANDLER: ConnectionError,
    Step.LETTERS: BusUnavailable,
    Step.LETTERS_LOST: BusUnavailable,
    Step.COMMIT: ConnectionError,
    Step.COMMIT_LOST: ConnectionError,
    Step.OFFSETS: BusUnavailable,
    Step.OFFSETS_REFUSED: CommitRejected,
    Step.OFFSETS_LOST: BusUnavailable,
}


class OnlyForward(dict[tuple[str, Partition], int]):
    """What groups have committed: one that comes late must not set the next owner back."""

    def __setitem__(self, place: tuple[str, Partition], offset: int) -> None:
        assert offset >= self.get(place, 0), f"{place} set back to {offset}"
        super().__setitem__(place, offset)


class Killed(BaseException):
    """The process is gone: nothing in it goes on, whatever it catches."""


@dataclass
class Model:
    """What should be there in the end."""

    log: dict[int, list[UUID]] = field(default_factory=dict)
    bad: set[UUID] = field(default_factory=set)

    def published(self, picture: UUID, event: UUID, kind: Kind) -> None:
        partition = partition_number(str(picture), DATA.partitions)
        self.log.setdefault(partition, []).append(event)
        if kind is not Kind.GOOD:
            self.bad.add(event)

    def effects(self, partition: int) -> list[UUID]:
        return [e for e in dict.fromkeys(self.log[partition]) if e not in self.bad]


class Process:
    """One member of the group, over its own bus and database connections."""

    def __init__(self, world: "World") -> None:
        self.dead = False
        self._world = world
        database = FaultyDatabase("test", world.database.engine, world.database.clock, process=self)
        bus = FaultyBus(world.log, self)
        self._runner = Runner(
            bus, world.consumer(self), database, group=world.group, clock=database.clock
        )
        self.task = asyncio.get_running_loop().create_task(self._runner.run())

    async def step(self, step: Step) -> None:
        """The faults that were planned for this step come here."""
        if self.dead:
            raise Killed
        match self._world.due(step):
            case Fault.KILL:
                self.dead = True
                raise Killed
            case Fault.REBALANCE:
                self._world.join()
                await asyncio.sleep(0)
            case Fault.FAILS:
                raise FAULTS[step](step)

    async def stop(self) -> None:
        """SIGTERM, or what is left of a killed one."""
        self.task.cancel()
        with suppress(asyncio.CancelledError, Killed):
            await self.task


class FaultyDatabase(Database):
    """The database of one process."""

    def __init__(self, *args: object, process: Process) -> None:
        super().__init__(*args)  # type: ignore[arg-type]  # passed on
        self._process = process

    @asynccontextmanager
    async def begin(self, cause: Cause | None = None) -> AsyncIterator[Tx]:
        await self._process.step(Step.BEGIN)
        async with super().begin(cause) as tx:
            yield tx
            await self._process.step(Step.COMMIT)
        await self._process.step(Step.COMMIT_LOST)


class FaultySource:
    """The source of one process; see `Source`. Like Kafka's it forgets no pause by itself."""

    def __init__(self, source: Source, process: Process) -> None:
        self._process = process
        self._source = source
        self._paused: set[Partition] = set()
        self.seek, self.assignment, self.lag = source.seek, source.assignment, source.lag

    async def fetch(self, *, limit: int, wait: float) -> Mapping[Partition, Sequence[Record]]:
        await self._process.step(Step.FETCH)
        self._source.pause(self._paused)
        return await self._source.fetch(limit=limit, wait=wait)

    def pause(self, partitions: Collection[Partition]) -> None:
        self._paused.update(partitions)
        self._source.pause(partitions)

    def resume(self, partitions: Collection[Partition]) -> None:
        self._paused.difference_update(partitions)
        self._source.resume(partitions)

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        await self._process.step(Step.OFFSETS)
        await self._process.step(Step.OFFSETS_REFUSED)
        await self._source.commit(offsets)
        await self._process.step(Step.OFFSETS_LOST)


class FaultySink:
    """Where one process's dead letters go; see `Sink`."""

    def __init__(self, bus: MemoryBus, process: Process) -> None:
        self._sink = bus.sink
        self._process = process

    async def publish(self, messages: Sequence[Message]) -> None:
        await self._process.step(Step.LETTERS)
        await self._sink.publish(messages)
        await self._process.step(Step.LETTERS_LOST)


class FaultyBus(MemoryBus):
    """The bus of one process."""

    def __init__(self, log: MemoryLog, process: Process) -> None:
        super().__init__(clock=SystemClock(), log=log)
        self._process = process
        self.sink = FaultySink(self, process)  # type: ignore[assignment]

    @asynccontextmanager
    async def subscribe(
        self, group: str, topics: Sequence[Topic], *, on_revoked: OnRevoked
    ) -> AsyncIterator[Source]:
        async with super().subscribe(group, topics, on_revoked=on_revoked) as source:
            yield FaultySource(source, self._process)


class World:
    """One example: a log and a group of its own in the database of all."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.log = MemoryLog()
        self.log.committed = OnlyForward()
        self.bus = MemoryBus(clock=database.clock, log=self.log)
        self.group = f"test.{uuid4()}"
        self.model = Model()
        self.sent: list[tuple[UUID, Message, Kind]] = []
        self.processes: list[Process] = []
        self._plan: dict[Step, list[Fault]] = {}

    def consumer(self, process: Process) -> Consumer:
        async def handle(tx: Tx, events: Sequence[Received[DataChanged]]) -> Sequence[Outcome]:
            outcomes: list[Outcome] = []
            for received in events:
                await note(tx, received)
                if received.data.source == Kind.RAISES:
                    raise ValueError("cannot be read")
                refused = received.data.source == Kind.REFUSED
                outcomes.append(Dead("never") if refused else OK)
            await process.step(Step.HANDLER)
            return outcomes

        async def count(tx: Tx, died: Sequence[Died]) -> None:
            ids = [UUID(dict(d.record.message.headers)["ce_id"].decode()) for d in died]
            rows = [{"event": event} for event in ids]
            await tx.execute(insert(books).on_conflict_do_nothing(), rows)
            # What the handler wrote of a refused event before it answered goes with it.
            await tx.execute(effects.delete().where(effects.c.event.in_(ids)))

        handler = batch(DataChanged, handle, on_dead=count)
        return Consumer(name="consumer", handlers=(handler,), policy=POLICY)

    def plan(self, step: Step, fault: Fault) -> None:
        self._plan.setdefault(step, []).append(fault)

    def due(self, step: Step) -> Fault | None:
        planned = self._plan.get(step)
        return planned.pop(0) if planned else None

    def join(self) -> None:
        """Start a process, where there are not two."""
        if sum(not process.dead for process in self.processes) < 2:
            self.processes.append(Process(self))

    async def publish(self, batch: Collection[tuple[UUID, Message, Kind]]) -> None:
        for picture, sent, kind in batch:
            event = UUID(dict(sent.headers)["ce_id"].decode())
            self.model.published(picture, event, kind)
        await self.bus.sink.publish([sent for _, sent, _ in batch])

    async def settle(self) -> None:
        """No more faults: what is there is handled, then everybody stops in order."""
        self._plan.clear()
        async with asyncio.timeout(240):
            while not self.caught_up():
                await self.bury()
                self.join()
                await asyncio.sleep(0.001)
        for process in self.processes:
            await process.stop()

    def caught_up(self) -> bool:
        heads = {p: head for p, head in self.log.heads.items() if p.topic == DATA.name and head}
        return all(self.log.committed.get((self.group, p)) == head for p, head in heads.items())

    async def bury(self) -> None:
        """A process that ended is gone; one that ended by a defect fails the test."""
        for process in [p for p in self.processes if p.task.done()]:
            self.processes.remove(process)
            await process.stop()

    async def check(self) -> None:
        model = self.model
        events = {event for log in model.log.values() for event in log}
        async with self.database.read() as read:
            rows = await read.all(
                select(effects.c.event).where(effects.c.event.in_(events)).order_by(effects.c.id)
            )
            counted = await read.all(select(books.c.event).where(books.c.event.in_(events)))
        noted = [row["event"] for row in rows]
        for number, log in model.log.items():
            assert [event for event in noted if event in set(log)] == model.effects(number)
        assert Counter(row["event"] for row in counted) == Counter(model.bad)
        letters = (await list_dead_letters(self.bus, Filter(), limit=10_000)).letters
        died = {UUID(dict(letter.headers)["ce_id"].decode()) for letter in letters}
        assert died == model.bad


class Machine(RuleBasedStateMachine):
    """Publishes, breaks things and lets the loop turn; looks at the end."""

    runner: asyncio.Runner
    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.database)
        self.runner.run(self.world.bus.ensure([DATA, DEAD_LETTERS]))
        self._do(self.world.join)

    def _do(self, act: object, turns: int = 0) -> None:
        async def acting() -> None:
            outcome = act()  # type: ignore[operator]
            if asyncio.iscoroutine(outcome):
                await outcome
            for _ in range(turns):
                await asyncio.sleep(0.001)
            await self.world.bury()

        self.runner.run(acting())

    @rule(
        events=st.lists(
            st.tuples(
                st.sampled_from(PICTURES),
                st.sampled_from([Kind.GOOD] * 5 + list(Kind)[1:]),
                st.integers(1, 2),
            ),
            min_size=1,
            max_size=5,
        )
    )
    def publish(self, events: list[tuple[UUID, Kind, int]]) -> None:
        """New events, some of them twice in a row."""
        fresh: list[tuple[UUID, Message, Kind]] = []
        for picture, kind, times in events:
            sent = message(changed(kind, data=picture))
            if kind is Kind.UNREADABLE:
                sent = structs.replace(sent, value=b"{")
            fresh += [(picture, sent, kind)] * times
        self.world.sent += fresh
        self._do(lambda: self.world.publish(fresh))

    @rule(number=st.integers(0, 10**6))
    def publish_again(self, number: int) -> None:
        """A relay that did not hear that it had published does this."""
        if self.world.sent:
            again = self.world.sent[number % len(self.world.sent)]
            self._do(lambda: self.world.publish([again]))

    @rule(step=st.sampled_from(Step), fault=st.sampled_from(Fault))
    def plan(self, step: Step, fault: Fault) -> None:
        self.world.plan(step, fault)

    @rule()
    def join(self) -> None:
        self._do(self.world.join)

    @rule(number=st.integers(0, 1))
    def stop(self, number: int) -> None:
        """SIGTERM."""
        if number < len(self.world.processes):
            self._do(self.world.processes[number].stop)

    @rule(turns=st.integers(1, 8))
    def turn(self, turns: int) -> None:
        """The processes go on for some milliseconds."""
        self._do(lambda: None, turns)

    def teardown(self) -> None:
        async def end() -> None:
            await self.world.settle()
            await self.world.check()

        self.runner.run(end())


@pytest.fixture
def machine(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Machine]]:
    monkeypatch.setattr(runner_module, "_AWAY_SECONDS", 0.001)
    name = f"model_{uuid4().hex[:12]}"
    parts.run_now(postgres.create_database(name))
    database = open_database("test", postgres.dsn(name), clock=SystemClock(), pool=10)

    async def make() -> None:
        async with database.engine.begin() as connection:
            for metadata in (tables.metadata, effects.metadata, books.metadata):
                await connection.run_sync(metadata.create_all)

    with asyncio.Runner() as runner:
        runner.run(make())
        yield type("OneMachine", (Machine,), {"runner": runner, "database": database})
        runner.run(database.close())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whatever_fails_between_two_steps_every_event_has_its_one_effect(
    machine: type[Machine],
) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=100,
            stateful_step_count=12,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
