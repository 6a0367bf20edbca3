"""Models, deployments, roll-outs, draws, reviews, trials and looks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "deployer_0001"
down_revision = None
branch_labels = ("deployer",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "draw",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("population", sa.BigInteger(), nullable=False),
        sa.Column("uniform", sa.Double(), nullable=False),
        sa.Column("opened", sa.DateTime(timezone=True), nullable=False),
        sa.Column("served", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("deployment", "id"),
    )
    op.create_index("draw_in_order", "draw", ["deployment", "number"], unique=False)
    op.create_table(
        "drawn",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("draw", sa.Uuid(), nullable=False),
        sa.Column("prediction", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("pi", sa.Double(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("skipped", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("deployment", "draw", "prediction"),
    )
    op.create_index("drawn_by_prediction", "drawn", ["deployment", "prediction"], unique=False)
    op.create_table(
        "experiment",
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("labels", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("artifacts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("trained_on", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
    )
    op.create_table(
        "loading",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Uuid(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "role"),
    )
    op.create_table(
        "manifest",
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "key"),
    )
    op.create_table(
        "model",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("versions", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organization", "name", name="model_named_once"),
    )
    op.create_index("model_listed", "model", ["organization", "created", "id"], unique=False)
    op.create_table(
        "review",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("prediction", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("champion", sa.Uuid(), nullable=False),
        sa.Column("candidate", sa.Uuid(), nullable=True),
        sa.Column("champion_threshold", sa.Double(), nullable=True),
        sa.Column("candidate_threshold", sa.Double(), nullable=True),
        sa.Column("champion_loss", sa.Double(), nullable=True),
        sa.Column("candidate_loss", sa.Double(), nullable=True),
        sa.Column("d", sa.Double(), nullable=True),
        sa.Column("why_not", sa.Text(), nullable=True),
        sa.Column("draw", sa.Uuid(), nullable=True),
        sa.Column("pi", sa.Double(), nullable=True),
        sa.Column("start", sa.Text(), nullable=False),
        sa.Column("block", sa.Text(), nullable=True),
        sa.Column("burst", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("event_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("receive_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "prediction"),
    )
    op.create_table(
        "trained_image",
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("block", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "manifest", "sha256"),
    )
    op.create_index(
        "trained_image_block", "trained_image", ["organization", "manifest", "block"], unique=False
    )
    op.create_table(
        "model_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("model", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("framework", sa.Text(), nullable=False),
        sa.Column("labels", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("files", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("trained_on", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("experiment", sa.Uuid(), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["model"],
            ["model.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("model", "number", name="model_version_numbered_once"),
    )
    op.create_index(
        "model_version_listed",
        "model_version",
        ["organization", "model", "created", "id"],
        unique=False,
    )
    op.create_table(
        "deployment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("champion", sa.Uuid(), nullable=False),
        sa.Column("champion_threshold", sa.Double(), nullable=False),
        sa.Column("shadow", sa.Uuid(), nullable=True),
        sa.Column("shadow_threshold", sa.Double(), nullable=True),
        sa.Column(
            "formers", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column("sample_rate", sa.Double(), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=True),
        sa.Column("delivery_active", sa.Boolean(), nullable=False),
        sa.Column("delivery_policy", sa.Text(), nullable=False),
        sa.Column("verdict", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["champion"],
            ["model_version.id"],
        ),
        sa.ForeignKeyConstraint(
            ["shadow"],
            ["model_version.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "deployment_listed", "deployment", ["organization", "created", "id"], unique=False
    )
    op.create_index(
        "deployment_named_once",
        "deployment",
        ["organization", "name"],
        unique=True,
        postgresql_where=sa.text("state = 'ACTIVE'"),
    )
    op.create_table(
        "rollout",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("version", sa.Uuid(), nullable=False),
        sa.Column("previous", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment"],
            ["deployment.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "rollout_listed", "rollout", ["organization", "deployment", "time", "id"], unique=False
    )
    op.create_table(
        "trial",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("champion", sa.Uuid(), nullable=False),
        sa.Column("candidate", sa.Uuid(), nullable=False),
        sa.Column("champion_threshold", sa.Double(), nullable=False),
        sa.Column("candidate_threshold", sa.Double(), nullable=False),
        sa.Column("policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lineage", sa.Text(), nullable=False),
        sa.Column("lineage_error", sa.Text(), nullable=True),
        sa.Column("looks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("latest", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("reached", sa.DateTime(timezone=True), nullable=True),
        sa.Column("promoted", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment"],
            ["deployment.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "trial_of_deployment", "trial", ["organization", "deployment", "since"], unique=False
    )
    op.create_index(
        "trial_open_once",
        "trial",
        ["deployment"],
        unique=True,
        postgresql_where=sa.text("ended IS NULL"),
    )
    op.create_table(
        "look",
        sa.Column("trial", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviews", sa.Integer(), nullable=False),
        sa.Column("mean", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("e_better", sa.Double(), nullable=False),
        sa.Column("e_worse", sa.Double(), nullable=False),
        sa.Column("e_not_worse", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["trial"],
            ["trial.id"],
        ),
        sa.PrimaryKeyConstraint("trial", "number"),
    )
