"""Tables of compacted topics."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

import pytest
from msgspec import structs

from libs.bus.dead_letters import REPLAY_FOR
from libs.bus.driver import Bus
from libs.bus.memory import MemoryBus
from libs.bus.table import Table, TooManyWaiters
from libs.schemas.events import TokenChanged
from libs.schemas.topics import TOKENS
from libs.store.clock import SystemClock
from tests.support.consuming import message
from tests.support.waiting import until

TOKEN = UUID(int=3)
KEY = str(TOKEN)


def token(revision: int, *, revoked: bool = False, token: UUID = TOKEN) -> TokenChanged:
    return TokenChanged(token=token, revision=revision, revoked=revoked)


@pytest.fixture
async def bus() -> Bus:
    bus = MemoryBus(clock=SystemClock())
    await bus.ensure([TOKENS])
    return bus


@asynccontextmanager
async def following(table: Table[TokenChanged], bus: Bus) -> AsyncIterator[None]:
    task = asyncio.create_task(table.run(bus))
    try:
        await table.ready()
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_ready_table_knows_all_that_was_there(bus: Bus) -> None:
    tokens = [uuid4() for _ in range(2_500)]
    await bus.sink.publish([message(token(1, token=name)) for name in tokens])
    table = Table(TokenChanged)
    assert not table.is_ready
    async with following(table, bus):
        assert len(table.values()) == 2_500
        found = table.get(str(tokens[0]))
        assert found is not None
        assert found.data.token == tokens[0]
        assert table.get(str(uuid4())) is None


async def test_the_higher_revision_wins_in_whatever_order_they_come(bus: Bus) -> None:
    await bus.sink.publish([message(token(2, revoked=True)), message(token(1)), message(token(2))])
    table = Table(TokenChanged)
    seen: list[int] = []
    table.on_change.append(lambda received: seen.append(received.data.revision))
    async with following(table, bus):
        known = table.get(KEY)
        assert known is not None
        assert (known.data.revision, known.data.revoked) == (2, True)
        await bus.sink.publish([message(token(3))])
        await until(lambda: seen == [2, 3])


async def test_a_key_about_to_come_is_waited_for(bus: Bus) -> None:
    table = Table(TokenChanged)
    async with following(table, bus):
        waiting = asyncio.create_task(table.wait_for(KEY, timeout=20))
        await asyncio.wait([waiting], timeout=0.01)
        await bus.sink.publish([message(token(1))])
        found = await waiting
        assert found is not None
        assert await table.wait_for(KEY) is found
        assert await table.wait_for("unknown", timeout=0.01) is None


async def test_waiters_are_bounded_and_leave_room_when_they_go(bus: Bus) -> None:
    table = Table(TokenChanged, waiters=2)
    waiting = [asyncio.create_task(table.wait_for(KEY, timeout=20)) for _ in range(2)]
    await asyncio.wait(waiting, timeout=0.01)
    with pytest.raises(TooManyWaiters):
        await table.wait_for("other")
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    assert await table.wait_for("other", timeout=0.01) is None


async def test_a_record_that_cannot_be_read_is_passed_by(bus: Bus) -> None:
    broken = structs.replace(message(token(5)), value=b"{}")
    await bus.sink.publish([broken, message(token(1))])
    table = Table(TokenChanged)
    async with following(table, bus):
        known = table.get(KEY)
        assert known is not None
        assert known.data.revision == 1


async def test_a_replay_for_one_consumer_is_no_state(bus: Bus) -> None:
    fine = message(token(1))
    replayed = structs.replace(
        message(token(2)), headers=(*fine.headers, (REPLAY_FOR, b"a.consumer"))
    )
    await bus.sink.publish([replayed, fine])
    table = Table(TokenChanged)
    async with following(table, bus):
        known = table.get(KEY)
        assert known is not None
        assert known.data.revision == 1
