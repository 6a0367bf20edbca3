"""Datasets, assets, feedback loops, trainings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "feedback_0001"
down_revision = None
branch_labels = ("feedback",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "asset",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("dataset_version", sa.Uuid(), nullable=False),
        sa.Column("data", sa.Uuid(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("picture_key", sa.Text(), nullable=False),
        sa.Column("picture_sha256", sa.Text(), nullable=False),
        sa.Column("picture_size", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("block", sa.Text(), nullable=True),
        sa.Column("event_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("annotation", postgresql.JSONB(), nullable=True),
        sa.Column("deployment", sa.Uuid(), nullable=True),
        sa.Column("prediction", sa.Uuid(), nullable=True),
        sa.Column("review_revision", sa.Integer(), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("dataset_version", "data", name="asset_once"),
    )
    op.create_index("asset_by_data", "asset", ["organization", "data"], unique=False)
    op.create_index("asset_by_picture", "asset", ["organization", "picture_sha256"], unique=False)
    op.create_index("asset_listed", "asset", ["dataset_version", "created", "id"], unique=False)
    op.create_table(
        "counted",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("prediction", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "prediction"),
    )
    op.create_table(
        "crossing",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("experiment", sa.Uuid(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "number"),
    )
    op.create_table(
        "dataset",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organization", "name", name="dataset_name"),
    )
    op.create_index("dataset_listed", "dataset", ["organization", "created", "id"], unique=False)
    op.create_table(
        "dataset_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("dataset", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("labels", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("dirty", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assets", sa.Integer(), server_default="0", nullable=False),
        sa.Column("annotated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("objects_per_label", postgresql.JSONB(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("manifest", sa.Text(), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("dataset", "version", name="dataset_version_name"),
    )
    op.create_index("dataset_version_dirty", "dataset_version", ["dirty"], unique=False)
    op.create_index(
        "dataset_version_listed", "dataset_version", ["organization", "created", "id"], unique=False
    )
    op.create_table(
        "erasure",
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("data", sa.Uuid(), nullable=False),
        sa.Column("erased", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization", "data"),
    )
    op.create_table(
        "feedback_loop",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("dataset_versions", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("deployment"),
    )
    op.create_table(
        "submission",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("prediction", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("dataset_version", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("asset", sa.Uuid(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.Column("settled", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "prediction", "revision", "dataset_version"),
    )
    op.create_table(
        "training",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("project", sa.Uuid(), nullable=True),
        sa.Column("datasets", postgresql.JSONB(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("cool_down", sa.Double(), nullable=False),
        sa.Column("submitted", sa.Integer(), nullable=False),
        sa.Column("crossings", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("deployment"),
    )
