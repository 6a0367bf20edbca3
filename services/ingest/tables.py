"""Predictions as far as ingest needs them, the Datalake, the books."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from libs.store.tables import Timestamp

metadata = MetaData()

prediction = Table(
    "prediction",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("data", Uuid, nullable=False),
    Column("has_shadow", Boolean, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("event_time", Timestamp, nullable=False),
    Column("receive_time", Timestamp, nullable=False),
    Index("prediction_by_time", "deployment", "event_time", "id"),
)

data = Table(
    "data",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("deployment", Uuid),
    Column("filename", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("custom_metadata", JSONB, nullable=False),
    Column("picture_key", Text),
    Column("picture_sha256", Text),
    Column("picture_size", BigInteger),
    Column("event_time", Timestamp, nullable=False),
    Column("receive_time", Timestamp, nullable=False),
    Index("data_listed", "organization", "event_time", "id"),
    Index("data_by_picture", "organization", "picture_sha256"),
)

# Names of tags and sources that somebody made before an image had them. `kind`: tag or source.
vocabulary = Table(
    "vocabulary",
    metadata,
    Column("organization", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("id", Uuid, nullable=False),
    Column("created", Timestamp, nullable=False),
    Index("vocabulary_by_id", "organization", "id"),
)

book = Table(
    "book",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("stored", BigInteger, nullable=False, server_default="0"),
    Column("duplicate", BigInteger, nullable=False, server_default="0"),
    Column("dead_lettered", BigInteger, nullable=False, server_default="0"),
    Column("replayed", BigInteger, nullable=False, server_default="0"),
)

boot = Table(
    "boot",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("boot", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("given", BigInteger, nullable=False, server_default="0"),
    Column("consumed", BigInteger, nullable=False, server_default="0"),
    Column("moved", Timestamp, nullable=False),
)

rejection = Table(
    "rejection",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("count", BigInteger, nullable=False, server_default="0"),
)

rejection_hour = Table(
    "rejection_hour",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("hour", Timestamp, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("count", BigInteger, nullable=False),
    Index("rejection_by_hour", "organization", "hour"),
)

# Numbers that were passed over when a later one was consumed.
gap = Table(
    "gap",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("boot", Uuid, primary_key=True),
    Column("first", BigInteger, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("seen", Timestamp, nullable=False),
)

# Numbers whose sender was told that the send failed: a gap there is no loss.
uncertain = Table(
    "uncertain",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("boot", Uuid, primary_key=True),
    Column("first", BigInteger, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("last", BigInteger, nullable=False),
)

dead = Table(
    "dead",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("boot", Uuid, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("died", Timestamp, nullable=False),
)

book_alert = Table(
    "book_alert",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("alert", Uuid, nullable=False),
    Column("organization", Uuid, nullable=False),
    Column("since", Timestamp, nullable=False),
    Column("fired_time", Timestamp, nullable=False),
    Column("text", Text, nullable=False),
    Column("missing", BigInteger, nullable=False),
)

# Pictures that an image had that is gone: erased a little later, unless another image has them.
lost_picture = Table(
    "lost_picture",
    metadata,
    Column("organization", Uuid, primary_key=True),
    Column("sha256", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("since", Timestamp, nullable=False),
)

# Images that are taken from a place outside, one row for each job. `position`: the last name that
# is done, in the place's order; `total`: unknown until it has been counted.
registration = Table(
    "registration",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("place", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
    Column("actor", Text, nullable=False),
    Column("position", Text, nullable=False, server_default=""),
    Column("total", BigInteger),
    Column("added", BigInteger, nullable=False, server_default="0"),
    Column("duplicates", BigInteger, nullable=False, server_default="0"),
    Column("passed_over", BigInteger, nullable=False, server_default="0"),
    Column("failed", BigInteger, nullable=False, server_default="0"),
    Column("created", Timestamp, nullable=False),
    Index("registration_listed", "organization", "created", "id"),
)

# The first of the files that could not be taken, and why.
registration_error = Table(
    "registration_error",
    metadata,
    Column("registration", Uuid, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("error", Text, nullable=False),
)
