"""What every bus driver does: one suite, all drivers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import uuid4

import pytest

from libs.bus import revoking
from libs.bus.driver import (
    Begin,
    Bus,
    CommitRejected,
    Partition,
    Reader,
    Record,
    Source,
    TopicMismatch,
    UnknownTopic,
)
from libs.bus.memory import MemoryBus, MemoryLog
from libs.bus.open import UnknownBus, open_bus
from libs.bus.partitioning import partition_number, partitions_of
from libs.schemas.envelope import Message
from libs.schemas.topics import Topic
from libs.store.clock import SystemClock
from tests.support import parts
from tests.support.waiting import WITHIN, until

Connect = Callable[[], Awaitable[Bus]]


@pytest.fixture(
    params=[
        "memory",
        "postgres",
        pytest.param("kafka", marks=[pytest.mark.kafka, pytest.mark.slow]),
    ]
)
def address(request: pytest.FixtureRequest) -> str:
    """Where the driver's server is; a real one is started by a fixture of the session."""
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        parts.run_now(server.create_database("bus_contract"))
        return str(server.dsn("bus_contract"))
    if request.param == "kafka":
        return f"kafka://{request.getfixturevalue('kafka')}"
    return "memory://"


@pytest.fixture
async def connect(address: str) -> AsyncIterator[Connect]:
    """Opens a bus as another process would; all are over one server."""
    log = MemoryLog()
    async with AsyncExitStack() as stack:

        async def opened() -> Bus:
            if address == "memory://":
                return MemoryBus(clock=SystemClock(), log=log)
            return await stack.enter_async_context(open_bus(address, clock=SystemClock()))

        yield opened


def kept_topic() -> Topic:
    return Topic(f"test.{uuid4()}", "key", timedelta(days=1), "For a test.")


def compacted_topic() -> Topic:
    return Topic(f"test.{uuid4()}", "key", None, "For a test.")


def message(topic: Topic, key: str, value: bytes = b"value") -> Message:
    return Message(topic.name, key, value, (("ce_id", b"1"), ("other", b"\xff")))


def keys_of_all_partitions(topic: Topic) -> list[str]:
    found: dict[int, str] = {}
    number = 0
    while len(found) < topic.partitions:
        found.setdefault(partition_number(str(number), topic.partitions), str(number))
        number += 1
    return list(found.values())


async def nothing(_partitions: frozenset[Partition]) -> None:
    return


async def fetch_until(source: Source, count: int, *, limit: int = 100) -> list[Record]:
    records: list[Record] = []
    async with asyncio.timeout(WITHIN):
        while len(records) < count:
            for found in (await source.fetch(limit=limit, wait=0.5)).values():
                records.extend(found)
    return records


async def read_until(reader: Reader, count: int) -> list[Record]:
    records: list[Record] = []
    async with asyncio.timeout(WITHIN):
        while len(records) < count:
            records.extend(await reader.fetch(limit=100, wait=0.5))
    return records


async def test_a_record_comes_as_it_was_published(connect: Connect) -> None:
    bus, topic = await connect(), kept_topic()
    await bus.ensure([topic])
    sent = message(topic, "ключ", b"\x00\xff")
    await bus.sink.publish([sent])
    async with bus.subscribe("group", [topic], on_revoked=nothing) as source:
        (record,) = await fetch_until(source, 1)
    assert record.message == sent
    assert record.offset == 0
    assert record.partition == Partition(topic.name, partition_number("ключ", topic.partitions))
    assert abs((record.time - SystemClock().now()).total_seconds()) < 60


async def test_records_of_a_key_keep_the_order_of_concurrent_publishing(connect: Connect) -> None:
    bus, topic = await connect(), kept_topic()
    await bus.ensure([topic])
    await asyncio.gather(
        *(
            bus.sink.publish(
                [message(topic, key, b"%d" % (2 * n)), message(topic, key, b"%d" % (2 * n + 1))]
            )
            for n in range(100)
            for key in ("a", "b")
        )
    )
    async with bus.subscribe("group", [topic], on_revoked=nothing) as source:
        records = await fetch_until(source, 400)
    for key in ("a", "b"):
        values = [int(r.message.value) for r in records if r.message.key == key]
        assert values == list(range(200))
    for partition in partitions_of(topic):
        offsets = [r.offset for r in records if r.partition == partition]
        assert offsets == list(range(len(offsets)))


