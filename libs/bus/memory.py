"""A bus in this process's memory, for unit tests. It passes the suite of the real drivers."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from libs.bus.driver import (
    Begin,
    CommitRejected,
    OnRevoked,
    Partition,
    Reader,
    Record,
    Source,
    TopicMismatch,
    UnknownTopic,
)
from libs.bus.partitioning import partition_number, partitions_of
from libs.bus.positions import Positions
from libs.bus.revoking import tell_revoked
from libs.bus.sharing import Member, shares
from libs.schemas.envelope import Message
from libs.schemas.topics import Topic
from libs.store.clock import Clock


class MemoryLog:
    """What several buses ("processes") share."""

    def __init__(self) -> None:
        self.records: dict[Partition, list[Record]] = {}
        self.counts: dict[str, int] = {}
        self.committed: dict[tuple[str, Partition], int] = {}
        self.sources: list[MemorySource] = []
        self.positions: list[Positions] = []
        self._sharing = asyncio.Lock()

    @property
    def heads(self) -> Mapping[Partition, int]:
        return {partition: len(records) for partition, records in self.records.items()}

    async def read(self, positions: Mapping[Partition, int], *, limit: int) -> list[Record]:
        found: list[Record] = []
        for partition, offset in positions.items():
            found += self.records[partition][offset : offset + limit - len(found)]
        return found

    def wake(self) -> None:
        for positions in self.positions:
            positions.moved.set()

    async def share(self) -> None:
        """Take partitions from their owners, then give them to the next."""
        async with self._sharing:
            # Who comes or goes meanwhile shares again, in its turn.
            sources = list(self.sources)
            target: dict[UUID, frozenset[Partition]] = {}
            for group in {source.member.group for source in sources}:
                members = [s.member for s in sources if s.member.group == group]
                target.update(shares(members, self.records))
            for source in sources:
                if taken := source.assignment() - target[source.member.id]:
                    await source.revoke(taken)
            for source in sources:
                if source in self.sources:
                    source.claim(target[source.member.id] - source.assignment())


class MemorySource:
    """See `Source`."""

    def __init__(self, log: MemoryLog, member: Member, on_revoked: OnRevoked) -> None:
        self.member = member
        self.positions = Positions(log)
        self._log = log
        self._on_revoked = on_revoked

    async def fetch(self, *, limit: int, wait: float) -> Mapping[Partition, Sequence[Record]]:
        return await self.positions.fetch(limit=limit, wait=wait)

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        ours = self.assignment()
        for partition, offset in offsets.items():
            if partition in ours:
                self._log.committed[self.member.group, partition] = offset
        if offsets.keys() - ours:
            raise CommitRejected(f"{self.member.group} lost partitions before the commit")

    def seek(self, partition: Partition, offset: int) -> None:
        if partition in self.positions.next:
            self.positions.set(partition, offset)

    def pause(self, partitions: Collection[Partition]) -> None:
        self.positions.paused.update(self.assignment().intersection(partitions))

    def resume(self, partitions: Collection[Partition]) -> None:
        self.positions.paused.difference_update(partitions)
        self.positions.moved.set()

    def assignment(self) -> frozenset[Partition]:
        return frozenset(self.positions.next)

    async def lag(self) -> Mapping[Partition, int]:
        heads = self._log.heads
        return {name: heads[name] - self._committed(name) for name in self.assignment()}

    def claim(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            self.positions.set(partition, self._committed(partition))

    async def revoke(self, partitions: frozenset[Partition]) -> None:
        await tell_revoked(self._on_revoked, partitions, group=self.member.group)
        self.positions.drop(partitions)

    def _committed(self, partition: Partition) -> int:
        return self._log.committed.get((self.member.group, partition), 0)


class MemoryReader:
    """See `Reader`."""

    def __init__(self, positions: Positions, ends: Mapping[Partition, int]) -> None:
        self._positions = positions
        self._ends = ends

    async def fetch(self, *, limit: int, wait: float) -> Sequence[Record]:
        found = await self._positions.fetch(limit=limit, wait=wait)
        return [record for records in found.values() for record in records]

    async def caught_up(self) -> bool:
        return all(self._positions.next[partition] >= end for partition, end in self._ends.items())


class MemorySink:
    """See `Sink`."""

    def __init__(self, log: MemoryLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    async def publish(self, messages: Sequence[Message]) -> None:
        if unknown := {message.topic for message in messages} - self._log.counts.keys():
            raise UnknownTopic(", ".join(sorted(unknown)))
        for message in messages:
            number = partition_number(message.key, self._log.counts[message.topic])
            partition = Partition(message.topic, number)
            records = self._log.records[partition]
            records.append(Record(partition, len(records), self._clock.now(), message))
        self._log.wake()


class MemoryBus:
    """See `Bus`. Buses over one log are as processes over one server."""

    def __init__(self, *, clock: Clock, log: MemoryLog | None = None) -> None:
        self._log = log or MemoryLog()
        self.sink = MemorySink(self._log, clock)

    async def ensure(self, topics: Sequence[Topic]) -> None:
        for topic in topics:
            if self._log.counts.setdefault(topic.name, topic.partitions) != topic.partitions:
                raise TopicMismatch(f"{topic.name} has not {topic.partitions} partitions")
            for partition in partitions_of(topic):
                self._log.records.setdefault(partition, [])

    @asynccontextmanager
    async def subscribe(
        self, group: str, topics: Sequence[Topic], *, on_revoked: OnRevoked
    ) -> AsyncIterator[Source]:
        await self.ensure(topics)
        names = tuple(sorted(topic.name for topic in topics))
        source = MemorySource(self._log, Member(uuid4(), group, names), on_revoked)
        self._log.sources.append(source)
        self._log.positions.append(source.positions)
        try:
            await self._log.share()
            yield source
        finally:
            source.positions.drop(source.assignment())
            self._log.sources.remove(source)
            self._log.positions.remove(source.positions)
            await self._log.share()

    @asynccontextmanager
    async def reader(self, topics: Sequence[Topic], *, begin: Begin) -> AsyncIterator[Reader]:
        await self.ensure(topics)
        names = {topic.name for topic in topics}
        ends = {name: head for name, head in self._log.heads.items() if name.topic in names}
        positions = Positions(self._log)
        for partition, end in ends.items():
            positions.set(partition, end if begin is Begin.END else 0)
        self._log.positions.append(positions)
        try:
            yield MemoryReader(positions, ends)
        finally:
            self._log.positions.remove(positions)
