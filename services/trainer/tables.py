"""Projects, experiments, their runs, lines, logs and metric points."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
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

from libs.store.tables import Timestamp

metadata = MetaData()

project = Table(
    "project",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("created", Timestamp, nullable=False),
    Column("dataset_versions", ARRAY(Uuid), nullable=False, server_default="{}"),
    UniqueConstraint("organization", "name", name="project_named_once"),
    Index("project_listed", "organization", "created", "id"),
)

experiment = Table(
    "experiment",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("project", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("deployment", Uuid),
    Column("why", Text),
    Column("base_version", Uuid),
    Column("target_model", Uuid),
    Column("parameters", JSONB, nullable=False),
    Column("datasets", JSONB, nullable=False),
    Column("job", Uuid),
    Column("done", BigInteger, nullable=False, server_default="0"),
    Column("total", BigInteger, nullable=False, server_default="0"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("lines", Integer, nullable=False, server_default="0"),
    Column("created", Timestamp, nullable=False),
    Column("started", Timestamp),
    Column("finished", Timestamp),
    Column("error", Text),
    Column("labels", ARRAY(Text), nullable=False, server_default="{}"),
    Column("metrics", JSONB, nullable=False, server_default="{}"),
    # services.trainer.store.artifacts.Kept
    Column("artifacts", JSONB, nullable=False, server_default="[]"),
    # Trained elsewhere: a script of the user's own says how far it is.
    Column("external", Boolean, nullable=False, server_default="false"),
    Column("description", Text, nullable=False, server_default=""),
    Column("base_experiment", Uuid),
    Index("experiment_listed", "organization", "created", "id"),
    Index(
        "experiment_artifacts",
        "artifacts",
        postgresql_using="gin",
        postgresql_ops={"artifacts": "jsonb_path_ops"},
    ),
    Index("experiment_open", "job", postgresql_where=text("finished IS NULL")),
)

run = Table(
    "run",
    metadata,
    Column("experiment", Uuid, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("started", Timestamp, nullable=False),
    Column("finished", Timestamp),
    Column("error", Text),
)

log_line = Table(
    "log_line",
    metadata,
    Column("experiment", Uuid, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("time", Timestamp, nullable=False),
    Column("text", Text, nullable=False),
)

metric_point = Table(
    "metric_point",
    metadata,
    Column("experiment", Uuid, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("step", BigInteger, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("value", Float, nullable=False),
)

# What an experiment shows beside its lines. The points of a LINE are metric points of its name.
log = Table(
    "log",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("experiment", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("changed", Timestamp, nullable=False),
    UniqueConstraint("experiment", "name", name="log_named_once"),
)
