"""Predicted assets, reviews, the lottery, submissions."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
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

# Narrow, so that any filter reads few pages; the content is in `payload`.
# `labels`: mask of the champion's class indices, in signed 64-bit words.
# `status`: TO_REVIEW, REVIEWED, SUBMITTED; null: its picture was not kept.
# `disagreement`: of champion and shadow, in [0, 1]; `source` is null on rows of the first release.
# `revision`: of the latest review; 0: none. `shuffle`: its place in the random order.
prediction = Table(
    "prediction",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("data", Uuid, nullable=False),
    Column("version", Uuid, nullable=False),
    Column("event_time", Timestamp, nullable=False),
    Column("receive_time", Timestamp, nullable=False),
    Column("latency", Float, nullable=False),
    Column("filename", Text, nullable=False),
    Column("boxes", Integer, nullable=False),
    Column("labels", ARRAY(BigInteger), nullable=False),
    Column("min_score", Float),
    Column("max_score", Float),
    Column("outlier", Float),
    Column("status", Text),
    Column("revision", Integer, nullable=False),
    Column("has_picture", Boolean, nullable=False),
    Column("has_shadow", Boolean, nullable=False),
    Column("disagreement", Float),
    Column("source", Text),
    Column("tags", ARRAY(Text), nullable=False),
    Column("flags", ARRAY(Text), nullable=False),
    Column("shuffle", BigInteger, nullable=False),
    # Retention prunes by this one too: event_time is its second column.
    Index("prediction_by_time", "deployment", "event_time", "id"),
    Index("prediction_by_name", "deployment", "filename", "id"),
    Index("prediction_by_outlier", "deployment", "outlier", "id"),
    Index("prediction_shuffled", "deployment", "shuffle", "id"),
    Index("prediction_by_status", "deployment", "status", "id"),
    Index("prediction_by_data", "data"),
)

# `content`: `libs.schemas.values.Logged` as MessagePack.
payload = Table(
    "payload",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("prediction", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

# Every revision, as `libs.schemas.values.Review` in MessagePack.
review = Table(
    "review",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("prediction", Uuid, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

# What came before the prediction that it is about. `content`: MessagePack of a float (kind
# `score`) or of an Output (kind `shadow`).
early = Table(
    "early",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("prediction", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("received", Timestamp, nullable=False),
)

# Ids of deleted predictions and Data: they outlive every topic, so nothing comes back.
# `owner`: within what the id is unique: a prediction's deployment, a Data's organisation.
tombstone = Table(
    "tombstone",
    metadata,
    Column("owner", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("erase", Boolean, nullable=False),
    Column("deleted", Timestamp, nullable=False),
)

# Labelmaps of every version that was deployed: what the bits of `prediction.labels` mean.
labelmap = Table(
    "labelmap",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("version", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("labels", ARRAY(Text), nullable=False),
)

draw = Table(
    "draw",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("deployment", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("population", Integer, nullable=False),
    Column("unanswered", Integer, nullable=False),
    Column("opened", Timestamp, nullable=False),
    Column("closed", Timestamp),
    UniqueConstraint("deployment", "number", name="draw_numbered"),
)

# One for each picture: waiting (draw null) → drawn → answered (REVIEWED, SKIPPED, DELETED).
ticket = Table(
    "ticket",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("prediction", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("receive_time", Timestamp, nullable=False),
    Column("draw", Uuid),
    Column("number", Integer),
    Column("position", Integer),
    Column("pi", Float),
    Column("answer", Text),
    Index(
        "ticket_waiting", "deployment", "receive_time", "prediction",
        postgresql_where=text("draw IS NULL"),
    ),
    Index(
        "ticket_unanswered", "deployment", "number", "position",
        postgresql_where=text("draw IS NOT NULL AND answer IS NULL"),
    ),
)  # fmt: skip

# The latest submission of a prediction. `state`: pending → settled | refused.
submission = Table(
    "submission",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("prediction", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("targets", ARRAY(Uuid), nullable=False),
    Column("dataset_version", Uuid),
    Column("asset", Uuid),
    Column("refused", Text),
)
