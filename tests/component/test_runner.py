"""The runner over the real log and a real database: every way a batch can go."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from msgspec import structs
from sqlalchemy import select

from libs.bus import runner as runner_module
from libs.bus.consumer import OK, Consumer, Dead, Drop, Outcome, Policy, Retry, batch, each
from libs.bus.dead_letters import Filter, replay, replay_all
from libs.bus.driver import BusUnavailable
from libs.schemas.envelope import Message, Received
from libs.schemas.events import DataChanged, DataDeleted
from libs.schemas.topics import DATA, DEAD_LETTERS
from libs.store.session import Tx
from libs.store.tables import inbox, outbox
from sightloop.embedded.postgres import EmbeddedPostgres
from tests.support.consuming import ORGANIZATION, World, changed, message, note, opened_world
from tests.support.waiting import until

FAST = Policy(
    wait=timedelta(milliseconds=50),
    backoff=timedelta(milliseconds=1),
    backoff_limit=timedelta(milliseconds=20),
)


@pytest.fixture
async def world(postgres: EmbeddedPostgres) -> AsyncIterator[World]:
    async with opened_world(postgres) as opened:
        yield opened


async def take(tx: Tx, received: Received[DataChanged]) -> Outcome:
    await note(tx, received)
    return OK


async def take_all(tx: Tx, events: Sequence[Received[DataChanged]]) -> Sequence[Outcome]:
    for received in events:
        if received.data.source == "poison":
            raise ValueError("cannot be read")
        await note(tx, received)
    return [OK] * len(events)


def consumer_of(function: object, *, policy: Policy = FAST) -> Consumer:
    handler = each(DataChanged, function)  # type: ignore[arg-type]  # a test's function
    return Consumer(name="consumer", handlers=(handler,), policy=policy)


def batch_consumer(function: object, *, policy: Policy = FAST) -> Consumer:
    handler = batch(DataChanged, function)  # type: ignore[arg-type]  # a test's function
    return Consumer(name="consumer", handlers=(handler,), policy=policy)


async def test_events_are_handled_in_order_and_the_runner_is_ready(world: World) -> None:
    names = [str(n) for n in range(50)]
    await world.publish(*(message(changed(name)) for name in names))
    async with world.running(consumer_of(take)) as runner:
        assert not runner.health().ready
        await until(lambda: runner.health().ready and runner.health().lag == 0)
        assert await world.noted() == names
    async with world.running(consumer_of(take)):
        await world.publish(message(changed("last")))
        await until(lambda: _has(world, 51))
    assert await world.noted() == [*names, "last"]


async def test_a_duplicate_within_a_batch_and_after_it_is_handled_once(world: World) -> None:
    twice, late = uuid4(), uuid4()
    await world.publish(
        message(changed("twice"), event_id=twice),
        message(changed("twice"), event_id=twice),
        message(changed("late"), event_id=late),
    )
    async with world.running(batch_consumer(take_all)):
        await until(lambda: _has(world, 2))
        await world.publish(
            message(changed("late"), event_id=late),
            message(changed("twice"), event_id=twice),
            message(changed("end")),
        )
        await until(lambda: _has(world, 3))
    assert await world.noted() == ["twice", "late", "end"]


async def test_only_the_poisonous_record_of_a_batch_dies_and_keeps_its_bytes(world: World) -> None:
    poison = message(changed("poison"))
    await world.publish(message(changed("a")), poison, message(changed("b")))
    async with world.running(batch_consumer(take_all)):
        await until(lambda: _has(world, 2))
        (letter,) = await world.dead()
    assert await world.noted() == ["a", "b"]
    assert letter.value == poison.value
    assert letter.headers == poison.headers
    assert letter.reason == "ValueError: cannot be read"
    assert letter.consumer == "test.consumer"
    assert (letter.topic, letter.offset, letter.key) == (DATA.name, 1, poison.key)
    assert letter.organization == str(ORGANIZATION)


async def test_a_record_that_is_no_event_dies_and_an_unknown_type_is_dropped(world: World) -> None:
    fine = message(changed("fine"))
    broken = structs.replace(fine, value=b"{")
    later = (("ce_type", b"sightloop.later.v9"),)
    unknown = structs.replace(
        fine, headers=later + tuple(h for h in fine.headers if h[0] != "ce_type")
    )
    await world.publish(broken, unknown, fine)
    async with world.running(consumer_of(take)):
        await until(lambda: _has(world, 1))
        (letter,) = await world.dead()
    assert letter.reason.startswith("MalformedEvent")


async def test_events_without_a_handler_are_passed_by(world: World) -> None:
    deleted = DataDeleted(data=UUID(int=1), picture=None, erase=False)
    await world.publish(message(changed("a")), message(deleted), message(changed("b")))
    calls: list[int] = []

    async def count(tx: Tx, events: Sequence[Received[DataChanged]]) -> Sequence[Outcome]:
        calls.append(len(events))
        return await take_all(tx, events)

    async with world.running(batch_consumer(count)):
        await until(lambda: _has(world, 2))
    assert calls == [2]


class WatchedSink:
    """The bus's sink, with a look and a fault before each publish."""

    def __init__(self, world: World, *, faults: int = 0) -> None:
        self.visible: list[list[str]] = []
        self._world = world
        self._sink = world.bus.sink
        self._faults = faults

    async def publish(self, messages: Sequence[Message]) -> None:
        assert {m.topic for m in messages} == {DEAD_LETTERS.name}
        self.visible.append(await self._world.noted())
        if self._faults:
            self._faults -= 1
            raise BusUnavailable("away")
        await self._sink.publish(messages)


