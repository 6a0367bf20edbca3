"""Every service's migrations make what its tables say; a later release's schema is good enough."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from libs.store import schema
from libs.store.clock import SystemClock
from libs.store.session import open_database
from sightloop.embedded.postgres import EmbeddedPostgres
from sightloop.targets import SERVICES, schema_of

STORES = [name for name in SERVICES if schema_of(name) is not None]


@pytest.mark.parametrize("name", STORES)
async def test_the_migrations_make_what_the_tables_say(
    name: str, postgres: EmbeddedPostgres
) -> None:
    wanted = schema_of(name)
    assert wanted is not None
    database_name = f"s{uuid4().hex[:12]}"
    await postgres.create_database(database_name)
    database = open_database(name, postgres.dsn(database_name), clock=SystemClock(), pool=1)
    try:
        with pytest.raises(schema.SchemaTooOld, match=f"sightloop migrate {name}"):
            await schema.check(database, wanted)
        await schema.migrate(database, wanted)
        await schema.check(database, wanted)
        async with database.engine.connect() as connection:
            assert await connection.run_sync(schema.differences, wanted) == []
        await schema.migrate(database, wanted)
    finally:
        await database.close()


@pytest.mark.parametrize("name", STORES)
async def test_this_release_runs_on_the_schema_of_the_next(
    name: str, postgres: EmbeddedPostgres
) -> None:
    """Expand, then contract: the next release only adds, and its revision is one we do not know."""
    wanted = schema_of(name)
    assert wanted is not None
    database_name = f"s{uuid4().hex[:12]}"
    await postgres.create_database(database_name)
    database = open_database(name, postgres.dsn(database_name), clock=SystemClock(), pool=1)
    try:
        await schema.migrate(database, wanted)
        table = next(iter(wanted.metadata.tables))
        async with database.begin() as tx:
            await tx.execute(text(f'ALTER TABLE "{table}" ADD COLUMN of_the_next_release text'))
            await tx.execute(
                text("UPDATE alembic_version SET version_num = :next WHERE version_num LIKE :own"),
                [{"next": f"{name}_9999", "own": f"{name}_%"}],
            )
        await schema.check(database, wanted)
        await schema.migrate(database, wanted)
        async with database.read() as read:
            await read.all(wanted.metadata.tables[table].select())
    finally:
        await database.close()
