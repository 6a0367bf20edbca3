"""Topics and partitions of the embedded log, and how far each partition was written."""

from collections.abc import Mapping, Sequence

import asyncpg

from libs.bus.driver import Partition, TopicMismatch
from libs.bus.partitioning import partition_number
from libs.schemas.topics import Topic

_LOCK = 0x5167_4C03


class Catalogue:
    """What this process knows of the log; grows by `load` and by what writers announce."""

    def __init__(self) -> None:
        self.ids: dict[Partition, int] = {}
        self.names: dict[int, Partition] = {}
        self.heads: dict[Partition, int] = {}
        self.counts: dict[str, int] = {}

    @property
    def written(self) -> int:
        """Every record that was ever written, as far as we know."""
        return sum(self.heads.values())

    def locate(self, topic: str, key: str) -> int | None:
        """The id of the partition of a key; None where the topic is not known."""
        count = self.counts.get(topic)
        if count is None:
            return None
        return self.ids[Partition(topic, partition_number(key, count))]

    def advance(self, heads: Mapping[int, int]) -> bool:
        """Take what a writer announced; False where it names partitions we do not know."""
        for number, head in heads.items():
            name = self.names.get(number)
            if name is None:
                return False
            self.heads[name] = max(self.heads.get(name, 0), head)
        return True

    async def load(self, connection: asyncpg.Connection) -> None:
        """Read everything anew."""
        rows = await connection.fetch("SELECT id, topic, number, next FROM partition")
        for number_id, topic, number, head in rows:
            name = Partition(topic, number)
            self.ids[name] = number_id
            self.names[number_id] = name
            self.heads[name] = max(self.heads.get(name, 0), head)
        self.counts = {}
        for name in self.ids:
            self.counts[name.topic] = self.counts.get(name.topic, 0) + 1


async def ensure(connection: asyncpg.Connection, topics: Sequence[Topic]) -> None:
    """Make topics. Raises TopicMismatch."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        there = dict(await connection.fetch("SELECT name, partitions FROM topic"))
        for topic in topics:
            if there.get(topic.name, topic.partitions) != topic.partitions:
                raise TopicMismatch(
                    f"{topic.name} has {there[topic.name]} partitions, not {topic.partitions}"
                )
            await connection.execute(
                "INSERT INTO topic (name, partitions, retention) VALUES ($1, $2, $3) "
                "ON CONFLICT (name) DO UPDATE SET retention = excluded.retention "
                "WHERE topic.retention IS DISTINCT FROM excluded.retention",
                topic.name,
                topic.partitions,
                topic.retention,
            )
            if topic.name not in there:
                await connection.execute(
                    "INSERT INTO partition (topic, number) "
                    "SELECT $1, generate_series(0, $2::int - 1)",
                    topic.name,
                    topic.partitions,
                )