async def test_dead_letters_are_written_before_the_commit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse_b(tx: Tx, received: Received[DataChanged]) -> Outcome:
        await note(tx, received)
        return Dead("never") if received.data.source == "b" else OK

    await world.publish(message(changed("a")), message(changed("b")))
    sink = WatchedSink(world, faults=2)
    publish = world.bus.sink
    monkeypatch.setattr(world.bus, "sink", sink)
    async with world.running(consumer_of(refuse_b)):
        await until(lambda: _has(world, 2))
    monkeypatch.setattr(world.bus, "sink", publish)
    assert sink.visible == [[], [], []]
    assert [letter.reason for letter in await world.dead()] == ["never"]


async def test_a_passing_fault_never_kills_an_event_however_often(world: World) -> None:
    attempts = 0

    async def flaky(tx: Tx, received: Received[DataChanged]) -> Outcome:
        nonlocal attempts
        attempts += 1
        await note(tx, received)
        if received.data.source == "b" and attempts < 30:
            raise ConnectionError("away")
        return OK

    await world.publish(*(message(changed(name)) for name in "abc"))
    async with world.running(consumer_of(flaky)):
        await until(lambda: _has(world, 3))
        assert await world.dead() == ()
    assert await world.noted() == ["a", "b", "c"]


async def test_a_handler_beyond_its_limit_is_tried_again(world: World) -> None:
    attempts = 0

    async def slow_once(tx: Tx, received: Received[DataChanged]) -> Outcome:
        nonlocal attempts
        attempts += 1
        await note(tx, received)
        if attempts == 1:
            await asyncio.Event().wait()
        return OK

    policy = replace(FAST, handler_limit=timedelta(milliseconds=100))
    await world.publish(message(changed("a")))
    async with world.running(consumer_of(slow_once, policy=policy)):
        await until(lambda: _has(world, 1))
        assert await world.dead() == ()


