"""The outbox relay: publishes what transactions emitted, in their order, at least once.

Rows are read from the lowest id that is left, never from the last one seen: ids become visible
out of order, and a cursor over them would lose rows.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import msgspec
import structlog
from sqlalchemy import RowMapping, delete, select

from libs.bus import metrics
from libs.bus.driver import Sink
from libs.schemas.envelope import Message
from libs.store.clock import Clock
from libs.store.faults import is_transient
from libs.store.leases import acquire, release
from libs.store.session import Database
from libs.store.tables import outbox

LEASE = timedelta(seconds=10)
RENEW_SECONDS = 3.0
POLL_SECONDS = 1.0
BACKOFF_SECONDS = (0.1, 5.0)

_NAME = "outbox"
_PAGE = 500
_headers = msgspec.json.Decoder(list[tuple[str, str]])
_NEXT = select(outbox).order_by(outbox.c.id).limit(_PAGE)
_log = structlog.get_logger(__name__)


class Relay:
    """Publishes a service's outbox; of several processes one does, the holder of the lease."""

    def __init__(self, database: Database, sink: Sink, *, clock: Clock) -> None:
        self._database = database
        self._sink = sink
        self._clock = clock
        self._holder = uuid4()
        self._renew_at = 0.0
        self._turn = asyncio.Lock()
        self._emitted = asyncio.Event()

    async def run(self) -> None:
        """Publish until cancelled. Faults that pass are waited out, without limit."""
        self._database.on_emit.append(self._emitted.set)
        poll = wait = self._database.pace(POLL_SECONDS)
        backoff, longest = BACKOFF_SECONDS
        try:
            while True:
                try:
                    await self._wait(wait)
                    await self._publish_all()
                    wait, backoff = poll, BACKOFF_SECONDS[0]
                except Exception as error:
                    if not is_transient(error):
                        raise
                    metrics.RELAY_FAULTS.labels(self._database.service).inc()
                    _log.warning("relay.waits", service=self._database.service, reason=repr(error))
                    wait, backoff = backoff, min(backoff * 2, longest)
                    self._emitted.clear()
        finally:
            self._database.on_emit.remove(self._emitted.set)

    async def drain(self) -> None:
        """Publish what is left, then give the lease back; raises what keeps it from doing so.

        Returns at once where another process holds the lease: it will publish.
        """
        await self._publish_all()
        async with self._turn, self._database.begin() as tx:
            await release(tx, _NAME, holder=self._holder)
            self._renew_at = 0.0

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._emitted.wait()
        except TimeoutError:
            return

    async def _publish_all(self) -> None:
        async with self._turn:
            self._emitted.clear()
            while await self._hold() and (rows := await self._next()):
                await self._sink.publish([_message(row) for row in rows])
                await self._forget(rows)
                metrics.RELAYED.labels(self._database.service).inc(len(rows))
                if len(rows) < _PAGE and not self._emitted.is_set():
                    return

    async def _hold(self) -> bool:
        """Whether the lease is ours, renewed in time."""
        now = self._clock.monotonic()
        if now < self._renew_at:
            return True
        async with self._database.begin() as tx:
            held = await acquire(tx, _NAME, holder=self._holder, duration=LEASE)
        self._renew_at = now + RENEW_SECONDS if held else 0.0
        return held

    async def _next(self) -> Sequence[RowMapping]:
        async with self._database.single() as read:
            return await read.all(_NEXT)

    async def _forget(self, rows: Sequence[RowMapping]) -> None:
        async with self._database.begin() as tx:
            await tx.execute(delete(outbox).where(outbox.c.id.in_([row["id"] for row in rows])))


def _message(row: RowMapping) -> Message:
    headers = tuple((name, text.encode()) for name, text in _headers.decode(row["headers"]))
    return Message(row["topic"], row["key"], row["value"], headers)
