"""What a service is told of its records that die: in the transaction that its books are in."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs
from sqlalchemy import insert

from libs.bus.consumer import OK, Consumer, Dead, Died, Outcome, Policy, batch, each
from libs.bus.dead_letters import replay
from libs.bus.driver import BusUnavailable
from libs.schemas.envelope import Message, Received
from libs.schemas.events import DataChanged
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


async def count_dead(tx: Tx, died: Sequence[Died]) -> None:
    """The books of these tests: one row for each death, naming the event where it is known."""
    for one in died:
        known = one.received.meta.id if one.received else None
        name = one.received.data.source if one.received else "unreadable"
        await tx.execute(
            insert(effects),
            [{"event": known or "0" * 32, "source": f"died: {name}: {one.reason}"}],
        )


async def take(tx: Tx, received: Received[DataChanged]) -> Outcome:
    if received.data.source == "refused":
        return Dead("never")
    await note(tx, received)
    if received.data.source == "raises" and not received.replayed:
        raise ValueError("cannot be read")
    return OK


def consumer(*, policy: Policy = FAST) -> Consumer:
    handler = each(DataChanged, take, on_dead=count_dead)
    return Consumer(name="consumer", handlers=(handler,), policy=policy)


class FailingSink:
    """The bus's sink, away for some calls; keeps what was committed when it was called."""

    def __init__(self, world: World, *, faults: int) -> None:
        self.seen: list[list[str]] = []
        self.faults = faults
        self._world = world
        self._sink = world.bus.sink

    async def publish(self, messages: Sequence[Message]) -> None:
        self.seen.append(await self._world.noted())
        if self.faults:
            self.faults -= 1
            raise BusUnavailable("away")
        await self._sink.publish(messages)


async def test_each_way_to_die_is_told_once_in_the_books_transaction(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable = structs.replace(message(changed("x")), value=b"{")
    await world.publish(
        message(changed("a")), message(changed("raises")), unreadable, message(changed("refused")),
        message(changed("b")),
    )  # fmt: skip
    before = world.bus.sink
    sink = FailingSink(world, faults=7)
    monkeypatch.setattr(world.bus, "sink", sink)
    async with world.running(consumer()):
        await until(lambda: _has(world, 5))
    monkeypatch.setattr(world.bus, "sink", before)
    first, raised, malformed, last, refused = await world.noted()
    assert (first, last) == ("a", "b")
    assert raised == "died: raises: ValueError: cannot be read"
    assert malformed.startswith("died: unreadable: MalformedEvent")
    assert refused == "died: refused: never"
    reasons = [letter.reason.partition(":")[0] for letter in await world.dead()]
    assert sorted(reasons) == ["MalformedEvent", "ValueError", "never"]
    # Nothing is in the books before its letter is durable.
    assert not any("died" in text for text in sink.seen[0])


async def test_one_that_dies_while_the_bus_is_away_opens_no_breaker(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.publish(message(changed("refused")), message(changed("raises")))
    sink = FailingSink(world, faults=40)
    before = world.bus.sink
    monkeypatch.setattr(world.bus, "sink", sink)
    policy = replace(FAST, breaker_minimum=5)
    async with world.running(consumer(policy=policy)) as runner:
        await until(lambda: _has(world, 2))
        assert "stopped" not in runner.health().reason
    monkeypatch.setattr(world.bus, "sink", before)
    assert sink.faults == 0
    assert len(await world.dead()) == 2


async def test_books_that_cannot_count_a_death_stop_the_consumer(world: World) -> None:
    async def refuse(tx: Tx, received: Received[DataChanged]) -> Outcome:
        return Dead("never")

    async def broken(_tx: Tx, _died: Sequence[Died]) -> None:
        raise KeyError("no such column")

    handler = each(DataChanged, refuse, on_dead=broken)
    await world.publish(message(changed("a")), message(changed("b")))
    async with world.running(Consumer(name="c", handlers=(handler,), policy=FAST)) as runner:
        await until(lambda: "no such column" in runner.health().reason)
        assert await world.dead() == ()
        await until(lambda: runner.health().lag == 2)
    async with world.running(consumer()):
        await until(lambda: _has(world, 2))
    assert await world.noted() == ["a", "b"]


async def test_a_replay_is_told_as_one_and_is_handled_once(world: World) -> None:
    seen: list[tuple[str, bool]] = []

    async def watch(tx: Tx, events: Sequence[Received[DataChanged]]) -> Sequence[Outcome]:
        seen.extend((received.data.source, received.replayed) for received in events)
        return [await take(tx, received) for received in events]

    handler = batch(DataChanged, watch, on_dead=count_dead)
    await world.publish(message(changed("raises")))
    async with world.running(Consumer(name="c", handlers=(handler,), policy=FAST)):
        await until(lambda: _has(world, 1))
        (letter,) = await world.dead()
        await replay(world.bus, [letter])
        await replay(world.bus, [letter])
        await world.publish(message(changed("end")))
        await until(lambda: _has(world, 3))
    assert await world.noted() == ["died: raises: ValueError: cannot be read", "raises", "end"]
    assert ("raises", True) in seen
    assert ("end", False) in seen


async def _has(world: World, count: int) -> bool:
    return await world.count_noted() >= count