@pytest.mark.parametrize("how", ["raises", "answers", "batch"])
async def test_the_breaker_stops_before_a_topic_is_drained(world: World, how: str) -> None:
    async def refuse(tx: Tx, received: Received[DataChanged]) -> Outcome:
        if how == "raises":
            raise KeyError("a bad release")
        return Dead("a bad release")

    async def refuse_all(tx: Tx, events: Sequence[Received[DataChanged]]) -> Sequence[Outcome]:
        return [Dead("a bad release")] * len(events)

    policy = replace(FAST, breaker_window=20, breaker_minimum=10)
    consumer = (
        batch_consumer(refuse_all, policy=policy)
        if how == "batch"
        else consumer_of(refuse, policy=policy)
    )
    await world.publish(*(message(changed(str(n), data=UUID(int=n))) for n in range(300)))
    async with world.running(consumer) as runner:
        await until(lambda: "stopped" in runner.health().reason)
        assert not runner.health().ready
        assert runner.health().live
        assert "a bad release" in runner.health().reason
        await world.publish(message(changed("more")))
        await until(lambda: runner.health().lag > 270)
        assert len(await world.dead()) <= 20
    # A good release takes up all that did not die.
    dead = len(await world.dead())
    async with world.running(consumer_of(take)):
        await until(lambda: _has(world, 301 - dead))


async def test_retry_commits_what_was_before_and_keeps_the_order(world: World) -> None:
    asked = 0
    seen: list[str] = []

    async def wait_for_b(tx: Tx, received: Received[DataChanged]) -> Outcome:
        nonlocal asked
        await note(tx, received)
        seen.append(received.data.source)
        if received.data.source == "b" and asked < 3:
            asked += 1
            return Retry(timedelta(milliseconds=10))
        return OK

    await world.publish(*(message(changed(name)) for name in "abc"))
    async with world.running(consumer_of(wait_for_b)):
        await until(lambda: _has(world, 3))
    assert await world.noted() == ["a", "b", "c"]
    assert asked == 3
    assert seen.index("c") == len(seen) - 1


async def test_retry_in_a_batch_undoes_what_was_behind_it(world: World) -> None:
    asked = 0

    async def batch_waits(tx: Tx, events: Sequence[Received[DataChanged]]) -> Sequence[Outcome]:
        nonlocal asked
        outcomes: list[Outcome] = []
        for received in events:
            await note(tx, received)
            again = received.data.source == "b" and asked < 2
            asked += again
            outcomes.append(Retry(timedelta(milliseconds=10)) if again else OK)
        return outcomes

    await world.publish(*(message(changed(name)) for name in "abc"))
    async with world.running(batch_consumer(batch_waits)):
        await until(lambda: _has(world, 3))
    assert await world.noted() == ["a", "b", "c"]


async def test_a_drop_is_done_with(world: World) -> None:
    async def drop(tx: Tx, received: Received[DataChanged]) -> Outcome:
        return Drop("not ours") if received.data.source == "x" else await take(tx, received)

    await world.publish(message(changed("x")), message(changed("y")))
    async with world.running(consumer_of(drop)):
        await until(lambda: _has(world, 1))
        assert await world.dead() == ()


async def test_a_handler_that_forgets_outcomes_is_a_defect(world: World) -> None:
    async def forget(tx: Tx, events: Sequence[Received[DataChanged]]) -> Sequence[Outcome]:
        return [OK] * (len(events) - 1)

    await world.publish(message(changed("a")))
    async with world.running(batch_consumer(forget)):
        await until(lambda: _has_dead(world, 1))
    assert (await world.dead())[0].reason.startswith("OutcomesMissing")


async def test_what_a_handler_emits_names_its_event_and_actor(world: World) -> None:
    async def answer(tx: Tx, received: Received[DataChanged]) -> Outcome:
        await tx.emit(changed("answer"), organization=received.organization)
        return await take(tx, received)

    first, second = uuid4(), uuid4()
    await world.publish(
        message(changed("a"), event_id=first, actor="ann"),
        message(changed("b"), event_id=second, actor="bob"),
    )
    async with world.running(consumer_of(answer)):
        await until(lambda: _has(world, 2))
    async with world.database.read() as read:
        rows = await read.all(select(outbox.c.headers).order_by(outbox.c.id))
    assert [str(first) in row["headers"].decode() for row in rows] == [True, False]
    assert [b'"bob"' in row["headers"] for row in rows] == [False, True]
    assert [str(second) in row["headers"].decode() for row in rows] == [False, True]


