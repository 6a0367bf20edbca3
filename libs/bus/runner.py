"""The one loop that every consumer runs in, over every driver.

fetch ─▶ pause the partition ─▶ handle ─▶ hand its offset on ─┬─▶ resume
                                                              └─▶ seek back, wait, resume
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog

from libs.bus import metrics
from libs.bus.breaker import Breaker
from libs.bus.consumer import Consumer
from libs.bus.driver import Bus, BusUnavailable, Partition, Record, Source
from libs.bus.handling import Handling, Progress
from libs.bus.health import Health
from libs.bus.offsets import Offsets
from libs.bus.stages import Stage, Stages
from libs.schemas.topics import DEAD_LETTERS
from libs.store.clock import Clock
from libs.store.session import Database

LIVE_SECONDS = 60.0
REVOKE_SECONDS = 10.0
FINISH_SECONDS = 25.0
OFFSETS_SECONDS = 3.0

_LAG_SECONDS = 2.0
_AWAY_SECONDS = 0.5
_log = structlog.get_logger(__name__)


class Runner:
    """Runs one consumer: partitions in parallel, records of a partition in order."""

    def __init__(
        self, bus: Bus, consumer: Consumer, database: Database, *, group: str, clock: Clock
    ) -> None:
        self.group = group
        self.topics = consumer.topics
        self._bus = bus
        self._consumer = consumer
        self._policy = consumer.policy
        self._clock = clock
        self._breaker = Breaker(consumer.policy)
        self._stages = Stages(group)
        self._handling = Handling(
            group, consumer, database=database, sink=bus.sink, breaker=self._breaker,
            stages=self._stages,
        )  # fmt: skip
        self._in_hand: dict[Partition, asyncio.Task[None]] = {}
        self._due: dict[Partition, float] = {}
        self._failures: dict[Partition, int] = {}
        self._leaving: set[Partition] = set()
        self._stopping = False
        self._slots = asyncio.Semaphore(consumer.policy.parallel)
        self._source: Source | None = None
        self._offsets: Offsets | None = None
        self._lag: int | None = None
        self._away: str | None = "not started"
        self._crash: BaseException | None = None
        self._closed = False
        self._turned = clock.monotonic()

    def health(self) -> Health:
        """How the consumer is; costs nothing."""
        live = self._clock.monotonic() - self._turned < LIVE_SECONDS
        lag = self._lag
        reason = ""
        if not live:
            reason = f"{self.group}: the loop has not turned for {LIVE_SECONDS:g} s"
        elif self._breaker.open:
            reason = f"{self.group}: stopped, {self._breaker.reason}"
        elif self._away is not None:
            reason = f"{self.group}: {self._away}"
        elif lag is None:
            reason = f"{self.group}: starting"
        elif lag >= self._policy.ready_lag:
            reason = f"{self.group}: {lag} records behind"
        return Health(
            ready=not reason,
            live=live,
            reason=reason,
            lag=lag or 0,
            partitions=len(self._source.assignment()) if self._source else 0,
            breaker_open=self._breaker.open,
        )

    def close_breaker(self) -> None:
        """Go on where the consumer stopped; nothing happens where it has not."""
        if self._breaker.open:
            _log.warning("consumer.breaker_closed", consumer=self.group)
            self._breaker.close()
            metrics.BREAKER.labels(self.group).set(0)
            self._closed = True

    async def run(self) -> None:
        """Consume until cancelled; then the batches in hand are finished and committed.

        An open breaker keeps its partitions and reads nothing more. Raises for defects only.
        """
        while True:
            try:
                await self._bus.ensure([*self._consumer.topics, DEAD_LETTERS])
                async with self._bus.subscribe(
                    self.group, self._consumer.topics, on_revoked=self._revoked
                ) as source:
                    self._source = source
                    self._offsets = offsets = Offsets(
                        source, group=self.group, again=self._policy.backoff,
                        on_defect=self._crashed,
                    )  # fmt: skip
                    self._stopping = False
                    try:
                        await self._consume(source, offsets)
                    finally:
                        await self._finish(offsets)
                        self._source = self._offsets = None
            except BusUnavailable as error:
                self._turned = self._clock.monotonic()
                await self._wait_for_bus(error)

    async def _consume(self, source: Source, offsets: Offsets) -> None:
        self._away = None
        watching = asyncio.create_task(self._watch_lag(source), name=f"lag of {self.group}")
        try:
            while True:
                if self._crash is not None:
                    raise self._crash
                self._turned = self._clock.monotonic()
                self._resume_due(source)
                if self._breaker.open:
                    source.pause(source.assignment())
                elif self._closed:
                    self._closed = False
                    source.resume(source.assignment() - self._in_hand.keys() - self._due.keys())
                try:
                    found = await source.fetch(limit=self._policy.batch, wait=self._patience())
                    self._away = None
                except BusUnavailable as error:
                    await self._wait_for_bus(error)
                    continue
                self._take(source, offsets, found)
        finally:
            watching.cancel()
            await asyncio.wait([watching])

    def _take(
        self, source: Source, offsets: Offsets, found: Mapping[Partition, Sequence[Record]]
    ) -> None:
        for partition, records in found.items():
            source.pause([partition])
            if self._breaker.open or partition in self._in_hand or partition in self._leaving:
                source.seek(partition, records[0].offset)
                continue
            name = f"{self.group} {partition.topic}/{partition.number}"
            task = asyncio.create_task(self._work(source, offsets, records), name=name)
            self._in_hand[partition] = task
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._crashed(error)

    def _crashed(self, error: BaseException) -> None:
        self._crash = self._crash or error

    async def _work(self, source: Source, offsets: Offsets, records: Sequence[Record]) -> None:
        partition, start = records[0].partition, records[0].offset
        at = time.perf_counter()
        try:
            async with self._slots:
                self._stages.lap(Stage.SLOT, at)
                if self._stopping or partition in self._leaving:
                    source.seek(partition, start)
                    return
                if self._breaker.open:
                    progress = Progress(start, opened=True)
                else:
                    progress = await self._handling.handle(records)
            if progress.offset > start:
                at = time.perf_counter()
                await offsets.put(partition, progress.offset)
                self._stages.lap(Stage.OFFSETS, at)
        finally:
            self._in_hand.pop(partition, None)
        self._go_on(source, partition, progress)

    def _go_on(self, source: Source, partition: Partition, progress: Progress) -> None:
        if progress.complete:
            self._failures.pop(partition, None)
            source.resume([partition])
            return
        source.seek(partition, progress.offset)
        if progress.opened:
            metrics.BREAKER.labels(self.group).set(1)
            _log.error("consumer.breaker", consumer=self.group, reason=self._breaker.reason)
            return
        if progress.retry_after is not None:
            metrics.RETRIED.labels(self.group, "asked").inc()
            wait = progress.retry_after
        else:
            metrics.RETRIED.labels(self.group, "fault").inc()
            wait = self._backoff(partition)
            _log.warning(
                "consumer.waits",
                consumer=self.group,
                partition=f"{partition.topic}/{partition.number}",
                seconds=wait.total_seconds(),
                reason=repr(progress.fault),
            )
        self._due[partition] = self._clock.monotonic() + wait.total_seconds()

    def _backoff(self, partition: Partition) -> timedelta:
        failures = self._failures[partition] = self._failures.get(partition, 0) + 1
        # The exponent is bounded: a partition may wait for days.
        wait: timedelta = self._policy.backoff * (1 << min(failures - 1, 20))
        return min(wait, self._policy.backoff_limit)

    def _resume_due(self, source: Source) -> None:
        now = self._clock.monotonic()
        due = [partition for partition, at in self._due.items() if at <= now]
        for partition in due:
            del self._due[partition]
        if due and not self._breaker.open:
            source.resume(due)

    def _patience(self) -> float:
        """Seconds to wait for records: not beyond the next partition that is due."""
        wait = self._policy.wait.total_seconds()
        if self._due:
            wait = min(wait, max(min(self._due.values()) - self._clock.monotonic(), 0.01))
        return wait

    async def _revoked(self, partitions: frozenset[Partition]) -> None:
        """Partitions go to another member: finish what is in hand, or give it up in time."""
        source, offsets = self._source, self._offsets
        self._leaving |= partitions
        try:
            if source is not None:
                source.pause(partitions)
            await self._let_finish(
                [self._in_hand[p] for p in partitions if p in self._in_hand], REVOKE_SECONDS
            )
            if offsets is not None:
                await offsets.settle(partitions, OFFSETS_SECONDS)
        finally:
            if offsets is not None:
                await offsets.drop(partitions)
            for partition in partitions:
                self._due.pop(partition, None)
                self._failures.pop(partition, None)
            if source is not None:
                # Should they come back, nobody remembers that they were paused.
                source.resume(partitions)
            self._leaving -= partitions

    async def _finish(self, offsets: Offsets) -> None:
        self._stopping = True
        offsets.end()
        await self._let_finish(list(self._in_hand.values()), FINISH_SECONDS)
        await offsets.close(OFFSETS_SECONDS)
        self._due.clear()
        self._failures.clear()
        self._lag = None

    async def _let_finish(self, tasks: Sequence[asyncio.Task[None]], seconds: float) -> None:
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def _watch_lag(self, source: Source) -> None:
        while True:
            try:
                lag = await source.lag()
            except BusUnavailable as error:
                self._away = str(error)
            else:
                self._lag = sum(lag.values())
                for topic in self._consumer.topics:
                    behind = sum(n for partition, n in lag.items() if partition.topic == topic.name)
                    metrics.LAG.labels(self.group, topic.name).set(behind)
            await asyncio.sleep(_LAG_SECONDS)

    async def _wait_for_bus(self, error: BusUnavailable) -> None:
        if self._away is None:
            _log.warning("consumer.bus_away", consumer=self.group, reason=str(error))
        self._away = str(error)
        await asyncio.sleep(_AWAY_SECONDS)
