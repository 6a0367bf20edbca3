"""Models, deployments and their roll-outs, draws, reviews with their losses, trials and looks."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
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

model = Table(
    "model",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("versions", Integer, nullable=False, server_default="0"),
    Column("created", Timestamp, nullable=False),
    UniqueConstraint("organization", "name", name="model_named_once"),
    Index("model_listed", "organization", "created", "id"),
)

model_version = Table(
    "model_version",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("model", Uuid, ForeignKey("model.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("framework", Text, nullable=False),
    Column("labels", ARRAY(Text), nullable=False),
    # As the event has them: libs.schemas.values.ModelFile, TrainedOn.
    Column("files", JSONB, nullable=False),
    Column("parameters", JSONB, nullable=False),
    Column("trained_on", JSONB, nullable=False),
    Column("threshold", Double, nullable=False),
    Column("experiment", Uuid),
    Column("created", Timestamp, nullable=False),
    UniqueConstraint("model", "number", name="model_version_numbered_once"),
    Index("model_version_listed", "organization", "model", "created", "id"),
)

deployment = Table(
    "deployment",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("champion", Uuid, ForeignKey("model_version.id"), nullable=False),
    Column("champion_threshold", Double, nullable=False),
    Column("shadow", Uuid, ForeignKey("model_version.id")),
    Column("shadow_threshold", Double),
    # [{"version", "threshold"}]: champions before this one, the latest last.
    Column("formers", JSONB, nullable=False, server_default="[]"),
    Column("sample_rate", Double, nullable=False),
    Column("retention_days", Integer),
    Column("delivery_active", Boolean, nullable=False),
    Column("delivery_policy", Text, nullable=False),
    # services.deployer.core.policy.Policy
    Column("verdict", JSONB, nullable=False),
    Column("created", Timestamp, nullable=False),
    Index(
        "deployment_named_once",
        "organization",
        "name",
        unique=True,
        postgresql_where=text("state = 'ACTIVE'"),
    ),
    Index("deployment_listed", "organization", "created", "id"),
)

tags = Tags(
    metadata,
    {
        TagTarget.DEPLOYMENT: Taggable(deployment),
        TagTarget.MODEL: Taggable(model),
        TagTarget.MODEL_VERSION: Taggable(model_version),
    },
)

loading = Table(
    "loading",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("version", Uuid, nullable=False),
    Column("error", Text),
    Column("time", Timestamp, nullable=False),
)

rollout = Table(
    "rollout",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("deployment", Uuid, ForeignKey("deployment.id"), nullable=False),
    Column("action", Text, nullable=False),
    Column("version", Uuid, nullable=False),
    Column("previous", Uuid),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("time", Timestamp, nullable=False),
    Index("rollout_listed", "organization", "deployment", "time", "id"),
)

draw = Table(
    "draw",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("population", BigInteger, nullable=False),
    Column("uniform", Double, nullable=False),
    Column("opened", Timestamp, nullable=False),
    # Images of the draw that were served when it closed; null while it is open.
    Column("served", Integer),
    Index("draw_in_order", "deployment", "number"),
)

drawn = Table(
    "drawn",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("draw", Uuid, primary_key=True),
    Column("prediction", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("position", Integer, nullable=False),
    Column("pi", Double, nullable=False),
    Column("weight", Double, nullable=False),
    Column("skipped", Boolean, nullable=False, server_default="false"),
    Index("drawn_by_prediction", "deployment", "prediction"),
)

review = Table(
    "review",
    metadata,
    Column("deployment", Uuid, primary_key=True),
    Column("prediction", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("champion", Uuid, nullable=False),
    Column("candidate", Uuid),
    Column("champion_threshold", Double),
    Column("candidate_threshold", Double),
    Column("champion_loss", Double),
    Column("candidate_loss", Double),
    # Null where there is no pair of losses: `why_not` says why.
    Column("d", Double),
    Column("why_not", Text),
    Column("draw", Uuid),
    Column("pi", Double),
    Column("start", Text, nullable=False),
    # `block` is the review's, as manifests have it; `burst` that of the trial's policy.
    Column("block", Text),
    Column("burst", Text),
    Column("sha256", Text),
    Column("revision", Integer, nullable=False),
    Column("deleted", Boolean, nullable=False, server_default="false"),
    Column("event_time", Timestamp, nullable=False),
    Column("receive_time", Timestamp, nullable=False),
    Column("reviewed_time", Timestamp, nullable=False),
)

trial = Table(
    "trial",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("deployment", Uuid, ForeignKey("deployment.id"), nullable=False),
    Column("champion", Uuid, nullable=False),
    Column("candidate", Uuid, nullable=False),
    Column("champion_threshold", Double, nullable=False),
    Column("candidate_threshold", Double, nullable=False),
    Column("policy", JSONB, nullable=False),
    Column("since", Timestamp, nullable=False),
    Column("ended", Timestamp),
    # READING, READ or FAILED: the training images of both models, which never count.
    Column("lineage", Text, nullable=False),
    Column("lineage_error", Text),
    Column("looks", Integer, nullable=False, server_default="0"),
    # The last look: services.deployer.core.verdict.Look.
    Column("latest", JSONB),
    Column("verdict", Text),
    Column("reached", Timestamp),
    Column("promoted", Timestamp),
    Index("trial_of_deployment", "organization", "deployment", "since"),
    Index(
        "trial_open_once",
        "deployment",
        unique=True,
        postgresql_where=text("ended IS NULL"),
    ),
)

look = Table(
    "look",
    metadata,
    Column("trial", Uuid, ForeignKey("trial.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("organization", Uuid, nullable=False),
    Column("time", Timestamp, nullable=False),
    Column("reviews", Integer, nullable=False),
    Column("mean", Double, nullable=False),
    Column("low", Double, nullable=False),
    Column("high", Double, nullable=False),
    Column("e_better", Double, nullable=False),
    Column("e_worse", Double, nullable=False),
    Column("e_not_worse", Double, nullable=False),
)

manifest = Table(
    "manifest",
    metadata,
    Column("organization", Uuid, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("images", Integer, nullable=False),
)

trained_image = Table(
    "trained_image",
    metadata,
    Column("organization", Uuid, primary_key=True),
    Column("manifest", Text, primary_key=True),
    Column("sha256", Text, primary_key=True),
    Column("block", Text),
    Index("trained_image_block", "organization", "manifest", "block"),
)

experiment = Table(
    "experiment",
    metadata,
    Column("organization", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("labels", ARRAY(Text), nullable=False),
    # As the event has them: libs.schemas.values.Artifact, TrainedOn.
    Column("artifacts", JSONB, nullable=False),
    Column("parameters", JSONB, nullable=False),
    Column("trained_on", JSONB, nullable=False),
)
