"""Consumer groups of the embedded log: who lives, and who owns which partition.

A member lives while its process's heartbeat is recent and the process's backend session is there;
after a `kill -9` the session is gone at once. A partition goes from owner to owner: the old one
gives it back (or is dead), then the new one claims it, and a commit names its owner.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from libs.bus.sharing import Member

MEMBERS_CHANNEL = "sightloop_members"
HEARTBEAT_LIMIT = "10 seconds"

_LOCK = 0x5167_4C02
_LIVES = f"""
(process.heartbeat > clock_timestamp() - interval '{HEARTBEAT_LIMIT}' AND EXISTS (
    SELECT FROM pg_stat_get_activity(process.pid) AS session
    WHERE session.backend_start = process.backend_start))
"""
_REGISTER = """
INSERT INTO process (id, pid, backend_start, heartbeat)
SELECT $1, pg_backend_pid(), session.backend_start, clock_timestamp()
FROM pg_stat_get_activity(pg_backend_pid()) AS session
ON CONFLICT (id) DO UPDATE SET pid = excluded.pid, backend_start = excluded.backend_start,
    heartbeat = excluded.heartbeat
"""
_BEAT = f"""
WITH beat AS (
    UPDATE process SET heartbeat = clock_timestamp() WHERE id = $1 RETURNING id
)
SELECT (SELECT count(*) FROM beat) AS known,
       (SELECT coalesce(sum(next), 0)::bigint FROM partition) AS written,
       ARRAY(SELECT member.id FROM member JOIN process ON process.id = member.process
             WHERE member.consumer_group = ANY($2::text[]) AND (process.id = $1 OR {_LIVES})
       ) AS members
"""  # noqa: S608 - only our own constants
_MEMBERS = f"""
SELECT member.id, member.consumer_group, member.topics
FROM member JOIN process ON process.id = member.process
WHERE member.consumer_group = ANY($2::text[]) AND (process.id = $1 OR {_LIVES})
"""  # noqa: S608 - only our own constants
_BURY = f"""
DELETE FROM process WHERE id <> $1 AND heartbeat < clock_timestamp() - interval '60 seconds'
AND NOT {_LIVES}
"""  # noqa: S608 - only our own constants
_PROGRESS = """
SELECT consumer_group, partition, member FROM progress WHERE consumer_group = ANY($1::text[])
"""
_FORGET = "DELETE FROM member WHERE process = $1 AND NOT id = ANY($2::uuid[])"
_JOIN = """
INSERT INTO member (id, process, consumer_group, topics) VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO NOTHING
"""
_BEGIN_PROGRESS = """
INSERT INTO progress (consumer_group, partition) SELECT $1, unnest($2::int[])
ON CONFLICT DO NOTHING
"""
_CLAIM = """
UPDATE progress SET member = $2
WHERE consumer_group = $1 AND partition = ANY($3::int[])
AND (member IS NULL OR member = $2 OR NOT member = ANY($4::uuid[]))
RETURNING partition, position
"""
_RELEASE = """
UPDATE progress SET member = NULL
WHERE consumer_group = $1 AND member = $2 AND partition = ANY($3::int[])
"""
_LEAVE = """
WITH freed AS (UPDATE progress SET member = NULL WHERE consumer_group = $2 AND member = $1)
DELETE FROM member WHERE id = $1
"""
_COMMIT = """
UPDATE progress SET position = w.position FROM unnest($3::int[], $4::bigint[]) AS w(id, position)
WHERE progress.consumer_group = $1 AND progress.member = $2 AND progress.partition = w.id
RETURNING progress.partition
"""


@dataclass(frozen=True, slots=True)
class Beat:
    """What a heartbeat learned."""

    known: bool
    written: int
    members: frozenset[UUID]


async def lock(connection: asyncpg.Connection) -> None:
    """Take turns in changing members and owners, until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)


async def register(
    connection: asyncpg.Connection, process: UUID, *, members: Collection[UUID]
) -> None:
    """Say that this process lives as long as the session of `connection`; bury the dead.

    `members`: those of this process; one that left while the log was away is forgotten.
    """
    await connection.execute(_REGISTER, process)
    await connection.execute(_FORGET, process, list(members))
    await connection.execute(_BURY, process)


async def beat(connection: asyncpg.Connection, process: UUID, groups: Collection[str]) -> Beat:
    """Say that this process lives, and look who else does and how much was written: one query."""
    row = await connection.fetchrow(_BEAT, process, list(groups), timeout=5)
    return Beat(bool(row["known"]), row["written"], frozenset(row["members"]))


async def join(
    connection: asyncpg.Connection, process: UUID, member: Member, *, partitions: Sequence[int]
) -> None:
    """Be a member, and give the group a beginning in what it never read."""
    await connection.execute(_JOIN, member.id, process, member.group, list(member.topics))
    await connection.execute(_BEGIN_PROGRESS, member.group, list(partitions))


async def leave(connection: asyncpg.Connection, member: Member) -> None:
    """Free what the member owns and have the others share it."""
    async with connection.transaction():
        await lock(connection)
        await connection.execute(_LEAVE, member.id, member.group)
        await announce(connection)


async def members(
    connection: asyncpg.Connection, process: UUID, groups: Collection[str]
) -> list[Member]:
    """The live members of the groups."""
    rows = await connection.fetch(_MEMBERS, process, list(groups))
    return [Member(row[0], row[1], tuple(row[2])) for row in rows]


async def owners(
    connection: asyncpg.Connection, groups: Collection[str]
) -> dict[tuple[str, int], UUID | None]:
    """The owner of each (group, partition id)."""
    rows = await connection.fetch(_PROGRESS, list(groups))
    return {(row[0], row[1]): row[2] for row in rows}


async def claim(
    connection: asyncpg.Connection,
    member: Member,
    partitions: Collection[int],
    *,
    live: Collection[UUID],
) -> dict[int, int]:
    """Own what no live member owns; the committed offset of each partition that was claimed."""
    rows = await connection.fetch(_CLAIM, member.group, member.id, list(partitions), list(live))
    return {row[0]: row[1] for row in rows}


async def give_back(
    connection: asyncpg.Connection, member: Member, partitions: Collection[int]
) -> None:
    """Free partitions for their next owner."""
    async with connection.transaction():
        await connection.execute(_RELEASE, member.group, member.id, list(partitions))
        await announce(connection)


async def announce(connection: asyncpg.Connection) -> None:
    """Have every process look at members and owners."""
    await connection.execute("SELECT pg_notify($1, '')", MEMBERS_CHANNEL)


async def commit(
    connection: asyncpg.Connection, member: Member, offsets: Mapping[int, int]
) -> set[int]:
    """The partitions that are ours: their offsets are committed."""
    rows = await connection.fetch(
        _COMMIT, member.group, member.id, list(offsets), list(offsets.values())
    )
    return {row[0] for row in rows}
