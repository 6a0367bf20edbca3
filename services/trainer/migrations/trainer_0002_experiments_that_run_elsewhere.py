"""experiments that run elsewhere."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "trainer_0002"
down_revision = "trainer_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("experiment", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("experiment", "name", name="log_named_once"),
    )
    op.add_column(
        "experiment", sa.Column("external", sa.Boolean(), server_default="false", nullable=False)
    )
    op.add_column(
        "experiment", sa.Column("description", sa.Text(), server_default="", nullable=False)
    )
    op.add_column("experiment", sa.Column("base_experiment", sa.Uuid(), nullable=True))
    op.create_index(
        "experiment_artifacts",
        "experiment",
        ["artifacts"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"artifacts": "jsonb_path_ops"},
    )
    op.add_column(
        "project",
        sa.Column(
            "dataset_versions", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False
        ),
    )
    # What experiments have logged until now is found by name as well.
    op.execute(
        "INSERT INTO log (id, organization, experiment, name, type, data, changed) "
        "SELECT gen_random_uuid(), organization, experiment, name, 'LINE', "
        "jsonb_build_object('', name), now() "
        "FROM (SELECT DISTINCT organization, experiment, name FROM metric_point) AS series "
        "ON CONFLICT DO NOTHING"
    )
    op.execute(
        "INSERT INTO log (id, organization, experiment, name, type, data, changed) "
        "SELECT gen_random_uuid(), organization, id, 'parameters', 'TABLE', parameters, now() "
        "FROM experiment WHERE parameters <> '{}' ON CONFLICT DO NOTHING"
    )