async def test_a_fetch_keeps_its_limit_and_serves_every_partition(connect: Connect) -> None:
    bus, topic = await connect(), kept_topic()
    await bus.ensure([topic])
    keys = keys_of_all_partitions(topic)
    await bus.sink.publish([message(topic, key) for key in keys for _ in range(5)])
    async with bus.subscribe("group", [topic], on_revoked=nothing) as source:
        await until(lambda: len(source.assignment()) == topic.partitions)
        seen: list[Record] = []
        async with asyncio.timeout(WITHIN):
            while len(seen) < 80:
                found = await source.fetch(limit=7, wait=0.5)
                assert sum(map(len, found.values())) <= 7
                seen.extend(record for records in found.values() for record in records)
    assert {record.partition for record in seen} == set(partitions_of(topic))


async def test_a_member_starts_where_its_group_committed(connect: Connect) -> None:
    bus, topic = await connect(), kept_topic()
    await bus.ensure([topic])
    await bus.sink.publish([message(topic, "a", b"%d" % n) for n in range(4)])
    async with bus.subscribe("group", [topic], on_revoked=nothing) as source:
        records = await fetch_until(source, 4)
        await source.commit({records[0].partition: 2})
    async with bus.subscribe("group", [topic], on_revoked=nothing) as source:
        assert [r.message.value for r in await fetch_until(source, 2)] == [b"2", b"3"]
    async with bus.subscribe("another", [topic], on_revoked=nothing) as source:
        assert len(await fetch_until(source, 4)) == 4


async def test_a_seek_goes_back_and_a_pause_holds(connect: Connect) -> None:
    bus, topic = await connect(), kept_topic()
    await bus.ensure([topic])
    await bus.sink.publish([message(topic, "a", b"%d" % n) for n in range(3)])
    async with bus.subscribe("group", [topic], on_revoked=nothing) as source:
        partition = (await fetch_until(source, 3))[0].partition
        source.pause([partition])
        source.seek(partition, 1)
        other = next(k for k in keys_of_all_partitions(topic) if k != "a")
        while partition_number(other, topic.partitions) == partition.number:
            other += "x"
        await bus.sink.publish([message(topic, other)])
        assert [r.message.key for r in await fetch_until(source, 1)] == [other]
        assert await source.fetch(limit=10, wait=0.2) == {}
        waiting = asyncio.create_task(fetch_until(source, 2))
        await asyncio.sleep(0)
        source.resume([partition])
        assert [r.message.value for r in await waiting] == [b"1", b"2"]


async def test_lag_counts_what_is_not_committed(connect: Connect) -> None:
    bus, topic = await connect(), kept_topic()
    await bus.ensure([topic])
    await bus.sink.publish([message(topic, "a") for _ in range(5)])

    async with bus.subscribe("group", [topic], on_revoked=nothing) as source:

        async def lags(expected: int) -> bool:
            lag = await source.lag()
            return len(lag) == topic.partitions and sum(lag.values()) == expected

        await until(lambda: lags(5))
        (record, *_) = await fetch_until(source, 5)
        await source.commit({record.partition: 3})
        await until(lambda: lags(2))


async def test_partitions_are_shared_with_a_second_member_and_come_back(connect: Connect) -> None:
    first_bus, second_bus, topic = await connect(), await connect(), kept_topic()
    everything = frozenset(partitions_of(topic))
    revoked: set[Partition] = set()

    async def on_revoked(partitions: frozenset[Partition]) -> None:
        revoked.update(partitions)

    async with first_bus.subscribe("group", [topic], on_revoked=on_revoked) as first:
        await until(lambda: first.assignment() == everything)
        async with second_bus.subscribe("group", [topic], on_revoked=nothing) as second:

            async def shared() -> bool:
                await asyncio.gather(
                    first.fetch(limit=1, wait=0.05), second.fetch(limit=1, wait=0.05)
                )
                return (
                    first.assignment() | second.assignment() == everything
                    and not first.assignment() & second.assignment()
                    and len(first.assignment()) == len(second.assignment())
                )

            await until(shared)
            assert second.assignment() <= revoked
            keys = keys_of_all_partitions(topic)
            await first_bus.sink.publish([message(topic, key) for key in keys])
            half = len(keys) // 2
            ours, theirs = await asyncio.gather(fetch_until(first, half), fetch_until(second, half))
            assert {r.partition for r in ours} == first.assignment()
            assert {r.partition for r in theirs} == second.assignment()
        await until(lambda: first.assignment() == everything)


