"""Writing a migration: what a service's tables say, against what its migrations make."""

import tempfile
from pathlib import Path

from libs.store import schema
from libs.store.clock import SystemClock
from libs.store.session import open_database
from sightloop.embedded.postgres import EmbeddedPostgres
from sightloop.targets import schema_of


class NoStore(Exception):
    """The service has no database."""


async def write(service: str, message: str) -> Path:
    """Write the next migration of a service on a scratch database; read it before you commit it."""
    wanted = schema_of(service)
    if wanted is None:
        raise NoStore(f"{service} has no database")
    number = len(list(wanted.migrations.glob(f"{service}_*.py"))) + 1
    with tempfile.TemporaryDirectory(prefix="sightloop-") as folder:
        async with EmbeddedPostgres(Path(folder), durable=False) as postgres:
            await postgres.create_database("scratch")
            database = open_database(service, postgres.dsn("scratch"), clock=SystemClock(), pool=1)
            try:
                await schema.migrate(database, wanted)
                async with database.engine.begin() as connection:
                    return await connection.run_sync(
                        schema.write_migration,
                        wanted,
                        revision=f"{service}_{number:04d}",
                        message=message,
                    )
            finally:
                await database.close()
