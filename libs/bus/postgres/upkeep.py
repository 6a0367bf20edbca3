"""Forgetting: records past their topic's retention, and superseded records of compacted topics."""

from datetime import datetime

import asyncpg

_LOCK = 0x5167_4C04
_PAGE = 5_000

_EXPIRED = """
SELECT partition.id, $1::timestamptz - topic.retention AS cutoff
FROM partition JOIN topic ON topic.name = partition.topic
CROSS JOIN LATERAL (
    SELECT time FROM record WHERE record.partition = partition.id ORDER BY position LIMIT 1
) AS oldest
WHERE topic.retention IS NOT NULL AND oldest.time < $1::timestamptz - topic.retention
"""
_PRUNE = """
DELETE FROM record WHERE partition = $1 AND time < $2 AND position < (
    SELECT min(position) + $3 FROM record WHERE partition = $1
)
"""
_CHANGED = """
SELECT partition.id, partition.next
FROM partition JOIN topic ON topic.name = partition.topic
WHERE topic.retention IS NULL AND partition.next - partition.compacted >= $1
"""
_COMPACT = """
WITH done AS (UPDATE partition SET compacted = $2 WHERE id = $1)
DELETE FROM record USING (
    SELECT position, max(position) OVER (PARTITION BY key) AS last
    FROM record WHERE partition = $1 AND position < $2
) AS seen
WHERE record.partition = $1 AND record.position = seen.position AND seen.position < seen.last
"""


async def forget(pool: asyncpg.Pool, *, now: datetime, changed: int = 200) -> int:
    """Prune and compact; how many records went. Two small queries where nothing is due.

    `changed`: a compacted partition waits until so many records came. The last record of a key
    is never removed, whatever it says.
    """
    async with pool.acquire(timeout=10) as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            return 0
        try:
            return await _prune(connection, now) + await _compact(connection, changed)
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _prune(connection: asyncpg.Connection, now: datetime) -> int:
    gone = 0
    for partition, cutoff in await connection.fetch(_EXPIRED, now):
        while removed := _count(await connection.execute(_PRUNE, partition, cutoff, _PAGE)):
            gone += removed
    return gone


async def _compact(connection: asyncpg.Connection, changed: int) -> int:
    gone = 0
    for partition, head in await connection.fetch(_CHANGED, changed):
        gone += _count(await connection.execute(_COMPACT, partition, head))
    return gone


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
