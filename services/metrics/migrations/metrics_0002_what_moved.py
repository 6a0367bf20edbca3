"""what moved."""

import sqlalchemy as sa
from alembic import op

revision = "metrics_0002"
down_revision = "metrics_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("heat", "rollup", "progress"):
        op.add_column(
            table, sa.Column("moved", sa.BigInteger(), server_default="0", nullable=False)
        )
    op.create_index("heat_by_move", "heat", ["deployment", "moved"], unique=False)
    op.create_index("rollup_by_move", "rollup", ["deployment", "moved"], unique=False)
