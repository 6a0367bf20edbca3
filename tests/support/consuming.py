"""A consumer's world in a test: a bus and a database of their own, and runners over them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Column, Identity, MetaData, Table, Text, Uuid, insert, select

from libs.bus.consumer import Consumer
from libs.bus.dead_letters import DeadLetter, Filter, list_dead_letters
from libs.bus.driver import Bus
from libs.bus.open import open_bus
from libs.bus.runner import Runner
from libs.schemas.envelope import Event, Message, Meta, Received, encode
from libs.schemas.events import DataChanged
from libs.schemas.ids import uuid7
from libs.schemas.topics import DATA, DEAD_LETTERS
from libs.store import tables
from libs.store.clock import Clock, SystemClock
from libs.store.session import Database, Tx, open_database
from sightloop.embedded.postgres import EmbeddedPostgres

ORGANIZATION = UUID(int=7)
ONE_PICTURE = UUID(int=1)

effects = Table(
    "effects",
    MetaData(),
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("event", Uuid, nullable=False),
    Column("source", Text, nullable=False),
)


def changed(source: str, *, data: UUID = ONE_PICTURE) -> DataChanged:
    """An event whose `source` says which it is; by default all in one partition."""
    return DataChanged(data=data, revision=1, source=source, tags=[])


def message(event: Event, *, event_id: UUID | None = None, actor: str | None = None) -> Message:
    """The event as it is published."""
    now = SystemClock().now()
    meta = Meta(
        id=event_id or uuid7(now),
        source="/test",
        time=now,
        organization=ORGANIZATION,
        actor=actor,
    )
    return encode(event, meta)


async def note(tx: Tx, received: Received[DataChanged]) -> None:
    """An effect in the consumer's database."""
    row = {"event": received.meta.id, "source": received.data.source}
    await tx.execute(insert(effects), [row])


@dataclass
class World:
    """Buses as of several processes over one log, and one database."""

    database: Database
    bus: Bus
    second_bus: Bus
    runners: list[Runner] = field(default_factory=list)

    async def publish(self, *messages: Message) -> None:
        await self.bus.sink.publish(messages)

    async def noted(self) -> list[str]:
        """The effects that are committed, in the order in which they were written."""
        async with self.database.read() as read:
            rows = await read.all(select(effects.c.source).order_by(effects.c.id))
        return [row["source"] for row in rows]

    async def count_noted(self) -> int:
        return len(await self.noted())

    async def dead(self) -> Sequence[DeadLetter]:
        """The dead letters, oldest first."""
        page = await list_dead_letters(self.bus, Filter(), limit=1_000)
        return page.letters[::-1]

    @asynccontextmanager
    async def running(
        self,
        consumer: Consumer,
        *,
        bus: Bus | None = None,
        group: str = "test.consumer",
        clock: Clock | None = None,
    ) -> AsyncIterator[Runner]:
        """A runner that runs in the block and is stopped in order at its end."""
        runner = Runner(
            bus or self.bus, consumer, self.database, group=group, clock=clock or SystemClock()
        )
        task = asyncio.create_task(runner.run())
        try:
            yield runner
            if task.done():
                task.result()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def opened_world(postgres: EmbeddedPostgres) -> AsyncIterator[World]:
    """Fresh databases on the session's server."""
    name = uuid4().hex[:12]
    await postgres.create_database(f"bus_{name}")
    await postgres.create_database(f"store_{name}")
    clock = SystemClock()
    database = open_database("test", postgres.dsn(f"store_{name}"), clock=clock)
    async with database.engine.begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
        await connection.run_sync(effects.metadata.create_all)
    url = postgres.dsn(f"bus_{name}")
    try:
        async with open_bus(url, clock=clock) as bus, open_bus(url, clock=clock) as second_bus:
            await bus.ensure([DATA, DEAD_LETTERS])
            yield World(database, bus, second_bus)
    finally:
        await database.close()
