"""Predicted assets, reviews, the lottery, submissions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "review_0001"
down_revision = None
branch_labels = ("review",)
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _predictions()
    _lottery()
    op.create_table(
        "early",
        sa.Column("deployment", sa.Uuid(), primary_key=True),
        sa.Column("prediction", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("received", _TIME, nullable=False),
    )
    op.create_table(
        "tombstone",
        sa.Column("owner", sa.Uuid(), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("erase", sa.Boolean(), nullable=False),
        sa.Column("deleted", _TIME, nullable=False),
    )
    op.create_table(
        "labelmap",
        sa.Column("deployment", sa.Uuid(), primary_key=True),
        sa.Column("version", sa.Uuid(), primary_key=True),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("labels", postgresql.ARRAY(sa.Text()), nullable=False),
    )
    op.create_table(
        "submission",
        sa.Column("deployment", sa.Uuid(), primary_key=True),
        sa.Column("prediction", sa.Uuid(), primary_key=True),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("targets", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("dataset_version", sa.Uuid()),
        sa.Column("asset", sa.Uuid()),
        sa.Column("refused", sa.Text()),
    )


def _predictions() -> None:
    op.create_table(
        "prediction",
        sa.Column("deployment", sa.Uuid(), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("data", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Uuid(), nullable=False),
        sa.Column("event_time", _TIME, nullable=False),
        sa.Column("receive_time", _TIME, nullable=False),
        sa.Column("latency", sa.Float(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("boxes", sa.Integer(), nullable=False),
        sa.Column("labels", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("min_score", sa.Float()),
        sa.Column("max_score", sa.Float()),
        sa.Column("outlier", sa.Float()),
        sa.Column("status", sa.Text()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("has_picture", sa.Boolean(), nullable=False),
        sa.Column("has_shadow", sa.Boolean(), nullable=False),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("shuffle", sa.BigInteger(), nullable=False),
    )
    op.create_index("prediction_by_time", "prediction", ["deployment", "event_time", "id"])
    op.create_index("prediction_by_name", "prediction", ["deployment", "filename", "id"])
    op.create_index("prediction_by_outlier", "prediction", ["deployment", "outlier", "id"])
    op.create_index("prediction_shuffled", "prediction", ["deployment", "shuffle", "id"])
    op.create_index("prediction_by_status", "prediction", ["deployment", "status", "id"])
    op.create_index("prediction_by_data", "prediction", ["data"])
    op.create_table(
        "payload",
        sa.Column("deployment", sa.Uuid(), primary_key=True),
        sa.Column("prediction", sa.Uuid(), primary_key=True),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "review",
        sa.Column("deployment", sa.Uuid(), primary_key=True),
        sa.Column("prediction", sa.Uuid(), primary_key=True),
        sa.Column("revision", sa.Integer(), primary_key=True),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )


def _lottery() -> None:
    op.create_table(
        "draw",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("unanswered", sa.Integer(), nullable=False),
        sa.Column("opened", _TIME, nullable=False),
        sa.Column("closed", _TIME),
        sa.UniqueConstraint("deployment", "number", name="draw_numbered"),
    )
    op.create_table(
        "ticket",
        sa.Column("deployment", sa.Uuid(), primary_key=True),
        sa.Column("prediction", sa.Uuid(), primary_key=True),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("receive_time", _TIME, nullable=False),
        sa.Column("draw", sa.Uuid()),
        sa.Column("number", sa.Integer()),
        sa.Column("position", sa.Integer()),
        sa.Column("pi", sa.Float()),
        sa.Column("answer", sa.Text()),
    )
    op.create_index(
        "ticket_waiting",
        "ticket",
        ["deployment", "receive_time", "prediction"],
        postgresql_where=sa.text("draw IS NULL"),
    )
    op.create_index(
        "ticket_unanswered",
        "ticket",
        ["deployment", "number", "position"],
        postgresql_where=sa.text("draw IS NOT NULL AND answer IS NULL"),
    )
