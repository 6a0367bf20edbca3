"""A member of a consumer group, and a reader without one, over the embedded log."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from libs.bus.driver import CommitRejected, OnRevoked, Partition, Record
from libs.bus.positions import Heads, Positions
from libs.bus.revoking import tell_revoked
from libs.bus.sharing import Member


class Groups(Heads, Protocol):
    """What a source needs of its process: the log, and the group's book."""

    def check(self) -> None: ...

    async def commit(
        self, member: Member, offsets: Mapping[Partition, int]
    ) -> frozenset[Partition]: ...

    async def give_back(self, member: Member, partitions: Collection[Partition]) -> None: ...


class PostgresSource:
    """See `Source`. The hub of the process assigns (`claimed`) and takes (`revoke`)."""

    def __init__(self, groups: Groups, member: Member, *, on_revoked: OnRevoked) -> None:
        self.member = member
        self.committed: dict[Partition, int] = {}
        self._groups = groups
        self._positions = Positions(groups, on_gap=self._over_gap)
        self._on_revoked = on_revoked

    async def fetch(self, *, limit: int, wait: float) -> Mapping[Partition, Sequence[Record]]:
        self._groups.check()
        return await self._positions.fetch(limit=limit, wait=wait)

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        stored = await self._groups.commit(self.member, offsets)
        for partition in stored & self.committed.keys():
            self.committed[partition] = offsets[partition]
        if lost := offsets.keys() - stored:
            group = self.member.group
            raise CommitRejected(f"{group} lost {len(lost)} partitions before the commit")

    def seek(self, partition: Partition, offset: int) -> None:
        if partition in self._positions.next:
            self._positions.set(partition, offset)

    def pause(self, partitions: Collection[Partition]) -> None:
        self._positions.paused.update(self.assignment().intersection(partitions))

    def resume(self, partitions: Collection[Partition]) -> None:
        self._positions.paused.difference_update(partitions)
        self._positions.wake()

    def assignment(self) -> frozenset[Partition]:
        return frozenset(self._positions.next)

    async def lag(self) -> Mapping[Partition, int]:
        self._groups.check()
        heads = self._groups.heads
        return {
            partition: max(heads.get(partition, 0) - offset, 0)
            for partition, offset in self.committed.items()
        }

    def wake(self, moved: Collection[Partition] | None = None) -> None:
        """Something was written: see `Positions.wake`."""
        self._positions.wake(moved)

    def claimed(self, offsets: Mapping[Partition, int]) -> None:
        """These partitions are ours from now on."""
        for partition, offset in offsets.items():
            if partition not in self._positions.next:
                self.committed[partition] = offset
                self._positions.set(partition, offset)

    async def revoke(self, partitions: frozenset[Partition], *, lost: bool) -> None:
        """Let the consumer finish, within bound, then give the partitions back.

        `lost`: somebody else has them already.
        """
        await tell_revoked(self._on_revoked, partitions, group=self.member.group)
        self._positions.drop(partitions)
        for partition in partitions:
            self.committed.pop(partition, None)
        if not lost:
            await self._groups.give_back(self.member, partitions)

    def _over_gap(self, partition: Partition, start: int, end: int) -> None:
        """What was pruned unread is no lag."""
        if self.committed.get(partition) == start:
            self.committed[partition] = end


class PostgresReader:
    """See `Reader`. `ends`: the heads when it was opened."""

    def __init__(
        self, log: Groups, positions: Mapping[Partition, int], *, ends: Mapping[Partition, int]
    ) -> None:
        self._log = log
        self._ends = ends
        self._positions = Positions(log)
        for partition, offset in positions.items():
            self._positions.set(partition, offset)

    async def fetch(self, *, limit: int, wait: float) -> Sequence[Record]:
        self._log.check()
        found = await self._positions.fetch(limit=limit, wait=wait)
        return [record for records in found.values() for record in records]

    async def caught_up(self) -> bool:
        return all(self._positions.next[partition] >= end for partition, end in self._ends.items())

    def wake(self, moved: Collection[Partition] | None = None) -> None:
        """Something was written: see `Positions.wake`."""
        self._positions.wake(moved)
