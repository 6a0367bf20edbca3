"""Migrations: one Alembic history per service beside one for the runtime's own tables.

Expand, then contract: a release adds what it needs and removes only what no running release
reads, so the former release runs on the new schema. A process is ready at its own revision or
at a later one.
"""

import io
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, MetaData, text

from libs.store.session import Database
from libs.store.tables import metadata as runtime_metadata

_HERE = Path(__file__).parent
_LOCK = 7_351_113_401


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A service's tables and the folder of its migrations."""

    metadata: MetaData
    migrations: Path


class SchemaTooOld(RuntimeError):
    """The database has not been migrated to what this release needs."""


async def migrate(database: Database, schema: Schema) -> None:
    """Bring a database to this release's revision; concurrent callers wait for one another."""
    async with database.engine.begin() as connection:
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        await connection.run_sync(_upgrade, schema)


async def check(database: Database, schema: Schema) -> None:
    """Raises SchemaTooOld unless the database is at this release's revision or a later one."""
    async with database.engine.connect() as connection:
        missing = await connection.run_sync(_missing, schema)
    if missing:
        raise SchemaTooOld(
            f"the database of {database.service} lacks {', '.join(sorted(missing))}: "
            f"run `sightloop migrate {database.service}`"
        )


def differences(connection: Connection, schema: Schema) -> list[object]:
    """What the tables in code and the migrated database do not agree on (for the tests)."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415

    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, _all_tables(schema)))


def write_migration(connection: Connection, schema: Schema, *, revision: str, message: str) -> Path:
    """Write the migration that makes the database what the tables in code say."""
    from alembic import command  # noqa: PLC0415

    config = _config(schema)
    config.attributes.update(connection=connection, metadata=_all_tables(schema))
    first = not any(schema.migrations.glob("*_*.py"))
    branch = revision.rsplit("_", 1)[0]
    made = command.revision(
        config,
        message,
        autogenerate=True,
        head="base" if first else f"{branch}@head",
        branch_label=branch if first else None,
        version_path=str(schema.migrations),
        rev_id=revision,
    )
    if made is None or isinstance(made, list):
        raise RuntimeError("Alembic wrote no single migration")
    path = Path(made.path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.lstrip().startswith("# ###")))
    return path


def _all_tables(schema: Schema) -> MetaData:
    together = MetaData()
    for metadata in (runtime_metadata, schema.metadata):
        for table in metadata.tables.values():
            table.to_metadata(together)
    return together


def _config(schema: Schema):  # type: ignore[no-untyped-def]  # Alembic is imported at first use
    from alembic.config import Config  # noqa: PLC0415

    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(_HERE / "alembic"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option(
        "version_locations", f"{_HERE / 'migrations'}\n{schema.migrations}".replace("%", "%%")
    )
    return config


def _upgrade(connection: Connection, schema: Schema) -> None:
    from alembic import command  # noqa: PLC0415

    if not _missing(connection, schema):
        return
    config = _config(schema)
    config.attributes["connection"] = connection
    command.upgrade(config, "heads")


def _missing(connection: Connection, schema: Schema) -> set[str]:
    from alembic.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    script = ScriptDirectory.from_config(_config(schema))
    known = {revision.revision for revision in script.walk_revisions()}
    current = set(MigrationContext.configure(connection).get_current_heads())
    later = current - known
    branches = {head.rsplit("_", 1)[0] for head in later}
    return {
        head
        for head in script.get_heads()
        if head not in current and head.rsplit("_", 1)[0] not in branches
    }
