"""The log itself: appending and reading, each one transaction."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg
import msgspec

from libs.bus.driver import Partition, Record
from libs.schemas.envelope import Message

RECORDS_CHANNEL = "sightloop_records"

_packer = msgspec.msgpack.Encoder()
_unpacker = msgspec.msgpack.Decoder(tuple[tuple[str, bytes], ...])

# The row lock is what makes offsets gapless and visible in order: the next writer of a
# partition waits for this one's commit. Every writer locks in the same order.
_LOCK_PARTITIONS = """
SELECT id, next FROM partition WHERE id = ANY($1::int[]) ORDER BY topic, number FOR NO KEY UPDATE
"""
_APPEND = """
WITH moved AS (
    UPDATE partition SET next = w.next
    FROM unnest($1::int[], $2::bigint[]) AS w(id, next) WHERE partition.id = w.id
)
INSERT INTO record (partition, position, time, key, headers, value)
SELECT r.partition, r.position, $3, r.key, r.headers, r.value
FROM unnest($4::int[], $5::bigint[], $6::text[], $7::bytea[], $8::bytea[])
    AS r(partition, position, key, headers, value)
"""
# One partition, as when predictions of one deployment stream in: one statement is one round
# trip and one transaction. The update takes the row lock and sees the latest `next`.
_APPEND_TO_ONE = """
WITH moved AS (
    UPDATE partition SET next = next + $3 WHERE id = $1 RETURNING id, next - $3 AS first, next
), written AS (
    INSERT INTO record (partition, position, time, key, headers, value)
    SELECT $1, moved.first + r.number - 1, $2, r.key, r.headers, r.value
    FROM moved, unnest($4::text[], $5::bytea[], $6::bytea[])
        WITH ORDINALITY AS r(key, headers, value, number)
)
SELECT set_config('synchronous_commit', 'on', true), pg_notify($7, moved.id || ':' || moved.next)
FROM moved
"""
# Connections of the bus do not wait for the disk, except for this.
_DURABLE_AND_KNOWN = "SELECT set_config('synchronous_commit', 'on', true), pg_notify($1, $2)"
_READ = """
SELECT r.partition, r.position, r.time, r.key, r.headers, r.value
FROM unnest($1::int[], $2::bigint[]) AS w(partition, position)
CROSS JOIN LATERAL (
    SELECT * FROM record
    WHERE record.partition = w.partition AND record.position >= w.position
    ORDER BY record.position LIMIT $3
) AS r
LIMIT $3
"""


async def append(
    connection: asyncpg.Connection, records: Sequence[tuple[int, Message]], *, now: datetime
) -> None:
    """Append records, each with the id of its partition, in one transaction; wake the readers."""
    by_partition: dict[int, list[Message]] = defaultdict(list)
    for partition, message in records:
        by_partition[partition].append(message)
    if len(by_partition) == 1:
        await _append_to_one(connection, *by_partition.popitem(), now=now)
        return
    async with connection.transaction():
        firsts = dict(await connection.fetch(_LOCK_PARTITIONS, list(by_partition)))
        heads = {number: firsts[number] + len(rows) for number, rows in by_partition.items()}
        rows = [
            (partition, position, message)
            for partition, messages in by_partition.items()
            for position, message in enumerate(messages, firsts[partition])
        ]
        await connection.execute(
            _APPEND,
            list(heads),
            list(heads.values()),
            now,
            [partition for partition, _, _ in rows],
            [position for _, position, _ in rows],
            [message.key for _, _, message in rows],
            [_packer.encode(message.headers) for _, _, message in rows],
            [message.value for _, _, message in rows],
        )
        payload = ",".join(f"{partition}:{head}" for partition, head in heads.items())
        await connection.execute(_DURABLE_AND_KNOWN, RECORDS_CHANNEL, payload)


async def _append_to_one(
    connection: asyncpg.Connection, partition: int, messages: Sequence[Message], *, now: datetime
) -> None:
    await connection.execute(
        _APPEND_TO_ONE,
        partition,
        now,
        len(messages),
        [message.key for message in messages],
        [_packer.encode(message.headers) for message in messages],
        [message.value for message in messages],
        RECORDS_CHANNEL,
    )


def parse_heads(payload: str) -> dict[int, int]:
    """The heads that an append announced, by partition id."""
    pairs = (pair.split(":") for pair in payload.split(","))
    return {int(partition): int(head) for partition, head in pairs}


async def read(
    pool: asyncpg.Pool, positions: Mapping[int, int], *, names: Mapping[int, Partition], limit: int
) -> list[Record]:
    """Up to `limit` records from `positions` (by partition id) on, in order in each partition.

    The partitions named first are served first.
    """
    rows = await pool.fetch(_READ, list(positions), list(positions.values()), limit, timeout=30)
    records = []
    for partition, position, time, key, headers, value in rows:
        name = names[partition]
        message = Message(name.topic, key, value, _unpacker.decode(headers))
        records.append(Record(name, position, time, message))
    return records
