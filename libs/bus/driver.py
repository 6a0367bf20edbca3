"""What a bus driver does: `Source` and `Sink`, nothing about handlers or databases."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from libs.schemas.envelope import Message
from libs.schemas.faults import Transient
from libs.schemas.topics import Topic


class BusUnavailable(Transient):
    """The bus cannot be reached, or did not answer in time."""


class UnknownTopic(LookupError):
    """A message for a topic that was never made (`Bus.ensure`)."""


class CommitRejected(Exception):
    """The partitions were taken away before the commit; their next owner repeats the work."""


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """A partition of a topic."""

    topic: str
    number: int


class Record(msgspec.Struct, frozen=True):
    """A message as it lies in its partition."""

    partition: Partition
    offset: int
    time: datetime
    message: Message


class Begin(StrEnum):
    """Where a reader without a group starts."""

    START = "start"
    END = "end"


OnRevoked = Callable[[frozenset[Partition]], Awaitable[None]]


class Sink(Protocol):
    """Publishing. Records of one key keep the order in which `publish` was called."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when every message is durable.

        Raises:
            BusUnavailable: some may be durable and some not; publishing again is safe.
            UnknownTopic: nothing was published.
        """


class Source(Protocol):
    """A member of a consumer group. One task fetches; commits may come from others meanwhile.

    `fetch` moves the *position*; `commit` moves the *committed offset*, from which the next
    owner of the partition starts. Offsets that are committed are the next ones to read.
    """

    async def fetch(self, *, limit: int, wait: float) -> Mapping[Partition, Sequence[Record]]:
        """Up to `limit` records of partitions that are assigned and not paused.

        Waits up to `wait` seconds for a first one; empty when none came.
        """

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Raises BusUnavailable, or CommitRejected where a partition is not ours any more: what
        is ours is stored all the same, unless the group has put the whole member out.
        """

    def seek(self, partition: Partition, offset: int) -> None: ...

    def pause(self, partitions: Collection[Partition]) -> None:
        """Stop fetching. Drivers keep pauses over a rebalance for partitions that stay."""

    def resume(self, partitions: Collection[Partition]) -> None: ...

    def assignment(self) -> frozenset[Partition]: ...

    async def lag(self) -> Mapping[Partition, int]:
        """Records not yet committed, for each assigned partition."""


class Reader(Protocol):
    """All partitions of some topics, without a group: every reader sees every record."""

    async def fetch(self, *, limit: int, wait: float) -> Sequence[Record]: ...

    async def caught_up(self) -> bool:
        """Whether everything that was there when the reader was opened has been fetched."""


class Bus(Protocol):
    """A driver. Opened once a process; closed after everything that uses it."""

    @property
    def sink(self) -> Sink: ...

    async def ensure(self, topics: Sequence[Topic]) -> None:
        """Make the topics that are not there; never changes a partition count.

        Raises:
            TopicMismatch: a topic is there with another number of partitions.
        """

    def subscribe(
        self, group: str, topics: Sequence[Topic], *, on_revoked: OnRevoked
    ) -> AbstractAsyncContextManager[Source]:
        """Join a consumer group; leaves it at the end of the block.

        `on_revoked` runs before partitions go to another member, bounded by the rebalance
        time-out. A new group starts at the beginning of the topics.
        """

    def reader(
        self, topics: Sequence[Topic], *, begin: Begin
    ) -> AbstractAsyncContextManager[Reader]: ...


class TopicMismatch(Exception):
    """A topic is there with another number of partitions than the registry says."""
