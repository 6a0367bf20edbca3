"""What the query language asks for: source, tags, disagreement of champion and shadow."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "review_0002"
down_revision = "review_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("prediction", sa.Column("disagreement", sa.Float()))
    op.add_column("prediction", sa.Column("source", sa.Text()))
    # The former release's code writes rows without tags.
    op.add_column(
        "prediction",
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"),
    )


def downgrade() -> None:
    for column in ("tags", "source", "disagreement"):
        op.drop_column("prediction", column)
