"""what reviews tell."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "metrics_0003"
down_revision = "metrics_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "draw",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("draw", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("served", sa.Integer(), nullable=False),
        sa.Column("chosen", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "draw"),
    )
    op.create_table(
        "skipped",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("prediction", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("pi", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "prediction"),
    )
    for column in (
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("draw", sa.Uuid(), nullable=True),
        sa.Column("pi", sa.Double(), nullable=True),
        sa.Column("block", sa.Text(), nullable=True),
        sa.Column("champion_items", sa.LargeBinary(), nullable=True),
        sa.Column("shadow_items", sa.LargeBinary(), nullable=True),
        sa.Column("champion_ap", sa.Double(), nullable=True),
        sa.Column("shadow_ap", sa.Double(), nullable=True),
        sa.Column("champion_score", sa.Double(), nullable=True),
        sa.Column("shadow_score", sa.Double(), nullable=True),
    ):
        op.add_column("review", column)
