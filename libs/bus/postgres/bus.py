"""The embedded log as a `Bus`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import structlog
from sqlalchemy import make_url

from libs.bus.driver import Begin, BusUnavailable, OnRevoked, Reader, Source
from libs.bus.postgres.catalogue import ensure
from libs.bus.postgres.faults import unavailable
from libs.bus.postgres.hub import Hub
from libs.bus.postgres.schema import make_tables
from libs.bus.postgres.sink import PostgresSink
from libs.bus.postgres.source import PostgresReader
from libs.bus.postgres.upkeep import forget
from libs.schemas.topics import Topic
from libs.store.clock import Clock

UPKEEP_SECONDS = 60.0

_SETTINGS = {"application_name": "sightloop bus", "synchronous_commit": "off", "jit": "off"}
_log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_postgres(url: str, *, clock: Clock) -> AsyncIterator["PostgresBus"]:
    """Open the embedded log in a database of its own (`postgresql+asyncpg://…`).

    Raises BusUnavailable when the server cannot be reached.
    """
    target = _connect_arguments(url)
    with unavailable("opening"):
        pool = await asyncpg.create_pool(
            **target, min_size=1, max_size=4, timeout=10, command_timeout=30
        )
    hub = Hub(pool, lambda: asyncpg.connect(**target, timeout=10, command_timeout=10))
    bus = PostgresBus(pool, hub, clock)
    tasks: list[asyncio.Task[None]] = []
    try:
        with unavailable("making its tables"):
            async with pool.acquire(timeout=10) as connection:
                await make_tables(connection)
        await hub.load()
        tasks.append(asyncio.create_task(hub.run(), name="bus hub"))
        tasks.append(asyncio.create_task(bus.maintain(), name="bus upkeep"))
        with unavailable("opening"):
            async with asyncio.timeout(15):
                await hub.registered.wait()
        yield bus
    finally:
        await bus.sink.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await pool.close()
        pool.terminate()


class PostgresBus:
    """See `Bus`."""

    def __init__(self, pool: asyncpg.Pool, hub: Hub, clock: Clock) -> None:
        self.sink = PostgresSink(pool, hub, clock)
        self._pool = pool
        self._hub = hub
        self._clock = clock

    async def ensure(self, topics: Sequence[Topic]) -> None:
        with unavailable("making topics"):
            async with self._pool.acquire(timeout=10) as connection:
                await ensure(connection, topics)
        await self._hub.load()

    @asynccontextmanager
    async def subscribe(
        self, group: str, topics: Sequence[Topic], *, on_revoked: OnRevoked
    ) -> AsyncIterator[Source]:
        await self.ensure(topics)
        source = await self._hub.join(group, [topic.name for topic in topics], on_revoked)
        try:
            yield source
        finally:
            await self._hub.leave(source)

    @asynccontextmanager
    async def reader(self, topics: Sequence[Topic], *, begin: Begin) -> AsyncIterator[Reader]:
        await self.ensure(topics)
        names = {topic.name for topic in topics}
        ends = {name: head for name, head in self._hub.heads.items() if name.topic in names}
        positions = ends if begin is Begin.END else dict.fromkeys(ends, 0)
        reader = PostgresReader(self._hub, positions, ends=ends)
        self._hub.readers.add(reader)
        try:
            yield reader
        finally:
            self._hub.readers.discard(reader)

    async def maintain(self) -> None:
        """Forget what is past its time, each minute, until cancelled."""
        while True:
            try:
                with unavailable("forgetting"):
                    await forget(self._pool, now=self._clock.now())
            except BusUnavailable as error:
                _log.warning("bus.upkeep_failed", reason=str(error))
            except Exception as error:
                self._hub.fail(error)
                raise
            await asyncio.sleep(UPKEEP_SECONDS)


def _connect_arguments(url: str) -> dict[str, Any]:
    parsed = make_url(url)
    query = dict(parsed.query)
    host = parsed.host or query.get("host") or "localhost"
    port = parsed.port or int(str(query.get("port") or 5432))
    return {
        "host": host,
        "port": port,
        "user": parsed.username,
        "password": parsed.password,
        "database": parsed.database,
        "server_settings": _SETTINGS,
    }
