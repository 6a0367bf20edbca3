"""references follow."""

import sqlalchemy as sa
from alembic import op

revision = "metrics_0005"
down_revision = "metrics_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("reference", "dataset_version", existing_type=sa.Uuid(), nullable=True)
    op.add_column(
        "reference", sa.Column("origin", sa.Text(), server_default="dataset", nullable=False)
    )
    op.add_column(
        "reference", sa.Column("pinned", sa.Boolean(), server_default="false", nullable=False)
    )
    op.add_column("reference", sa.Column("champion", sa.Uuid(), nullable=True))
