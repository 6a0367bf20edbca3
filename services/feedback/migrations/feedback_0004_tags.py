"""Tags of what the service has."""

import sqlalchemy as sa
from alembic import op

revision = "feedback_0004"
down_revision = "feedback_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tag",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("within", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organization", "target", "within", "name", name="tag_once"),
    )
    op.create_table(
        "tagged",
        sa.Column("object", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("object", "tag"),
    )
    op.create_index("tagged_by_tag", "tagged", ["tag", "object"])
