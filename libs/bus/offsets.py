"""Offsets on their way to the bus: one request at a time, of all partitions that have come.

put ─▶ waiting ─▶ under way ─┬─▶ stored
          ▲                  ├─▶ rejected: not ours to store any more
          └──── bus away ────┘
"""

import asyncio
from collections.abc import Callable, Collection
from datetime import timedelta

import structlog

from libs.bus import metrics
from libs.bus.driver import BusUnavailable, CommitRejected, Partition, Source

_log = structlog.get_logger(__name__)


class Offsets:
    """What one member has handled and not yet stored: at most one offset of each partition.

    A partition's next batch is handled while its offset is under way, so that a member that dies
    repeats two batches of each partition at most; the inbox knows what they did. Partitions that
    go are settled and dropped: an offset that comes late would set their next owner back.

    `again`: how long to wait where the bus is away. `on_defect` is told what cannot pass by itself.
    """

    def __init__(
        self,
        source: Source,
        *,
        group: str,
        again: timedelta,
        on_defect: Callable[[BaseException], None],
    ) -> None:
        self._source = source
        self._group = group
        self._again = again.total_seconds()
        self._on_defect = on_defect
        self._waiting: dict[Partition, int] = {}
        self._under_way: dict[Partition, int] = {}
        self._sending: asyncio.Task[None] | None = None
        self._answered = asyncio.Event()
        self._ending = False

    async def put(self, partition: Partition, offset: int) -> None:
        """Have an offset stored. Waits until the partition's former one has been."""
        while not self._ending and self._is_pending([partition]):
            await self._answer()
        self._waiting[partition] = offset
        self._go_on()

    def end(self) -> None:
        """No more batches come: whoever waits in `put` need not."""
        self._ending = True
        self._answered.set()

    async def settle(self, partitions: Collection[Partition], seconds: float) -> None:
        """Wait until nothing of the partitions is on its way; what still is then is dropped."""
        try:
            async with asyncio.timeout(seconds):
                while self._is_pending(partitions):
                    await self._answer()
        except TimeoutError:
            _log.warning("consumer.offsets_dropped", consumer=self._group)
            await self.drop(partitions)

    async def close(self, seconds: float) -> None:
        """Settle everything."""
        await self.settle(self._waiting.keys() | self._under_way.keys(), seconds)

    async def drop(self, partitions: Collection[Partition]) -> None:
        """Have nothing of the partitions on its way any more."""
        # A driver may repeat its request in the group's next generation: it must not go on.
        repeats = not self._under_way.keys().isdisjoint(partitions)
        for partition in partitions:
            self._waiting.pop(partition, None)
            self._under_way.pop(partition, None)
        if repeats and self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])
        self._answered.set()

    def _is_pending(self, partitions: Collection[Partition]) -> bool:
        return not (
            self._waiting.keys().isdisjoint(partitions)
            and self._under_way.keys().isdisjoint(partitions)
        )

    async def _answer(self) -> None:
        self._answered.clear()
        await self._answered.wait()

    def _go_on(self) -> None:
        if self._sending is None and self._waiting:
            self._sending = asyncio.create_task(self._send(), name=f"offsets of {self._group}")
            self._sending.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._waiting.clear()
            self._on_defect(error)
        self._answered.set()
        self._go_on()

    async def _send(self) -> None:
        while self._waiting:
            self._under_way, self._waiting = self._waiting, {}
            stored = False
            try:
                await self._commit()
                stored = True
            except BusUnavailable as error:
                _log.warning("consumer.offsets_wait", consumer=self._group, reason=str(error))
            finally:
                if not stored:
                    self._waiting = self._under_way | self._waiting
                self._under_way = {}
                self._answered.set()
            if not stored:
                await asyncio.sleep(self._again)

    async def _commit(self) -> None:
        try:
            await self._source.commit(dict(self._under_way))
        except CommitRejected as error:
            metrics.COMMITS_REJECTED.labels(self._group).inc()
            _log.info("consumer.commit_rejected", consumer=self._group, reason=str(error))
