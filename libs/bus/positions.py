"""Where a reader of the log stands in each of its partitions."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from libs.bus.driver import Partition, Record


class Heads(Protocol):
    """What is known of the log: the next offset of each partition, and how to read."""

    @property
    def heads(self) -> Mapping[Partition, int]: ...

    async def read(self, positions: Mapping[Partition, int], *, limit: int) -> list[Record]: ...


class Positions:
    """Fetches what lies between its positions and the log's heads.

    Nothing is asked of the log while the heads say that there is nothing. A position that
    was set while a fetch was under way wins over that fetch.
    """

    def __init__(
        self, log: Heads, *, on_gap: Callable[[Partition, int, int], None] | None = None
    ) -> None:
        self.next: dict[Partition, int] = {}
        self.paused: set[Partition] = set()
        self.moved = asyncio.Event()
        self._log = log
        self._on_gap = on_gap

    def set(self, partition: Partition, offset: int) -> None:
        self.next.pop(partition, None)
        self.next[partition] = offset
        self.moved.set()

    def wake(self, moved: Collection[Partition] | None = None) -> None:
        """Something was written: to these partitions, or anywhere. Who reads none sleeps on."""
        if moved is None or not self.next.keys().isdisjoint(moved):
            self.moved.set()

    def drop(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            self.next.pop(partition, None)
            self.paused.discard(partition)

    async def fetch(self, *, limit: int, wait: float) -> dict[Partition, list[Record]]:
        """Up to `limit` records; waits up to `wait` seconds for the first."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        while True:
            self.moved.clear()
            wanted = {
                partition: offset
                for partition, offset in self.next.items()
                if partition not in self.paused and offset < self._log.heads.get(partition, 0)
            }
            if wanted and (found := await self._fetch(wanted, limit)):
                return found
            if wanted:
                continue
            remaining = deadline - loop.time()
            if remaining <= 0:
                return {}
            try:
                async with asyncio.timeout(remaining):
                    await self.moved.wait()
            except TimeoutError:
                return {}

    async def _fetch(
        self, wanted: Mapping[Partition, int], limit: int
    ) -> dict[Partition, list[Record]]:
        heads = {partition: self._log.heads[partition] for partition in wanted}
        records = await self._log.read(wanted, limit=limit)
        found: dict[Partition, list[Record]] = {}
        for record in records:
            found.setdefault(record.partition, []).append(record)
        complete = len(records) < limit
        for partition, offset in wanted.items():
            if self.next.get(partition) != offset or partition in self.paused:
                found.pop(partition, None)
                continue
            if partition in found:
                # Last in the order of service: the others come first next time.
                del self.next[partition]
                self.next[partition] = found[partition][-1].offset + 1
            elif complete:
                # What is missing up to the head was pruned or compacted.
                self.next[partition] = heads[partition]
                if self._on_gap is not None:
                    self._on_gap(partition, offset, heads[partition])
        return found
