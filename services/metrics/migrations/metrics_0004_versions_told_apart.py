"""versions told apart."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "metrics_0004"
down_revision = "metrics_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "register",
        sa.Column("versions", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )
