"""Which partition a key belongs to: one function for every driver, so that they agree."""

from zlib import crc32

from libs.bus.driver import Partition
from libs.schemas.topics import Topic


def partition_number(key: str, partitions: int) -> int:
    """The partition of a key, in [0, partitions): CRC-32 of its UTF-8 bytes, modulo."""
    return crc32(key.encode()) % partitions


def partitions_of(topic: Topic) -> tuple[Partition, ...]:
    """Every partition of a topic, in order."""
    return tuple(Partition(topic.name, number) for number in range(topic.partitions))
