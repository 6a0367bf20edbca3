"""The tables of the embedded log, in a database of its own.

topic ─< partition ─< record          what was published
process ─< member                     who reads, and whether it lives
progress (group, partition)           how far a group is, and which member owns it
"""

import asyncpg

_LOCK = 0x5167_4C01

_TABLES = """
CREATE TABLE IF NOT EXISTS topic (
    name text PRIMARY KEY,
    partitions integer NOT NULL,
    retention interval
);
CREATE TABLE IF NOT EXISTS partition (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL REFERENCES topic,
    number integer NOT NULL,
    next bigint NOT NULL DEFAULT 0,
    compacted bigint NOT NULL DEFAULT 0,
    UNIQUE (topic, number)
) WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS record (
    partition integer NOT NULL,
    position bigint NOT NULL,
    time timestamptz NOT NULL,
    key text NOT NULL,
    headers bytea NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (partition, position)
);
CREATE TABLE IF NOT EXISTS process (
    id uuid PRIMARY KEY,
    pid integer NOT NULL,
    backend_start timestamptz NOT NULL,
    heartbeat timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS member (
    id uuid PRIMARY KEY,
    process uuid NOT NULL REFERENCES process ON DELETE CASCADE,
    consumer_group text NOT NULL,
    topics text[] NOT NULL
);
CREATE TABLE IF NOT EXISTS progress (
    consumer_group text NOT NULL,
    partition integer NOT NULL REFERENCES partition,
    position bigint NOT NULL DEFAULT 0,
    member uuid,
    PRIMARY KEY (consumer_group, partition)
) WITH (fillfactor = 50);
"""


async def make_tables(connection: asyncpg.Connection) -> None:
    """Make what is not there. Processes that start together take turns."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_TABLES)
