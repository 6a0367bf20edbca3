"""What a process says of itself to those who operate the platform, and what they ask of it.

Each process knows its own consumers only. So each says on the bus how they are, every few
seconds, and whoever wants to know reads all of them.
"""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from uuid import uuid4

import structlog

from libs.bus.driver import Begin, Bus, BusUnavailable
from libs.bus.runner import Runner
from libs.schemas.envelope import Event, MalformedEvent, Meta, decode, encode
from libs.schemas.events import BreakerCloseAsked, ProcessReported
from libs.schemas.events.processes import NOBODY, ConsumerReport
from libs.schemas.ids import uuid7
from libs.schemas.topics import PROCESSES
from libs.store.clock import Clock

CALM_SECONDS = 15.0
LOOK_SECONDS = 3.0
"""How often a process looks at itself: it reports at once what has changed or is far behind."""

BUSY_LAG = 1_000
"""Records behind from which a process reports at every look."""

_AWAY_SECONDS = 0.5
_log = structlog.get_logger(__name__)


class Reporter:
    """Reports a process's consumers, and closes a breaker when an operator asks."""

    def __init__(self, bus: Bus, *, services: Sequence[str], version: str, clock: Clock) -> None:
        self.runners: list[Runner] = []
        self._bus = bus
        self._clock = clock
        self._services = list(services)
        self._version = version
        self._process = uuid4()
        self._started = clock.now()
        self._at_once = asyncio.Event()

    async def report(self) -> None:
        """Report until cancelled. A bus that is away misses reports: the next is as good."""
        said: list[object] = []
        said_at = float("-inf")
        while True:
            now, state = self._clock.monotonic(), self._state()
            if self._busy() or state != said or now - said_at >= CALM_SECONDS:
                try:
                    await self._publish(self._report(ended=False))
                    said, said_at = state, now
                except BusUnavailable as error:
                    _log.info("reports.bus_away", reason=str(error))
            self._at_once.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._at_once.wait()

    async def end(self) -> None:
        """The last word."""
        try:
            await self._publish(self._report(ended=True))
        except BusUnavailable as error:
            _log.info("reports.bus_away", reason=str(error))

    async def listen(self) -> None:
        """Do what operators ask of this process, until cancelled."""
        while True:
            try:
                async with self._bus.reader([PROCESSES], begin=Begin.END) as reader:
                    while True:
                        for record in await reader.fetch(limit=500, wait=30.0):
                            try:
                                event = decode(record.message.headers, record.message.value).data
                            except MalformedEvent:
                                continue
                            self._take(event)
            except BusUnavailable as error:
                _log.info("reports.bus_away", reason=str(error))
                await asyncio.sleep(_AWAY_SECONDS)

    def _take(self, event: Event) -> None:
        if not isinstance(event, BreakerCloseAsked) or event.process != self._process:
            return
        for runner in self.runners:
            if runner.group == event.consumer:
                runner.close_breaker()
        self._at_once.set()

    def _state(self) -> list[object]:
        """What is told at once when it changes: that it is behind, not how far."""
        health = [runner.health() for runner in self.runners]
        return [(o.live, o.ready, o.partitions, o.breaker_open, o.lag > 0) for o in health]

    def _busy(self) -> bool:
        return any(runner.health().lag >= BUSY_LAG for runner in self.runners)

    def _report(self, *, ended: bool) -> ProcessReported:
        return ProcessReported(
            process=self._process,
            services=self._services,
            host=socket.gethostname(),
            version=self._version,
            started_time=self._started,
            reported_time=self._clock.now(),
            consumers=[_consumer(runner) for runner in self.runners],
            ended=ended,
        )

    async def _publish(self, report: ProcessReported) -> None:
        now = self._clock.now()
        meta = Meta(id=uuid7(now), source="/sightloop", time=now, organization=NOBODY)
        await self._bus.sink.publish([encode(report, meta)])


def _consumer(runner: Runner) -> ConsumerReport:
    health = runner.health()
    return ConsumerReport(
        name=runner.group,
        topics=[topic.name for topic in runner.topics],
        partitions=health.partitions,
        lag=health.lag if health.partitions else None,
        ready=health.ready,
        breaker_open=health.breaker_open,
        reason=health.reason,
    )
