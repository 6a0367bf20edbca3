"""A map of a compacted topic, kept in each process that needs it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Generic, TypeVar, cast

import structlog

from libs.bus import metrics
from libs.bus.dead_letters import REPLAY_FOR
from libs.bus.driver import Begin, Bus, BusUnavailable, Record
from libs.schemas.envelope import Event, MalformedEvent, Received, decode, event_type
from libs.schemas.faults import Transient
from libs.schemas.topics import Topic

E = TypeVar("E", bound=Event)

_PAGE = 1_000
_AWAY_SECONDS = 0.5
_REST_SECONDS = 30.0
_log = structlog.get_logger(__name__)


class TooManyWaiters(Transient):
    """So many callers wait for unknown keys that one more is refused."""


class Table(Generic[E]):
    """The newest event of each key (`Event.key`, as text): the higher `revision` wins.

    `on_change` is called with each event that is newer than what was known.
    """

    def __init__(self, event: type[E], *, waiters: int = 1_000) -> None:
        self.topic: Topic = event.topic
        metrics.TABLE_MALFORMED.labels(event.topic.name)
        self.on_change: list[Callable[[Received[E]], None]] = []
        self._event = event
        self._known: dict[str, Received[E]] = {}
        self._ready = asyncio.Event()
        self._limit = waiters
        self._waiting: defaultdict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self._waiters = 0

    def get(self, key: str) -> Received[E] | None:
        """What is known of a key now."""
        return self._known.get(key)

    def values(self) -> Collection[Received[E]]:
        """Everything known."""
        return self._known.values()

    async def ready(self) -> None:
        """Return when all that was in the topic at the start is known."""
        await self._ready.wait()

    @property
    def is_ready(self) -> bool:
        """Whether all that was in the topic at the start is known."""
        return self._ready.is_set()

    async def wait_for(self, key: str, *, timeout: float = 2.0) -> Received[E] | None:
        """A key that is about to come; None when it did not within `timeout` seconds.

        Raises TooManyWaiters.
        """
        if key in self._known:
            return self._known[key]
        if self._waiters >= self._limit:
            raise TooManyWaiters(f"{self._waiters} callers wait for {self._event.__name__}")
        came: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[key].add(came)
        self._waiters += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await came
        finally:
            self._waiters -= 1
            self._waiting[key].discard(came)
            if not self._waiting[key]:
                del self._waiting[key]
        return self._known.get(key)

    async def run(self, bus: Bus) -> None:
        """Follow the topic until cancelled. While the bus is away, what is known stays."""
        while True:
            try:
                async with bus.reader([self.topic], begin=Begin.START) as reader:
                    while True:
                        if not self._ready.is_set() and await reader.caught_up():
                            self._ready.set()
                        wait = _REST_SECONDS if self._ready.is_set() else 1.0
                        for record in await reader.fetch(limit=_PAGE, wait=wait):
                            self._take(record)
            except BusUnavailable as error:
                _log.warning("table.bus_away", topic=self.topic.name, reason=str(error))
                await asyncio.sleep(_AWAY_SECONDS)

    def _take(self, record: Record) -> None:
        headers = record.message.headers
        if event_type(headers) != self._event.event_type:
            return
        if any(name == REPLAY_FOR for name, _ in headers):
            return
        try:
            received = cast("Received[E]", decode(headers, record.message.value))
        except MalformedEvent as error:
            metrics.TABLE_MALFORMED.labels(record.partition.topic).inc()
            _log.error("table.malformed", offset=record.offset, reason=str(error))
            return
        key = received.data.key
        known = self._known.get(key)
        if known is not None and _revision(received.data) <= _revision(known.data):
            return
        self._known[key] = received
        for changed in self.on_change:
            changed(received)
        for came in self._waiting.get(key, ()):
            if not came.done():
                came.set_result(None)


def _revision(event: Event) -> int:
    return int(event.revision)  # type: ignore[attr-defined]  # every compacted event has one
