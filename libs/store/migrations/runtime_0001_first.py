"""Outbox, inbox, leases and jobs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "runtime_0001"
down_revision = None
branch_labels = ("runtime",)
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("headers", sa.LargeBinary(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("created", _TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text(), primary_key=True),
        sa.Column("event", sa.Uuid(), primary_key=True),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("received", _TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_index("inbox_received", "inbox", ["received"])
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("holder", sa.Uuid(), nullable=False),
        sa.Column("until", _TIME, nullable=False),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("total", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("message", sa.Text(), nullable=False, server_default=""),
        sa.Column("attempt", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("error", sa.Text()),
        sa.Column("holder", sa.Uuid()),
        sa.Column("lease_until", _TIME),
        sa.Column("run_after", _TIME, nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("finished", _TIME),
        sa.UniqueConstraint("kind", "key", name="job_once"),
    )
    op.create_index("job_due", "job", ["kind", "state", "run_after"])
    op.create_index("job_listed", "job", ["organization", "created", "id"])
