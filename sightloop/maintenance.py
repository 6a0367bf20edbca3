"""Bringing databases to this release."""

from collections.abc import Sequence

from libs.runtime.settings import Platform, load
from libs.store import schema
from libs.store.clock import SystemClock
from libs.store.session import open_database
from sightloop.targets import SERVICES, schema_of


async def migrate_services(names: Sequence[str] | None) -> list[str]:
    """Migrate the databases of services (all if None); says what it did, a line for each."""
    settings = load(Platform)
    lines = []
    for name in names or SERVICES:
        wanted = schema_of(name)
        if wanted is None:
            continue
        url = settings.database_url.replace("{service}", name)
        database = open_database(name, url, clock=SystemClock(), pool=1)
        try:
            await schema.migrate(database, wanted)
        finally:
            await database.close()
        lines.append(f"{name}: at this release")
    return lines
