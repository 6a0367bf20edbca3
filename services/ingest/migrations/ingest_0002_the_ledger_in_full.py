"""The ledger in full: dead letters, gaps, refusals by hour, alerts."""

import sqlalchemy as sa
from alembic import op

revision = "ingest_0002"
down_revision = "ingest_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "book_alert",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("alert", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fired_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("missing", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("deployment"),
    )
    op.create_table(
        "dead",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("boot", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("died", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "boot", "sequence"),
    )
    op.create_table(
        "gap",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("boot", sa.Uuid(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "boot", "first"),
    )
    op.create_table(
        "rejection_hour",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "reason", "hour"),
    )
    op.create_index("rejection_by_hour", "rejection_hour", ["organization", "hour"], unique=False)
    op.create_table(
        "uncertain",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("boot", sa.Uuid(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "boot", "first"),
    )
    op.add_column(
        "book", sa.Column("dead_lettered", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column(
        "book", sa.Column("replayed", sa.BigInteger(), server_default="0", nullable=False)
    )
