"""Datasets, their versions and assets; feedback loops; trainings and their crossings."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from libs.schemas.tags import TagTarget
from libs.store.tables import Timestamp
from libs.store.tags import Taggable, Tags

metadata = MetaData()

dataset = Table(
    "dataset",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("created", Timestamp, nullable=False),
    UniqueConstraint("organization", "name", name="dataset_name"),
    Index("dataset_listed", "organization", "created", "id"),
)

# `content` counts changes of the assets, `settled` is the count that digest, manifest and the
# numbers are of. `dirty`: since when there is something to settle; `changed`: the last change.
# `base`, `query`: the version that this one was copied from, and what was copied.
dataset_version = Table(
    "dataset_version",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("dataset", Uuid, nullable=False),
    Column("version", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("labels", ARRAY(Text), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("content", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    Column("dirty", Timestamp),
    Column("changed", Timestamp, nullable=False),
    Column("assets", Integer, nullable=False, server_default="0"),
    Column("annotated", Integer, nullable=False, server_default="0"),
    Column("objects_per_label", JSONB, nullable=False),
    Column("digest", Text),
    Column("manifest", Text),
    Column("created", Timestamp, nullable=False),
    Column("frozen", Timestamp),
    Column("base", Uuid),
    Column("query", Text),
    UniqueConstraint("dataset", "version", name="dataset_version_name"),
    Index("dataset_version_listed", "organization", "created", "id"),
    Index("dataset_version_dirty", "dirty"),
)

# `prediction`, `review_revision`: the submission that wrote the annotation, if one did.
asset = Table(
    "asset",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("dataset_version", Uuid, nullable=False),
    Column("data", Uuid, nullable=False),
    Column("filename", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("picture_key", Text, nullable=False),
    Column("picture_sha256", Text, nullable=False),
    Column("picture_size", BigInteger, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("block", Text),
    Column("event_time", Timestamp),
    Column("annotation", JSONB(none_as_null=True)),
    Column("deployment", Uuid),
    Column("prediction", Uuid),
    Column("review_revision", Integer),
    Column("reviewer", Text),
    Column("created", Timestamp, nullable=False),
    UniqueConstraint("dataset_version", "data", name="asset_once"),
    Index("asset_listed", "dataset_version", "created", "id"),
    Index("asset_by_data", "organization", "data"),
    Index("asset_by_picture", "organization", "picture_sha256"),
)

# Images that were erased: what is told late of them is refused.
erasure = Table(
    "erasure",
    metadata,
    Column("organization", Uuid, primary_key=True),
    Column("data", Uuid, primary_key=True),
    Column("erased", Timestamp, nullable=False),
)

feedback_loop = Table(
    "feedback_loop",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("dataset_versions", ARRAY(Uuid), nullable=False),
)

# What became of a submission; `dataset_version` is the nil UUID where there was no target.
submission = Table(
    "submission",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("prediction", Uuid, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("dataset_version", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("asset", Uuid),
    Column("refused", Text),
    Column("settled", Timestamp, nullable=False),
)

# `project` NULL: nobody has set the training up; submissions are counted all the same.
training = Table(
    "training",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("project", Uuid),
    Column("datasets", JSONB, nullable=False),
    Column("threshold", Integer, nullable=False),
    Column("parameters", JSONB, nullable=False),
    Column("cool_down", Double, nullable=False),
    Column("alert_rules", ARRAY(Uuid), nullable=False, server_default="{}"),
    Column("least_reviewed", Integer, nullable=False, server_default="10"),
    Column("submitted", Integer, nullable=False),
    Column("crossings", Integer, nullable=False),
)

# Predictions that a trigger has counted: none counts twice.
counted = Table(
    "counted",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("prediction", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
)

crossing = Table(
    "crossing",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("experiment", Uuid, nullable=False),
    Column("why", Text, nullable=False),
    Column("actor", Text),
    Column("time", Timestamp, nullable=False),
    Column("finished", Timestamp),
    Index("crossing_unfinished", "deployment", postgresql_where=text("finished IS NULL")),
)

# A firing of an alert that a training waits for, and what came of it; one of each firing.
alarm = Table(
    "alarm",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("alert", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("rule", Uuid, nullable=False),
    Column("text", Text, nullable=False),
    Column("fired_time", Timestamp, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("why", Text),
    Column("experiment", Uuid),
    Index("alarm_waiting", "fired_time", postgresql_where=text("outcome = 'WAITING'")),
    Index("alarm_listed", "organization", "deployment", "fired_time"),
)

tags = Tags(
    metadata,
    {
        TagTarget.DATASET: Taggable(dataset),
        TagTarget.DATASET_VERSION: Taggable(dataset_version),
        TagTarget.ASSET: Taggable(asset, within="dataset_version"),
    },
)
