"""Publishing to Kafka: one open batch for each partition, in the order of the calls."""

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import groupby

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from libs.bus.coalescing import Coalescer, Room
from libs.bus.driver import Partition, UnknownTopic
from libs.bus.kafka.faults import unavailable
from libs.bus.partitioning import partition_number
from libs.schemas.envelope import Message
from libs.store.clock import Clock

MESSAGE_BYTES = 1_000_000
BATCH_BYTES = 512 * 1024

_ROOM = 20_000
_ROOM_BYTES = 64 * 2**20
_SECONDS = 30.0
# Sizes of a record beside its key, value and headers: lengths, offsets, attributes.
_RECORD_BYTES = 64


class KafkaSink:
    """See `Sink`. The producer is idempotent: what it repeats itself is stored once."""

    def __init__(self, producer: AIOKafkaProducer, clock: Clock) -> None:
        self.counts: dict[str, int] = {}
        self._producer = producer
        self._clock = clock
        self._room = Room(items=_ROOM, size=_ROOM_BYTES)
        self._queues: dict[Partition, Coalescer[Message]] = {}

    async def publish(self, messages: Sequence[Message]) -> None:
        located: dict[Partition, list[Message]] = {}
        for (topic, key), some in groupby(messages, key=lambda m: (m.topic, m.key)):
            if topic not in self.counts:
                raise UnknownTopic(topic)
            partition = Partition(topic, partition_number(key, self.counts[topic]))
            located.setdefault(partition, []).extend(some)
        sizes = {partition: _size(some) for partition, some in located.items()}
        async with unavailable("publishing", seconds=_SECONDS):
            # All are offered before anything is awaited: order is the order of the calls.
            written = [
                self._queue(partition).offer(some, sizes[partition])
                for partition, some in located.items()
            ]
            for outcome in await asyncio.gather(*written, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome

    def _queue(self, partition: Partition) -> Coalescer[Message]:
        queue = self._queues.get(partition)
        if queue is None:
            write = partial(self._write, partition)
            queue = self._queues[partition] = Coalescer(
                write, room=self._room, page=10_000, page_size=BATCH_BYTES
            )
        return queue

    async def _write(self, partition: Partition, messages: Sequence[Message]) -> None:
        milliseconds = int(self._clock.now().timestamp() * 1000)
        async with unavailable("publishing", seconds=_SECONDS):
            sent = []
            batch = self._producer.create_batch()
            for message in messages:
                record = {
                    "key": message.key.encode(),
                    "value": message.value,
                    "timestamp": milliseconds,
                    "headers": list(message.headers),
                }
                if batch.append(**record) is None:
                    sent.append(await self._send(batch, partition))
                    batch = self._producer.create_batch()
                    batch.append(**record)
            sent.append(await self._send(batch, partition))
            for outcome in await asyncio.gather(*sent, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome

    async def _send(self, batch: object, partition: Partition) -> "asyncio.Future[object]":
        done: asyncio.Future[object] = await self._producer.send_batch(
            batch, partition.topic, partition=partition.number
        )
        return done


def _size(messages: Sequence[Message]) -> int:
    """Bytes of the messages in a batch. Raises MessageSizeTooLargeError."""
    total = 0
    for message in messages:
        size = len(message.value) + len(message.key) + _RECORD_BYTES
        size += sum([len(name) + len(text) for name, text in message.headers])
        if size > MESSAGE_BYTES:
            raise MessageSizeTooLargeError(f"a message of {message.topic} has {size} bytes")
        total += size
    return total
