"""Organisations, users, tokens, the jobs of every service, and what is told to receivers."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from libs.store.tables import Timestamp

metadata = MetaData()

organization = Table(
    "organization",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created", Timestamp, nullable=False),
)

member = Table(
    "member",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created", Timestamp, nullable=False),
    Index("member_once", "organization", "email", unique=True),
    Index("member_listed", "organization", "created", "id"),
)

token = Table(
    "token",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("member", Uuid),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created", Timestamp, nullable=False),
    Column("expires", Timestamp),
    Column("revoked", Boolean, nullable=False, server_default="false"),
    Index("token_listed", "organization", "created", "id"),
)

known_job = Table(
    "known_job",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("service", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("message", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("error", Text),
    Column("revision", Integer, nullable=False),
    Column("changed", Timestamp, nullable=False),
    Index("known_job_listed", "organization", "changed", "id"),
)

# Who is told of events: `target` is a URL, or an e-mail address. `deployments` empty: of all.
receiver = Table(
    "receiver",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("secret", Text),
    Column("events", ARRAY(Text), nullable=False),
    Column("deployments", ARRAY(Uuid), nullable=False),
    Column("least_severity", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created", Timestamp, nullable=False),
    Index("receiver_listed", "organization", "created", "id"),
)

# One event for one receiver: queue and log in one. `due`: of a pending one the next attempt; of
# one that is `held`, the end of the lease of who attempts it. `tries`:
# attempts since it was asked for (again), `attempts`: all.
delivery = Table(
    "delivery",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("receiver", Uuid, nullable=False),
    Column("event", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("deployment", Uuid),
    Column("text", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("held", Boolean, nullable=False, server_default="false"),
    Column("due", Timestamp, nullable=False),
    Column("created", Timestamp, nullable=False),
    Column("settled", Timestamp),
    UniqueConstraint("receiver", "event", name="delivery_once"),
    Index("delivery_due", "due", postgresql_where=text("state = 'PENDING'")),
    Index("delivery_listed", "organization", "receiver", "created", "id"),
    Index("delivery_old", "created"),
)

# What came of each attempt. `status`: of HTTP or SMTP, null where there was no answer.
attempt = Table(
    "attempt",
    metadata,
    Column("delivery", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("time", Timestamp, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("status", Integer),
    Column("detail", Text, nullable=False),
    Column("seconds", Double, nullable=False),
)
