"""Rollups, heat maps, one row a prediction, reviews, references, drift, alerts."""

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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from libs.store.tables import Timestamp

metadata = MetaData()

# A bucket in two packed parts: what charts draw over time, and what only totals show. `moved`:
# the deployment's move that wrote it last, so that a reader can ask for what he has not seen.
rollup = Table(
    "rollup",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("level", Text, primary_key=True),
    Column("bucket", Timestamp, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("charted", LargeBinary, nullable=False),
    Column("rest", LargeBinary, nullable=False),
    Column("moved", BigInteger, nullable=False, server_default="0"),
    Index("rollup_by_move", "deployment", "moved"),
)

heat = Table(
    "heat",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("level", Text, primary_key=True),
    Column("bucket", Timestamp, primary_key=True),
    Column("label", Integer, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("grid", LargeBinary, nullable=False),
    Column("moved", BigInteger, nullable=False, server_default="0"),
    Index("heat_by_move", "deployment", "moved"),
)

# The register of label names and model versions: a class or version index in any packed content
# is a position here.
register = Table(
    "register",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("names", ARRAY(Text), nullable=False),
    Column("versions", ARRAY(Uuid), nullable=False, server_default="{}"),
)

# How often each family of numbers moved. The tag of a dashboard, and what browsers are told.
# `moved` numbers all moves; who raises it holds the row until he commits, so that moves commit
# in their order.
progress = Table(
    "progress",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("predictions", BigInteger, nullable=False, server_default="0"),
    Column("logged", BigInteger, nullable=False, server_default="0"),
    Column("scored", BigInteger, nullable=False, server_default="0"),
    Column("reviewed", BigInteger, nullable=False, server_default="0"),
    Column("referenced", BigInteger, nullable=False, server_default="0"),
    Column("moved", BigInteger, nullable=False, server_default="0"),
    Column("changed", Timestamp, nullable=False),
    Index("progress_by_change", "changed"),
)

# `deleted` rows are tombstones: the same prediction told again is not counted again.
prediction = Table(
    "prediction",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("data", Uuid, nullable=False),
    Column("event_time", Timestamp, nullable=False),
    Column("latency", Double, nullable=False),
    Column("boxes", Integer, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("picture", Text),
    # Waits to be scored: it has a picture that the current reference has not seen.
    Column("pending", Boolean, nullable=False),
    Column("reference", Uuid),
    Column("outlier", Double),
    Column("alarm", Boolean),
    Column("features", LargeBinary),
    Column("embedding", LargeBinary),
    Index(
        "prediction_by_time",
        "deployment",
        "event_time",
        "id",
        postgresql_where=text("NOT deleted"),
    ),
    Index(
        "prediction_pending",
        "deployment",
        "event_time",
        "id",
        postgresql_where=text("pending"),
    ),
    Index(
        "prediction_scored",
        "deployment",
        "reference",
        "event_time",
        "id",
        postgresql_where=text("reference IS NOT NULL"),
    ),
    Index("prediction_by_data", "data", postgresql_where=text("picture IS NOT NULL")),
)

# Detection: packed match states, kinds of errors (`items`) and each image's own AP.
# Classification: indices in the register and the best class's score. `pi`: the probability with
# which the draw chose the image; null where a human picked it.
review = Table(
    "review",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("prediction", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("event_time", Timestamp, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("champion_version", Uuid, nullable=False),
    Column("shadow_version", Uuid),
    Column("champion_state", LargeBinary),
    Column("shadow_state", LargeBinary),
    Column("truth", Integer),
    Column("champion_class", Integer),
    Column("shadow_class", Integer),
    Column("source", Text),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    Column("draw", Uuid),
    Column("pi", Double),
    Column("block", Text),
    Column("champion_items", LargeBinary),
    Column("shadow_items", LargeBinary),
    Column("champion_ap", Double),
    Column("shadow_ap", Double),
    Column("champion_score", Double),
    Column("shadow_score", Double),
    Index("review_by_time", "deployment", "event_time"),
)

# Draws that were closed before all they chose was served: π ← π·served/chosen.
draw = Table(
    "draw",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("draw", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("served", Integer, nullable=False),
    Column("chosen", Integer, nullable=False),
)

# Drawn images that a reviewer left out.
skipped = Table(
    "skipped",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("prediction", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("pi", Double, nullable=False),
)

# What a deployment's images are compared with. `ready` null: being computed, or its job failed.
reference = Table(
    "reference",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("id", Uuid, nullable=False, unique=True),
    Column("dataset_version", Uuid),
    # dataset: a version, followed when it changes; champion: what the champion was trained on;
    # production: the first images logged. Where it is not pinned, a new champion brings its own.
    Column("origin", Text, nullable=False, server_default="dataset"),
    Column("pinned", Boolean, nullable=False, server_default="false"),
    Column("champion", Uuid),
    Column("digest", Text),
    Column("job", Uuid, nullable=False),
    Column("key", Text),
    Column("images", Integer, nullable=False, server_default="0"),
    Column("compared", Integer, nullable=False, server_default="0"),
    Column("window", Integer, nullable=False, server_default="0"),
    Column("threshold", Double),
    Column("features", ARRAY(Text), nullable=False, server_default="{}"),
    Column("labels", JSONB, nullable=False, server_default="{}"),
    Column("ready", Timestamp),
    # NULL: the built-in net. `formers`: references of other embeddings that left scores.
    Column("backbone", Uuid),
    Column("backbone_name", Text),
    Column("formers", ARRAY(Uuid), nullable=False, server_default="{}"),
)

# A user's own network that embeds images; `features`: how many values it gives.
backbone = Table(
    "backbone",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("scaling", Text, nullable=False),
    Column("features", Integer, nullable=False),
    Column("created", Timestamp, nullable=False),
    UniqueConstraint("organization", "name", name="backbone_name"),
)

# Which backbone a deployment's references are made with; without a row the built-in net.
deployment_backbone = Table(
    "deployment_backbone",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("backbone", Uuid, nullable=False),
)

# A look at the live window: D and p of each feature, packed float64.
look = Table(
    "look",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("reference", Uuid, primary_key=True),
    Column("time", Timestamp, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("d", Double, nullable=False),
    Column("alarm", Boolean, nullable=False),
    Column("of_features", LargeBinary, nullable=False),
    Column("p_values", LargeBinary, nullable=False),
)

# A rule and how it stands (core.alerting.rules.Standing). `due`: when it is checked next; `firing`:
# the alert that it fires, `told`: whether anybody was told of it, which a silenced rule's is not.
alert_rule = Table(
    "alert_rule",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("deployment", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("threshold", Double, nullable=False),
    Column("resolved_threshold", Double),
    Column("window_minutes", Integer, nullable=False),
    Column("for_minutes", Integer, nullable=False),
    Column("severity", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("silenced_until", Timestamp),
    Column("created", Timestamp, nullable=False),
    Column("due", Timestamp, nullable=False),
    Column("since", Timestamp),
    Column("firing", Uuid),
    Column("fired_time", Timestamp),
    Column("told", Boolean, nullable=False, server_default="false"),
    Column("checked", Timestamp),
    Column("value", Double),
    Index("alert_rule_listed", "organization", "deployment", "created", "id"),
    Index("alert_rule_due", "due", postgresql_where=text("enabled")),
)

# Every firing, for good: as its rule was when it fired.
alert = Table(
    "alert",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("deployment", Uuid, nullable=False),
    Column("rule", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("threshold", Double, nullable=False),
    Column("severity", Text, nullable=False),
    Column("since", Timestamp, nullable=False),
    Column("fired_time", Timestamp, nullable=False),
    Column("resolved_time", Timestamp),
    Column("value", Double, nullable=False),
    Column("worst", Double, nullable=False),
    Column("text", Text, nullable=False),
    Column("resolved_text", Text),
    Index("alert_once", "rule", unique=True, postgresql_where=text("resolved_time IS NULL")),
    Index("alert_listed", "organization", "fired_time", "id"),
    Index("alert_of_deployment", "organization", "deployment", "fired_time", "id"),
)