async def test_a_rebalance_in_the_middle_loses_and_repeats_nothing(world: World) -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx, received: Received[DataChanged]) -> Outcome:
        entered.set()
        await release.wait()
        return await take(tx, received)

    count = 64
    messages = [message(changed(str(n), data=UUID(int=n))) for n in range(count)]
    async with world.running(consumer_of(hold)):
        await world.publish(*messages)
        await entered.wait()
        async with world.running(consumer_of(take), bus=world.second_bus) as second:
            await until(lambda: second.health().ready)
            # What the first holds is finished by the first.
            assert await world.noted() == []
            release.set()
            await until(lambda: _has(world, count))
            more = [message(changed(f"more {n}", data=UUID(int=n))) for n in range(count)]
            await world.publish(*more)
            await until(lambda: _has(world, 2 * count))
    noted = await world.noted()
    assert len(set(noted)) == 2 * count


async def test_a_handler_that_does_not_end_gives_its_partition_up_in_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "REVOKE_SECONDS", 0.2)
    entered = asyncio.Event()

    async def hang(tx: Tx, received: Received[DataChanged]) -> Outcome:
        await note(tx, received)
        entered.set()
        await asyncio.Event().wait()
        return OK

    count = 64
    monkeypatch.setattr(runner_module, "FINISH_SECONDS", 0.2)
    async with world.running(consumer_of(take), bus=world.second_bus) as second:
        await until(lambda: second.health().ready)
        async with world.running(consumer_of(hang)):
            await until(lambda: second.health().ready)
            await world.publish(*(message(changed(str(n), data=UUID(int=n))) for n in range(count)))
            await entered.wait()
        await until(lambda: _has(world, count))
    assert len(set(await world.noted())) == count


async def test_a_stop_finishes_the_batch_in_hand(world: World) -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx, received: Received[DataChanged]) -> Outcome:
        entered.set()
        await release.wait()
        return await take(tx, received)

    await world.publish(*(message(changed(name)) for name in "abc"))

    async def stop_in_the_middle() -> None:
        async with world.running(consumer_of(hold)):
            await entered.wait()

    stopping = asyncio.create_task(stop_in_the_middle())
    await entered.wait()
    await asyncio.wait([stopping], timeout=0.05)
    release.set()
    await stopping
    assert await world.noted() == ["a", "b", "c"]
    async with world.bus.subscribe("test.consumer", [DATA], on_revoked=_ignore) as source:
        await until(lambda: len(source.assignment()) == DATA.partitions)
        assert sum((await source.lag()).values()) == 0


async def test_a_replay_reaches_only_its_consumer_and_only_once(world: World) -> None:
    await world.publish(message(changed("poison")))
    fixed = consumer_of(take)
    async with world.running(batch_consumer(take_all)):
        await until(lambda: _has_dead(world, 1))
    (letter,) = await world.dead()
    others: list[str] = []

    async def other(tx: Tx, received: Received[DataChanged]) -> Outcome:
        others.append(received.data.source)
        return OK

    async with world.running(fixed), world.running(consumer_of(other), group="test.other"):
        await until(lambda: others == ["poison"])
        await replay(world.bus, [letter])
        assert await replay_all(world.bus, Filter(consumer="test.consumer")) == 1
        assert await replay_all(world.bus, Filter(consumer="test.other")) == 0
        await world.publish(message(changed("end")))
        await until(lambda: others[-1] == "end")
        await until(lambda: _has(world, 2))
    assert await world.noted() == ["poison", "end"]
    assert others == ["poison", "end"]


async def test_a_handler_without_inbox_leaves_no_rows_there(world: World) -> None:
    twice = uuid4()
    await world.publish(*[message(changed("a"), event_id=twice)] * 2)
    handler = each(DataChanged, take, inbox=False)
    async with world.running(Consumer(name="consumer", handlers=(handler,), policy=FAST)):
        await until(lambda: _has(world, 1))
    async with world.database.read() as read:
        assert await read.all(select(inbox)) == []


async def _has(world: World, count: int) -> bool:
    return await world.count_noted() >= count


async def _has_dead(world: World, count: int) -> bool:
    return len(await world.dead()) >= count


async def _ignore(_partitions: object) -> None:
    with suppress(ValueError):
        return
