"""The tables that the runtime keeps in every service's database."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

Timestamp = DateTime(timezone=True)
metadata = MetaData()

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("headers", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("created", Timestamp, nullable=False, server_default=func.now()),
)

inbox = Table(
    "inbox",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("event", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("received", Timestamp, nullable=False, server_default=func.now()),
    Index("inbox_received", "received"),
)

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Uuid, nullable=False),
    Column("until", Timestamp, nullable=False),
)

job = Table(
    "job",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("done", BigInteger, nullable=False, server_default="0"),
    Column("total", BigInteger, nullable=False, server_default="0"),
    Column("message", Text, nullable=False, server_default=""),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("cancel_asked", Boolean, nullable=False, server_default="false"),
    Column("error", Text),
    Column("holder", Uuid),
    Column("lease_until", Timestamp),
    Column("run_after", Timestamp, nullable=False),
    Column("created", Timestamp, nullable=False),
    Column("finished", Timestamp),
    UniqueConstraint("kind", "key", name="job_once"),
    Index("job_due", "kind", "state", "run_after"),
    Index("job_listed", "organization", "created", "id"),
)
