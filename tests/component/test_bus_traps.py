"""Traps that cost other systems records: each fails here when its guard is taken out."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from aiokafka import TopicPartition
from sqlalchemy import insert, text

from libs.bus import revoking
from libs.bus import runner as runner_module
from libs.bus.consumer import OK, Consumer, Outcome, Policy, Retry, each
from libs.bus.driver import Bus, BusUnavailable, OnRevoked, Partition, Source
from libs.bus.kafka import source as kafka_source
from libs.bus.open import open_bus
from libs.schemas.envelope import Received
from libs.schemas.events import DataChanged
from libs.schemas.topics import DATA, DEAD_LETTERS, Topic
from libs.store.clock import SystemClock
from libs.store.session import Tx
from sightloop.embedded.postgres import EmbeddedPostgres
from tests.support.consuming import World, changed, effects, message, note, opened_world
from tests.support.waiting import until

FAST = Policy(
    wait=timedelta(milliseconds=50),
    backoff=timedelta(milliseconds=1),
    backoff_limit=timedelta(milliseconds=5),
)


@pytest.fixture
async def world(postgres: EmbeddedPostgres) -> AsyncIterator[World]:
    async with opened_world(postgres) as opened:
        yield opened


async def take(tx: Tx, received: Received[DataChanged]) -> Outcome:
    await note(tx, received)
    return OK


def consumer_of(function: object) -> Consumer:
    handler = each(DataChanged, function)  # type: ignore[arg-type]  # a test's function
    return Consumer(name="consumer", handlers=(handler,), policy=FAST)


async def test_a_statement_made_stale_by_another_processs_ddl_kills_no_event(world: World) -> None:
    async def look(tx: Tx, received: Received[DataChanged]) -> Outcome:
        await tx.all(text("SELECT * FROM effects"))
        return await take(tx, received)

    async with world.running(consumer_of(look)):
        # Every connection of the pool knows the statement.
        for number in range(6):
            await world.publish(message(changed(str(number))))
            await until(lambda: _has(world, number + 1))  # noqa: B023
        async with world.database.begin() as other:
            await other.execute(text("ALTER TABLE effects ADD COLUMN later text"))
        await world.publish(message(changed("after")))
        await until(lambda: _has(world, 7))
        assert await world.dead() == ()


async def test_a_copy_that_comes_first_in_a_transaction_is_rolled_back_with_it(
    world: World,
) -> None:
    rows = [{"event": UUID(int=1), "source": "copied"}]

    async def copy_and_fail() -> None:
        async with world.database.begin() as tx:
            await tx.copy("effects", rows)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await copy_and_fail()
    assert await world.noted() == []
    async with world.database.begin() as tx:
        await tx.execute(insert(effects), [{"event": UUID(int=2), "source": "before"}])
        await tx.copy("effects", rows)
        await tx.copy("effects", [])
    assert await world.noted() == ["before", "copied"]


@pytest.mark.kafka
@pytest.mark.slow
async def test_a_partition_that_waited_and_went_and_came_back_is_read_at_once(
    world: World, kafka: str
) -> None:
    """Its pause must not outlive its waiting: Kafka's source keeps pauses over a rebalance."""
    clock = SystemClock()
    asked: list[str] = []

    async def wait_an_hour(tx: Tx, received: Received[DataChanged]) -> Outcome:
        if received.organization != organization:
            return OK
        asked.append(received.data.source)
        return Retry(timedelta(hours=1)) if len(asked) == 1 else await take(tx, received)

    sent = message(changed(f"waits {uuid4()}"))
    organization = UUID(dict(sent.headers)["ce_organization"].decode())
    group = f"test.{uuid4()}"
    url = f"kafka://{kafka}"
    async with open_bus(url, clock=clock) as bus, open_bus(url, clock=clock) as other:
        await bus.ensure([DATA, DEAD_LETTERS])
        kafka_world = World(world.database, bus, other)
        await bus.sink.publish([sent])
        async with kafka_world.running(consumer_of(wait_an_hour), group=group):
            await until(lambda: bool(asked))
            async with other.subscribe(group, [DATA], on_revoked=_nothing) as second:
                await until(lambda: len(second.assignment()) == DATA.partitions // 2)
            await until(lambda: _has(world, 1))


class SlowOffsets:
    """A bus whose sources store nothing until they are let; `asked`: what they were to store."""

    def __init__(self, bus: Bus) -> None:
        self.asked: list[dict[Partition, int]] = []
        self.let = asyncio.Event()
        self.going = asyncio.Event()
        self.away = False
        self.sink, self.ensure, self.reader = bus.sink, bus.ensure, bus.reader
        self._bus = bus

    @asynccontextmanager
    async def subscribe(
        self, group: str, topics: Sequence[Topic], *, on_revoked: OnRevoked
    ) -> AsyncIterator[Source]:
        async def told(partitions: frozenset[Partition]) -> None:
            self.going.set()
            await on_revoked(partitions)

        async with self._bus.subscribe(group, topics, on_revoked=told) as source:
            commit = source.commit

            async def late(offsets: Mapping[Partition, int]) -> None:
                self.asked.append(dict(offsets))
                await self.let.wait()
                if self.away:
                    raise BusUnavailable("away")
                await commit(offsets)

            source.commit = late  # type: ignore[method-assign]  # of this one source
            yield source


async def test_what_was_handled_is_stored_before_its_partition_goes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "OFFSETS_SECONDS", 60.0)
    monkeypatch.setattr(revoking, "REBALANCE_SECONDS", 120.0)
    slow = SlowOffsets(world.bus)
    repeated: list[str] = []

    async def watch(tx: Tx, received: Received[DataChanged]) -> Outcome:
        repeated.append(received.data.source)
        return await take(tx, received)

    # Without an inbox, so that it is told what comes twice.
    watching = Consumer(
        name="consumer", handlers=(each(DataChanged, watch, inbox=False),), policy=FAST
    )
    count = 64
    await world.publish(*(message(changed(str(n), data=UUID(int=n))) for n in range(count)))
    async with world.running(consumer_of(take), bus=slow):
        await until(lambda: _has(world, count))
        async with world.running(watching, bus=world.second_bus) as second:
            await slow.going.wait()
            slow.let.set()
            await until(lambda: second.health().partitions == DATA.partitions // 2)
            await world.publish(
                *(message(changed(f"more {n}", data=UUID(int=n))) for n in range(count))
            )
            await until(lambda: _has(world, 2 * count))
    assert repeated
    assert all(name.startswith("more") for name in repeated)


@pytest.mark.parametrize(("patience", "bound"), [(0.05, 120.0), (60.0, 0.5)])
async def test_an_offset_that_could_not_be_stored_in_time_sets_nobody_back(
    world: World, monkeypatch: pytest.MonkeyPatch, patience: float, bound: float
) -> None:
    """The runner's own patience ends, or the bound within which a member must let go."""
    monkeypatch.setattr(runner_module, "OFFSETS_SECONDS", patience)
    monkeypatch.setattr(revoking, "REBALANCE_SECONDS", bound)
    slow = SlowOffsets(world.bus)
    slow.away = True
    slow.let.set()
    count = 64
    await world.publish(*(message(changed(str(n), data=UUID(int=n))) for n in range(count)))
    async with world.running(consumer_of(take), bus=slow) as first:
        await until(lambda: _has(world, count))
        async with world.running(consumer_of(take), bus=world.second_bus) as second:
            await until(
                lambda: (
                    first.health().partitions == second.health().partitions == 8
                    and second.health().ready
                    and second.health().lag == 0
                )
            )
            told = len(slow.asked)
            slow.away = False
            await until(lambda: first.health().lag == 0)
            kept = {partition for asked in slow.asked[told:] for partition in asked}
            assert len(kept) <= 8
    assert len(set(await world.noted())) == len(await world.noted()) == count


async def test_a_strangers_headers_without_a_value_end_nothing() -> None:
    class Row:
        topic, key, value, offset, timestamp = "t", None, None, 7, 0
        headers = (("ce_type", None), ("ce_id", b"x"))

    theirs = TopicPartition("t", 3)
    (record,) = kafka_source._records(theirs, [Row])
    assert record.message.headers == (("ce_type", b""), ("ce_id", b"x"))
    assert (record.message.key, record.message.value, record.offset) == ("", b"", 7)


async def _has(world: World, count: int) -> bool:
    return await world.count_noted() >= count


async def _nothing(_partitions: object) -> None:
    await asyncio.sleep(0)
