"""A member of a Kafka consumer group, and a reader without one."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition, errors

from libs.bus.driver import CommitRejected, OnRevoked, Partition, Record
from libs.bus.kafka.faults import unavailable
from libs.bus.revoking import tell_revoked
from libs.schemas.envelope import Message

_COMMIT_SECONDS = 15.0
_ASK_SECONDS = 10.0
_TURN_SECONDS = 0.5


class KafkaSource(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """See `Source`.

    Pauses are kept here, not in aiokafka: its rebalance (always eager) forgets them, and its own
    pause throws away what was fetched ahead.
    """

    def __init__(self, consumer: AIOKafkaConsumer, *, group: str, on_revoked: OnRevoked) -> None:
        self._consumer = consumer
        self._group = group
        self._on_revoked = on_revoked
        self._paused: set[Partition] = set()
        self._committed: dict[Partition, int] = {}
        self._changed = asyncio.Event()

    async def fetch(self, *, limit: int, wait: float) -> Mapping[Partition, Sequence[Record]]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        while True:
            self._changed.clear()
            remaining = max(deadline - loop.time(), 0)
            # In turns: what has been assigned meanwhile is asked for from the next one on.
            if found := await self._fetch(limit, min(remaining, _TURN_SECONDS)):
                return found
            if loop.time() >= deadline:
                return {}

    async def _fetch(self, limit: int, wait: float) -> dict[Partition, list[Record]]:
        wanted = [_theirs(partition) for partition in self.assignment() - self._paused]
        changed = asyncio.ensure_future(self._changed.wait())
        fetching: list[asyncio.Future[Any]] = []
        if wanted:
            milliseconds = int(wait * 1000)
            fetch = self._consumer.getmany(*wanted, timeout_ms=milliseconds, max_records=limit)
            fetching = [asyncio.ensure_future(fetch)]
        try:
            # A little beyond `wait`: getmany itself waits for a rebalance to end.
            await asyncio.wait(
                [changed, *fetching],
                timeout=wait + 0.05,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            # getmany takes records and returns without a pause in between: nothing is lost.
            changed.cancel()
            for task in fetching:
                task.cancel()
        if not fetching or not fetching[0].done() or fetching[0].cancelled():
            return {}
        async with unavailable("fetching", seconds=_ASK_SECONDS):
            found = fetching[0].result()
        return {_ours(theirs): _records(theirs, rows) for theirs, rows in found.items()}

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        if not self._is_member():
            raise CommitRejected(f"{self._group}: not a member any more")
        # aiokafka stores none where one is not ours.
        assigned = self.assignment()
        ours = {partition: offset for partition, offset in offsets.items() if partition in assigned}
        theirs = {_theirs(partition): offset for partition, offset in ours.items()}
        if theirs:
            async with unavailable("committing offsets", seconds=_COMMIT_SECONDS):
                try:
                    await self._consumer.commit(theirs)
                except (errors.CommitFailedError, errors.IllegalStateError) as error:
                    raise CommitRejected(f"{self._group}: {error}") from error
            self._committed.update(ours)
        if len(ours) < len(offsets):
            raise CommitRejected(f"{self._group} lost partitions before the commit")

    def seek(self, partition: Partition, offset: int) -> None:
        if partition in self.assignment():
            self._consumer.seek(_theirs(partition), offset)
            self._changed.set()

    def pause(self, partitions: Collection[Partition]) -> None:
        self._paused.update(partitions)

    def resume(self, partitions: Collection[Partition]) -> None:
        self._paused.difference_update(partitions)
        self._changed.set()

    def assignment(self) -> frozenset[Partition]:
        return frozenset(_ours(theirs) for theirs in self._consumer.assignment())

    async def lag(self) -> Mapping[Partition, int]:
        ours = self.assignment()
        async with unavailable("telling its lag", seconds=_ASK_SECONDS):
            try:
                theirs = [_theirs(partition) for partition in ours]
                ends = await self._consumer.end_offsets(theirs) if theirs else {}
                await self._learn(ours - self._committed.keys())
            except errors.IllegalStateError:
                return {}
        return {
            _ours(name): max(end - self._committed.get(_ours(name), end), 0)
            for name, end in ends.items()
        }

    def leave(self) -> None:
        """Have the group know, when the consumer stops, that nobody comes in its stead.

        aiokafka tells it only of members without an instance.
        """
        self._consumer._coordinator._group_instance_id = None  # noqa: SLF001 - set nowhere else

    def _is_member(self) -> bool:
        """Kafka takes a commit from anybody while a group has no member: also from one that left,
        or that the group has put out. aiokafka then has no generation, and sends it all the same.
        """
        return bool(self._consumer._coordinator.generation > 0)  # noqa: SLF001 - told nowhere else

    async def _learn(self, partitions: Collection[Partition]) -> None:
        """Ask how far the group was before we came."""
        for partition in partitions:
            offset = await self._consumer.committed(_theirs(partition))
            if offset is None:
                begins = await self._consumer.beginning_offsets([_theirs(partition)])
                offset = begins[_theirs(partition)]
            self._committed.setdefault(partition, offset)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Called by aiokafka before a rebalance; commits are still taken meanwhile."""
        partitions = frozenset(_ours(theirs) for theirs in revoked)
        if not partitions:
            return
        await tell_revoked(self._on_revoked, partitions, group=self._group)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Called by aiokafka after a rebalance."""
        self._paused &= {_ours(theirs) for theirs in assigned}
        self._committed.clear()
        self._changed.set()


class KafkaReader:
    """See `Reader`. `ends`: the offsets at its opening."""

    def __init__(self, consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> None:
        self._consumer = consumer
        self._ends = dict(ends)

    async def fetch(self, *, limit: int, wait: float) -> Sequence[Record]:
        async with unavailable("reading", seconds=wait + _ASK_SECONDS):
            found = await self._consumer.getmany(timeout_ms=int(wait * 1000), max_records=limit)
        return [record for theirs, rows in found.items() for record in _records(theirs, rows)]

    async def caught_up(self) -> bool:
        async with unavailable("telling a position", seconds=_ASK_SECONDS):
            for theirs, end in list(self._ends.items()):
                if await self._consumer.position(theirs) < end:
                    return False
                del self._ends[theirs]
        return True


def _ours(theirs: TopicPartition) -> Partition:
    return Partition(theirs.topic, theirs.partition)


def _theirs(ours: Partition) -> TopicPartition:
    return TopicPartition(ours.topic, ours.number)


def _records(theirs: TopicPartition, rows: Sequence[Any]) -> list[Record]:
    partition = _ours(theirs)
    return [
        Record(
            partition,
            row.offset,
            datetime.fromtimestamp(row.timestamp / 1000, UTC),
            Message(row.topic, _text(row.key), row.value or b"", _headers(row.headers)),
        )
        for row in rows
    ]


def _text(key: bytes | None) -> str:
    return (key or b"").decode(errors="replace")


def _headers(theirs: tuple[tuple[str, bytes | None], ...]) -> tuple[tuple[str, bytes], ...]:
    """Strangers may send headers without a value."""
    if None in [value for _, value in theirs]:
        return tuple((name, value or b"") for name, value in theirs)
    return cast("tuple[tuple[str, bytes], ...]", theirs)