async def test_a_commit_of_a_lost_partition_is_rejected(connect: Connect) -> None:
    first_bus, second_bus, topic = await connect(), await connect(), kept_topic()
    async with first_bus.subscribe("group", [topic], on_revoked=nothing) as first:
        await until(lambda: len(first.assignment()) == topic.partitions)
        async with second_bus.subscribe("group", [topic], on_revoked=nothing) as second:

            async def settled() -> bool:
                await asyncio.gather(
                    first.fetch(limit=1, wait=0.05), second.fetch(limit=1, wait=0.05)
                )
                return len(second.assignment()) == len(first.assignment()) > 0

            await until(settled)
            lost = next(iter(second.assignment()))
            (key,) = {
                key
                for key in keys_of_all_partitions(topic)
                if partition_number(key, topic.partitions) == lost.number
            }
            kept = [k for k in keys_of_all_partitions(topic) if k != key]
            mine = next(iter(first.assignment()))
            await first_bus.sink.publish([message(topic, k) for k in (*kept, key)])
            with pytest.raises(CommitRejected):
                await first.commit({lost: 1, mine: 1})

            async def stored() -> bool:
                ours, theirs = await first.lag(), await second.lag()
                return sum(ours.values()) == len(ours) - 1 and set(theirs.values()) == {1}

            await until(stored)


