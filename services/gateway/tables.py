"""Organisations, users, tokens, and the jobs of every service."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text, Uuid
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
