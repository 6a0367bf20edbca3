"""alerts."""

import sqlalchemy as sa
from alembic import op

revision = "metrics_0006"
down_revision = "metrics_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fired_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("worst", sa.Double(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("resolved_text", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("alert_listed", "alert", ["organization", "fired_time", "id"], unique=False)
    op.create_index(
        "alert_of_deployment",
        "alert",
        ["organization", "deployment", "fired_time", "id"],
        unique=False,
    )
    op.create_index(
        "alert_once",
        "alert",
        ["rule"],
        unique=True,
        postgresql_where=sa.text("resolved_time IS NULL"),
    )
    op.create_table(
        "alert_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("deployment", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("resolved_threshold", sa.Double(), nullable=True),
        sa.Column("window_minutes", sa.Integer(), nullable=False),
        sa.Column("for_minutes", sa.Integer(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("silenced_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("firing", sa.Uuid(), nullable=True),
        sa.Column("fired_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("checked", sa.DateTime(timezone=True), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "alert_rule_due", "alert_rule", ["due"], unique=False, postgresql_where=sa.text("enabled")
    )
    op.create_index(
        "alert_rule_listed",
        "alert_rule",
        ["organization", "deployment", "created", "id"],
        unique=False,
    )
