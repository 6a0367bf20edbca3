"""A table whose bus goes away keeps what it knows, and goes on when the bus is back."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from libs.bus.driver import Begin, BusUnavailable, Reader, Record
from libs.bus.memory import MemoryBus
from libs.bus.table import Table
from libs.schemas.events import TokenChanged
from libs.schemas.topics import TOKENS, Topic
from libs.store.clock import SystemClock
from tests.support.consuming import message

FIRST, SECOND = UUID(int=1), UUID(int=2)


class Away:
    """A reader of a bus that went away."""

    async def fetch(self, *, limit: int, wait: float) -> Sequence[Record]:
        raise BusUnavailable("the broker was killed")

    async def caught_up(self) -> bool:
        return False


class Flickering(MemoryBus):
    """A bus that is away at the first look."""

    looks = 0

    @asynccontextmanager
    async def reader(self, topics: Sequence[Topic], *, begin: Begin) -> AsyncIterator[Reader]:
        self.looks += 1
        if self.looks == 1:
            yield Away()
            return
        async with super().reader(topics, begin=begin) as reader:
            yield reader


async def test_a_table_outlives_a_bus_that_goes_away() -> None:
    bus = Flickering(clock=SystemClock())
    await bus.ensure([TOKENS])
    await bus.sink.publish(
        [message(TokenChanged(token=token, revision=1, revoked=False)) for token in (FIRST, SECOND)]
    )
    table = Table(TokenChanged)
    following = asyncio.create_task(table.run(bus))
    try:
        ready = asyncio.create_task(table.ready())
        await asyncio.wait([following, ready], return_when=asyncio.FIRST_COMPLETED, timeout=30)
        assert not following.done()
        assert table.is_ready
        assert {token.data.token for token in table.values()} == {FIRST, SECOND}
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
