"""Publishing to the embedded log: concurrent calls share a transaction."""

import asyncio
from collections.abc import Sequence

import asyncpg

from libs.bus.coalescing import Coalescer, Room
from libs.bus.driver import BusUnavailable, UnknownTopic
from libs.bus.postgres.faults import unavailable
from libs.bus.postgres.hub import Hub
from libs.bus.postgres.log import append
from libs.schemas.envelope import Message
from libs.store.clock import Clock

Located = tuple[int, Message]

_ROOM = 20_000
_ROOM_BYTES = 64 * 2**20
_SECONDS = 15.0
_WRITE_SECONDS = 10.0


class PostgresSink:
    """See `Sink`."""

    def __init__(self, pool: asyncpg.Pool, hub: Hub, clock: Clock) -> None:
        self._pool = pool
        self._hub = hub
        self._clock = clock
        room = Room(items=_ROOM, size=_ROOM_BYTES)
        self._queue: Coalescer[Located] = Coalescer(self._write, room=room)

    async def publish(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        topics = {message.topic for message in messages}
        if not topics <= self._hub.catalogue.counts.keys():
            await self._hub.load()
        located: list[Located] = []
        size = 0
        for message in messages:
            partition = self._hub.catalogue.locate(message.topic, message.key)
            if partition is None:
                raise UnknownTopic(message.topic)
            located.append((partition, message))
            size += len(message.value)
        try:
            async with asyncio.timeout(_SECONDS):
                await self._queue.offer(located, size)
        except TimeoutError as error:
            raise BusUnavailable(f"nothing was durable within {_SECONDS:g} s") from error

    async def close(self) -> None:
        """Finish what is queued."""
        await self._queue.close()

    async def _write(self, messages: Sequence[Located]) -> None:
        with unavailable("publishing"):
            async with asyncio.timeout(_WRITE_SECONDS), self._pool.acquire() as connection:
                await append(connection, messages, now=self._clock.now())
