"""first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "metrics_0001"
down_revision = None
branch_labels = ("metrics",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "heat",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("label", sa.Integer(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("grid", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "level", "bucket", "label"),
    )
    op.create_table(
        "look",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Uuid(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("d", sa.Double(), nullable=False),
        sa.Column("alarm", sa.Boolean(), nullable=False),
        sa.Column("of_features", sa.LargeBinary(), nullable=False),
        sa.Column("p_values", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "reference", "time"),
    )
    op.create_table(
        "prediction",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("data", sa.Uuid(), nullable=False),
        sa.Column("event_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latency", sa.Double(), nullable=False),
        sa.Column("boxes", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("picture", sa.Text(), nullable=True),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("reference", sa.Uuid(), nullable=True),
        sa.Column("outlier", sa.Double(), nullable=True),
        sa.Column("alarm", sa.Boolean(), nullable=True),
        sa.Column("features", sa.LargeBinary(), nullable=True),
        sa.Column("embedding", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("deployment", "id"),
    )
    op.create_index(
        "prediction_by_data",
        "prediction",
        ["data"],
        unique=False,
        postgresql_where=sa.text("picture IS NOT NULL"),
    )
    op.create_index(
        "prediction_by_time",
        "prediction",
        ["deployment", "event_time", "id"],
        unique=False,
        postgresql_where=sa.text("NOT deleted"),
    )
    op.create_index(
        "prediction_pending",
        "prediction",
        ["deployment", "event_time", "id"],
        unique=False,
        postgresql_where=sa.text("pending"),
    )
    op.create_index(
        "prediction_scored",
        "prediction",
        ["deployment", "reference", "event_time", "id"],
        unique=False,
        postgresql_where=sa.text("reference IS NOT NULL"),
    )
    op.create_table(
        "progress",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("predictions", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("logged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("scored", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reviewed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("referenced", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("deployment"),
    )
    op.create_index("progress_by_change", "progress", ["changed"], unique=False)
    op.create_table(
        "reference",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dataset_version", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("job", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("compared", sa.Integer(), server_default="0", nullable=False),
        sa.Column("window", sa.Integer(), server_default="0", nullable=False),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("features", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column(
            "labels", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("ready", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("deployment"),
        sa.UniqueConstraint("id"),
    )
    op.create_table(
        "register",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("names", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("deployment"),
    )
    op.create_table(
        "review",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("prediction", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("event_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("champion_version", sa.Uuid(), nullable=False),
        sa.Column("shadow_version", sa.Uuid(), nullable=True),
        sa.Column("champion_state", sa.LargeBinary(), nullable=True),
        sa.Column("shadow_state", sa.LargeBinary(), nullable=True),
        sa.Column("truth", sa.Integer(), nullable=True),
        sa.Column("champion_class", sa.Integer(), nullable=True),
        sa.Column("shadow_class", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("deployment", "prediction"),
    )
    op.create_index("review_by_time", "review", ["deployment", "event_time"], unique=False)
    op.create_table(
        "rollup",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("charted", sa.LargeBinary(), nullable=False),
        sa.Column("rest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "level", "bucket"),
    )
