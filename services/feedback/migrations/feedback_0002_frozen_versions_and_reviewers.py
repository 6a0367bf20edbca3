"""Frozen versions, what a version was copied from, and who reviewed an asset."""

import sqlalchemy as sa
from alembic import op

revision = "feedback_0002"
down_revision = "feedback_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dataset_version", sa.Column("frozen", sa.DateTime(timezone=True), nullable=True))
    op.add_column("dataset_version", sa.Column("base", sa.Uuid(), nullable=True))
    op.add_column("dataset_version", sa.Column("query", sa.Text(), nullable=True))
    op.add_column("asset", sa.Column("reviewer", sa.Text(), nullable=True))