async def test_the_old_owner_may_commit_while_it_is_told_to_go(connect: Connect) -> None:
    first_bus, second_bus, topic = await connect(), await connect(), kept_topic()
    keys = keys_of_all_partitions(topic)
    async with AsyncExitStack() as stack:

        async def commit_all(partitions: frozenset[Partition]) -> None:
            await first.commit(dict.fromkeys(partitions, 1))

        first = await stack.enter_async_context(
            first_bus.subscribe("group", [topic], on_revoked=commit_all)
        )
        await first_bus.sink.publish([message(topic, key, n) for key in keys for n in (b"1", b"2")])
        await fetch_until(first, 2 * len(keys))
        second = await stack.enter_async_context(
            second_bus.subscribe("group", [topic], on_revoked=nothing)
        )
        keep = asyncio.create_task(fetch_until(first, 10**9))
        records = await fetch_until(second, topic.partitions // 2)
        assert {record.message.value for record in records} == {b"2"}
        keep.cancel()
        await asyncio.wait([keep])


async def test_a_pause_holds_over_a_rebalance_for_what_stays(connect: Connect) -> None:
    first_bus, second_bus, topic = await connect(), await connect(), kept_topic()
    everything = frozenset(partitions_of(topic))
    async with first_bus.subscribe("group", [topic], on_revoked=nothing) as first:
        await until(lambda: first.assignment() == everything)
        first.pause(everything)
        async with second_bus.subscribe("group", [topic], on_revoked=nothing) as second:

            async def shared() -> bool:
                await asyncio.gather(
                    first.fetch(limit=1, wait=0.05), second.fetch(limit=1, wait=0.05)
                )
                return 0 < len(first.assignment()) == len(second.assignment())

            await until(shared)
            stayed = first.assignment()
            await first_bus.sink.publish(
                [message(topic, key) for key in keys_of_all_partitions(topic)]
            )
            # The second has its half: ours would have come by now, too.
            theirs = await fetch_until(second, topic.partitions - len(stayed))
            assert not {record.partition for record in theirs} & stayed
            assert await first.fetch(limit=100, wait=0.2) == {}
            first.resume(everything)
            ours = await fetch_until(first, len(stayed))
            assert {record.partition for record in ours} == stayed


async def test_what_is_not_ours_is_left_alone(connect: Connect) -> None:
    first_bus, second_bus, topic = await connect(), await connect(), kept_topic()
    keys = keys_of_all_partitions(topic)
    async with first_bus.subscribe("group", [topic], on_revoked=nothing) as first:
        await until(lambda: len(first.assignment()) == topic.partitions)
        async with second_bus.subscribe("group", [topic], on_revoked=nothing) as second:

            async def settled() -> bool:
                await asyncio.gather(
                    first.fetch(limit=1, wait=0.05), second.fetch(limit=1, wait=0.05)
                )
                return len(second.assignment()) == len(first.assignment()) > 0

            await until(settled)
            lost = second.assignment()
            for partition in lost:
                first.seek(partition, 0)
            first.pause(lost)
            first.resume(lost)
            assert set(await first.lag()) <= first.assignment()
            await first_bus.sink.publish([message(topic, key) for key in keys])
            await fetch_until(second, len(lost))
            ours = await fetch_until(first, topic.partitions - len(lost))
            assert not {record.partition for record in ours} & lost


async def test_a_commit_after_leaving_is_rejected(connect: Connect) -> None:
    bus, topic = await connect(), kept_topic()
    await bus.ensure([topic])
    await bus.sink.publish([message(topic, "a", b"%d" % n) for n in range(2)])
    async with bus.subscribe("group", [topic], on_revoked=nothing) as left:
        (record, _) = await fetch_until(left, 2)
    with pytest.raises(CommitRejected):
        await left.commit({record.partition: 2})
    async with bus.subscribe("group", [topic], on_revoked=nothing) as source:
        assert len(await fetch_until(source, 2)) == 2


async def test_a_consumer_that_does_not_let_go_does_not_hold_the_group(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revoking, "REBALANCE_SECONDS", 0.3)
    first_bus, second_bus, topic = await connect(), await connect(), kept_topic()
    asked = asyncio.Event()

    async def never(_partitions: frozenset[Partition]) -> None:
        asked.set()
        await asyncio.Event().wait()

    async with first_bus.subscribe("group", [topic], on_revoked=never) as first:
        await until(lambda: len(first.assignment()) == topic.partitions)
        async with second_bus.subscribe("group", [topic], on_revoked=nothing) as second:

            async def shared() -> bool:
                await asyncio.gather(
                    first.fetch(limit=1, wait=0.05), second.fetch(limit=1, wait=0.05)
                )
                return 0 < len(second.assignment()) == len(first.assignment())

            await until(shared)
            assert asked.is_set()
            with pytest.raises(CommitRejected):
                await first.commit(dict.fromkeys(second.assignment(), 1))


async def test_what_two_processes_publish_at_once_is_read_without_a_gap(connect: Connect) -> None:
    first_bus, second_bus, topic = await connect(), await connect(), kept_topic()
    await first_bus.ensure([topic])
    await second_bus.ensure([topic])
    async with first_bus.reader([topic], begin=Begin.START) as reader:
        publishing = asyncio.gather(
            *(
                bus.sink.publish([message(topic, "a", b"%d" % n), message(topic, "b")])
                for n in range(50)
                for bus in (first_bus, second_bus)
            )
        )
        records = await read_until(reader, 200)
        await publishing
    for partition in {record.partition for record in records}:
        offsets = [record.offset for record in records if record.partition == partition]
        assert offsets == list(range(len(offsets)))
    values = [record.message.value for record in records if record.message.key == "a"]
    assert sorted(values) == sorted([b"%d" % n for n in range(50)] * 2)


async def test_a_reader_sees_all_from_the_start_and_knows_when_it_has(connect: Connect) -> None:
    bus, topic = await connect(), compacted_topic()
    await bus.ensure([topic])
    await bus.sink.publish([message(topic, str(n)) for n in range(20)])
    async with bus.reader([topic], begin=Begin.START) as reader:
        assert not await reader.caught_up()
        assert len(await read_until(reader, 20)) == 20
        await until(reader.caught_up)
        await bus.sink.publish([message(topic, "late")])
        assert [r.message.key for r in await read_until(reader, 1)] == ["late"]


async def test_a_reader_of_an_empty_topic_has_caught_up(connect: Connect) -> None:
    bus, topic = await connect(), kept_topic()
    async with bus.reader([topic], begin=Begin.START) as reader:
        assert await reader.caught_up()


async def test_a_reader_from_the_end_sees_only_what_comes(connect: Connect) -> None:
    first_bus, second_bus, topic = await connect(), await connect(), kept_topic()
    await first_bus.ensure([topic])
    await first_bus.sink.publish([message(topic, "a", b"before")])
    async with second_bus.reader([topic], begin=Begin.END) as reader:
        assert await reader.caught_up()
        await first_bus.sink.publish([message(topic, "a", b"after")])
        assert [r.message.value for r in await read_until(reader, 1)] == [b"after"]


async def test_ensure_is_idempotent_and_never_changes_partitions(connect: Connect) -> None:
    bus, other, topic = await connect(), await connect(), kept_topic()
    await bus.ensure([topic])
    await other.ensure([topic])
    with pytest.raises(TopicMismatch, match=topic.name):
        await (await connect()).ensure([Topic(topic.name, "key", None, "Compacted now.")])


async def test_publishing_to_a_topic_that_was_not_made_fails(connect: Connect) -> None:
    bus = await connect()
    with pytest.raises(UnknownTopic):
        await bus.sink.publish([message(kept_topic(), "a")])


async def test_an_address_of_no_driver_is_refused() -> None:
    with pytest.raises(UnknownBus, match="nats"):
        async with open_bus("nats://localhost", clock=SystemClock()):
            pass
