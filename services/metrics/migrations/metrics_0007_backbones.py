"""backbones."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "metrics_0007"
down_revision = "metrics_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backbone",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("scaling", sa.Text(), nullable=False),
        sa.Column("features", sa.Integer(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organization", "name", name="backbone_name"),
    )
    op.create_table(
        "deployment_backbone",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("backbone", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("deployment"),
    )
    op.add_column("reference", sa.Column("backbone", sa.Uuid(), nullable=True))
    op.add_column("reference", sa.Column("backbone_name", sa.Text(), nullable=True))
    op.add_column(
        "reference",
        sa.Column("formers", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )
