"""Apache Kafka as a `Bus`."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from libs.bus.driver import (
    Begin,
    BusUnavailable,
    OnRevoked,
    Reader,
    Source,
    TopicMismatch,
)
from libs.bus.kafka.faults import unavailable
from libs.bus.kafka.sink import BATCH_BYTES, MESSAGE_BYTES, KafkaSink
from libs.bus.kafka.source import KafkaReader, KafkaSource
from libs.schemas.topics import Topic
from libs.store.clock import Clock

SESSION_MILLISECONDS = 10_000
REBALANCE_MILLISECONDS = 30_000

_ALREADY_EXISTS = 36
_NO_ERROR = 0
_REPLICAS = 3


@asynccontextmanager
async def open_kafka(
    url: str, *, clock: Clock, instance: str | None = None
) -> AsyncIterator["KafkaBus"]:
    """Connect to the brokers of `kafka://host:port[,host:port]`. Raises BusUnavailable.

    `instance`: see `open_bus`.
    """
    servers = url.partition("://")[2].rstrip("/").split(",")
    producer = AIOKafkaProducer(
        bootstrap_servers=servers,
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=15_000,
        max_batch_size=BATCH_BYTES,
        max_request_size=MESSAGE_BYTES,
    )
    try:
        async with unavailable("connecting", seconds=20):
            await producer.start()
        yield KafkaBus(producer, servers, clock, instance=instance)
    finally:
        await _within(producer.stop(), seconds=15)


class KafkaBus:
    """See `Bus`."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        servers: list[str],
        clock: Clock,
        *,
        instance: str | None = None,
    ) -> None:
        self.sink = KafkaSink(producer, clock)
        self._servers = servers
        self._instance = instance

    async def ensure(self, topics: Sequence[Topic]) -> None:
        wanted = {topic.name: topic for topic in topics if topic.name not in self.sink.counts}
        if not wanted:
            return
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers, request_timeout_ms=15_000)
        async with unavailable("making topics", seconds=40):
            try:
                await admin.start()
                there = await _counts(admin, wanted)
                missing = [topic for name, topic in wanted.items() if name not in there]
                if missing:
                    brokers = len((await admin.describe_cluster())["brokers"])
                    replicas = min(_REPLICAS, brokers)
                    new = [_new_topic(topic, replicas) for topic in missing]
                    _check(await admin.create_topics(new))
                while len(there := await _counts(admin, wanted)) < len(wanted):  # noqa: ASYNC110 - a broker sets no event
                    await asyncio.sleep(0.1)
            finally:
                await _within(admin.close(), seconds=5)
        for name, topic in wanted.items():
            if there[name] != topic.partitions:
                raise TopicMismatch(f"{name} has {there[name]} partitions, not {topic.partitions}")
        self.sink.counts.update(there)

    @asynccontextmanager
    async def subscribe(
        self, group: str, topics: Sequence[Topic], *, on_revoked: OnRevoked
    ) -> AsyncIterator[Source]:
        await self.ensure(topics)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            group_id=group,
            group_instance_id=self._member(topics),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=SESSION_MILLISECONDS,
            heartbeat_interval_ms=2_000,
            rebalance_timeout_ms=REBALANCE_MILLISECONDS,
            request_timeout_ms=15_000,
        )
        source = KafkaSource(consumer, group=group, on_revoked=on_revoked)
        consumer.subscribe([topic.name for topic in topics], listener=source)
        try:
            async with unavailable("joining a group", seconds=60):
                await consumer.start()
            try:
                yield source
            finally:
                source.leave()
        finally:
            await _within(consumer.stop(), seconds=20)

    def _member(self, topics: Sequence[Topic]) -> str | None:
        """A member that comes back with other topics is another: Kafka gives one that it knows
        what it had before, and nothing of what is new."""
        if self._instance is None:
            return None
        names = " ".join(sorted(topic.name for topic in topics))
        return f"{self._instance}.{sha256(names.encode()).hexdigest()[:16]}"

    @asynccontextmanager
    async def reader(self, topics: Sequence[Topic], *, begin: Begin) -> AsyncIterator[Reader]:
        await self.ensure(topics)
        partitions = [
            TopicPartition(topic.name, number)
            for topic in topics
            for number in range(topic.partitions)
        ]
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            request_timeout_ms=15_000,
        )
        try:
            async with unavailable("opening a reader", seconds=40):
                await consumer.start()
                consumer.assign(partitions)
                ends = await consumer.end_offsets(partitions)
                begins = ends
                if begin is Begin.START:
                    begins = await consumer.beginning_offsets(partitions)
                for partition, offset in begins.items():
                    consumer.seek(partition, offset)
            yield KafkaReader(consumer, ends)
        finally:
            await _within(consumer.stop(), seconds=20)


async def _counts(admin: AIOKafkaAdminClient, topics: Mapping[str, Topic]) -> dict[str, int]:
    """The partition counts of those of the topics that are there and have leaders."""
    described = await admin.describe_topics(list(topics))
    return {
        topic["topic"]: len(topic["partitions"])
        for topic in described
        if topic["error_code"] == _NO_ERROR
        and all(partition["error_code"] == _NO_ERROR for partition in topic["partitions"])
    }


def _new_topic(topic: Topic, replicas: int) -> NewTopic:
    if topic.retention is None:
        config = {"cleanup.policy": "compact"}
    else:
        milliseconds = int(topic.retention.total_seconds() * 1000)
        config = {"cleanup.policy": "delete", "retention.ms": str(milliseconds)}
    return NewTopic(topic.name, topic.partitions, replicas, topic_configs=config)


def _check(response: Any) -> None:
    for name, code, *why in response.topic_errors:
        if code not in {_NO_ERROR, _ALREADY_EXISTS}:
            raise BusUnavailable(f"Kafka did not make {name}: error {code} {why}")


async def _within(closing: Any, *, seconds: float) -> None:
    """Close, but never hang on a broker that is away."""
    task = asyncio.ensure_future(closing)
    _, pending = await asyncio.wait([task], timeout=seconds)
    for late in pending:
        late.cancel()
