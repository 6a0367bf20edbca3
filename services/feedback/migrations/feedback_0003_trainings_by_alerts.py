"""trainings by alerts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "feedback_0003"
down_revision = "feedback_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarm",
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("alert", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("fired_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("experiment", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("deployment", "alert"),
    )
    op.create_index(
        "alarm_listed", "alarm", ["organization", "deployment", "fired_time"], unique=False
    )
    op.create_index(
        "alarm_waiting",
        "alarm",
        ["fired_time"],
        unique=False,
        postgresql_where=sa.text("outcome = 'WAITING'"),
    )
    op.add_column("crossing", sa.Column("finished", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "crossing_unfinished",
        "crossing",
        ["deployment"],
        unique=False,
        postgresql_where=sa.text("finished IS NULL"),
    )
    op.add_column(
        "training",
        sa.Column("alert_rules", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )
    op.add_column(
        "training", sa.Column("least_reviewed", sa.Integer(), server_default="10", nullable=False)
    )
    # What was asked for before is not waited for.
    op.execute('UPDATE crossing SET finished = "time"')
