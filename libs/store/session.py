"""Sessions: `Read` cannot write, `Tx` can; only the boundary that opened one commits it."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Executable, Result, RowMapping, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from libs.schemas.envelope import Event, Message, Meta, encode
from libs.schemas.ids import uuid7
from libs.store import tables
from libs.store.clock import Clock
from libs.store.faults import is_transient, keep_cancelled
from libs.telemetry.tracing import current_traceparent

_headers = msgspec.json.Encoder()
_ALONE = 5


class Read:
    """A read-only transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self, query: Executable) -> list[RowMapping]:
        """Every row of the query."""
        return list((await self._connection.execute(query)).mappings())

    async def first(self, query: Executable) -> RowMapping | None:
        """The first row, or None."""
        return (await self._connection.execute(query)).mappings().first()

    async def scalar(self, query: Executable) -> Any:
        """The first column of the first row, or None."""
        return (await self._connection.execute(query)).scalar()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a transaction writes: who acts, and the event that it answers."""

    actor: str | None = None
    causation: UUID | None = None


class Tx(Read):
    """A transaction that writes and emits. It commits when the block that opened it ends."""

    def __init__(
        self, connection: AsyncConnection, *, service: str, clock: Clock, cause: Cause
    ) -> None:
        super().__init__(connection)
        self.clock = clock
        self.cause = cause
        self.emitted = 0
        self._service = service

    @property
    def service(self) -> str:
        """The service whose store this is."""
        return self._service

    async def execute(
        self, statement: Executable, rows: list[dict[str, Any]] | None = None
    ) -> Result[Any]:
        """Run a statement, once for each of `rows` where they are given."""
        return await self._connection.execute(statement, rows)

    async def copy(self, table: str, rows: list[dict[str, Any]]) -> None:
        """COPY rows that all have the same columns, in the same order."""
        if not rows:
            return
        raw = await self._connection.get_raw_connection()
        driver: Any = raw.driver_connection
        if not driver.is_in_transaction():
            # SQLAlchemy begins at the first statement: a COPY before it would commit at once.
            await self._connection.execute(select(1))
        await driver.copy_records_to_table(
            table, columns=list(rows[0]), records=[tuple(row.values()) for row in rows]
        )

    async def emit(self, event: Event, *, organization: UUID, event_id: UUID | None = None) -> UUID:
        """Publish an event if and when this transaction commits; returns the event's id."""
        event_id = event_id or uuid7(self.clock.now())
        meta = Meta(
            id=event_id,
            source=f"/sightloop/{self._service}",
            time=self.clock.now(),
            organization=organization,
            actor=self.cause.actor,
            causation=self.cause.causation,
            traceparent=current_traceparent(),
        )
        await self.emit_messages(organization, [encode(event, meta)])
        return event_id

    async def emit_messages(self, organization: UUID, messages: Iterable[Message]) -> None:
        """Put encoded messages into the outbox."""
        rows = [
            {
                "organization": organization,
                "topic": message.topic,
                "key": message.key,
                "value": message.value,
                "headers": _headers.encode([(name, v.decode()) for name, v in message.headers]),
            }
            for message in messages
        ]
        if rows:
            await self._connection.execute(insert(tables.outbox), rows)
            self.emitted += len(rows)


@dataclass(slots=True)
class Database:
    """A service's own database: a pool of `pool` connections and its two kinds of session.

    `on_emit`: called after each commit that emitted. `alone`: no other process writes here.
    """

    service: str
    engine: AsyncEngine
    clock: Clock
    on_emit: list[Callable[[], None]] = field(default_factory=list)
    alone: bool = False

    def pace(self, seconds: float) -> float:
        """How often to look for what other processes wrote, in seconds: where there is none,
        far less often (what a commit was cut off from telling this process still waits)."""
        return seconds * _ALONE if self.alone else seconds

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Read]:
        """A transaction that PostgreSQL itself keeps from writing, on one snapshot: what its
        queries say fits together, however much is written meanwhile."""
        with _keeping_cancelled():
            async with self.engine.connect() as connection:
                await connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
                async with connection.begin():
                    yield Read(connection)

    @asynccontextmanager
    async def single(self) -> AsyncIterator[Read]:
        """For queries of which each stands by itself: one round trip a query, where a transaction
        takes three. What a loop looks at each second is read so."""
        with _keeping_cancelled():
            async with self.engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                yield Read(connection)

    @asynccontextmanager
    async def begin(self, cause: Cause | None = None) -> AsyncIterator[Tx]:
        """A transaction: commits when the block ends, rolls back when it raises."""
        with _keeping_cancelled():
            async with self.engine.begin() as connection:
                tx = Tx(connection, service=self.service, clock=self.clock, cause=cause or Cause())
                yield tx
        if tx.emitted:
            for wake in self.on_emit:
                wake()

    async def close(self) -> None:
        await self.engine.dispose()


@contextmanager
def _keeping_cancelled() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if is_transient(error):
            keep_cancelled(error)
        raise


def open_database(service: str, url: str, *, clock: Clock, pool: int = 5) -> Database:
    """The database of a service. Nothing is connected until the first session."""
    engine = create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=False,
        # Faults are logged, and stand in dead letters: what users sent has no place there.
        hide_parameters=True,
        connect_args={"timeout": 10, "command_timeout": 60},
    )
    return Database(service, engine, clock)
