"""The review service's own database: its schema, and lists that cost what their page costs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text

from libs.schemas.events import DrawOpened, Score
from libs.schemas.values import DeployedModel, Logged
from libs.store.clock import SystemClock
from libs.store.schema import check, differences, migrate
from libs.store.session import Database, open_database
from services.review.service import SCHEMA
from services.review.store import deletions, draws, listing, predictions
from services.review.store.listing import Direction, Filters, Place, Sort
from sightloop.embedded.postgres import EmbeddedPostgres
from tests.component.review_world import LABELS, World

ORGANIZATION, DEPLOYMENT, VERSION = uuid4(), uuid4(), uuid4()
CHAMPION = DeployedModel(
    version=VERSION, model=uuid4(), name="dock", number=1, threshold=0.4, labels=LABELS
)
FILL = text("""
    INSERT INTO prediction
    SELECT :deployment, gen_random_uuid(), :organization, gen_random_uuid(), :version,
           now() - n * interval '1 second', now(), 0.1, 'belt-' || n, n % 5, ARRAY[n % 4],
           NULL, NULL, CASE WHEN n % 2 = 0 THEN random() END, 'TO_REVIEW', 0, true, false, '{}',
           hashint8extended(n, 0)
    FROM generate_series(1, :count) AS n
""")


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    name = f"review_{uuid4().hex[:12]}"
    await postgres.create_database(name)
    database = open_database("review", postgres.dsn(name), clock=SystemClock())
    await migrate(database, SCHEMA)
    yield database
    await database.close()


async def fill(database: Database, count: int) -> None:
    async with database.begin() as tx:
        values = {
            "deployment": DEPLOYMENT, "organization": ORGANIZATION, "version": VERSION,
            "count": count,
        }  # fmt: skip
        await tx.execute(FILL, [values])
        await tx.execute(text("ANALYZE prediction"))


def content(count: int) -> list[Logged]:
    world = World(None, deployment=DEPLOYMENT, version=VERSION)  # type: ignore[arg-type]
    return [world.make(n) for n in range(count)]


def nodes(plan: dict[str, Any]) -> list[str]:
    below = [name for child in plan.get("Plans", []) for name in nodes(child)]
    return [str(plan["Node Type"]), *below]


async def test_the_migrations_make_what_the_tables_say(database: Database) -> None:
    await check(database, SCHEMA)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences, SCHEMA) == []


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("sort", Sort)
async def test_a_page_is_read_from_an_index_without_a_sort(
    database: Database, sort: Sort, direction: Direction
) -> None:
    await fill(database, 20_000)
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _k: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "LIMIT" in statement:
            asked.append((statement, parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    after: Place | None = None
    for _ in range(2):
        async with database.read() as read:
            rows = await listing.page(
                read, ORGANIZATION, DEPLOYMENT, filters=Filters(status="TO_REVIEW", label="car"),
                champion=CHAMPION, sort=sort, direction=direction, seed=1, after=after, limit=50,
            )  # fmt: skip
        assert len(rows) == 51
        last = rows[49]
        after = Place(last["segment"], listing.value_of(last, sort), last["id"])
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    async with database.engine.connect() as connection:
        for statement, parameters in asked:
            explained = await connection.exec_driver_sql(
                f"EXPLAIN (FORMAT JSON) {statement}", parameters
            )
            plan = nodes(explained.scalar_one()[0]["Plan"])
            assert "Index Scan" in plan, plan
            assert not {"Sort", "Incremental Sort", "Seq Scan"} & set(plan), plan


async def test_scores_and_predictions_at_once_lose_nothing(database: Database) -> None:
    logged = content(400)
    halves = [logged[i : i + 20] for i in range(0, 400, 20)]

    async def add(some: list[Logged]) -> None:
        async with database.begin() as tx:
            await predictions.add(tx, ORGANIZATION, DEPLOYMENT, some, models={})

    async def score(some: list[Logged]) -> None:
        scores = [Score(prediction=one.prediction, outlier=0.5, embedding=b"") for one in some]
        async with database.begin() as tx:
            await predictions.score(tx, ORGANIZATION, DEPLOYMENT, scores)

    await asyncio.gather(*(work(half) for half in halves for work in (score, add)))
    async with database.read() as read:
        counted = await read.first(
            text("SELECT count(*) AS n, count(outlier) AS scored FROM prediction")
        )
        left = await read.scalar(text("SELECT count(*) FROM early"))
    assert counted is not None
    assert (counted["n"], counted["scored"], left) == (400, 400, 0)


async def test_images_deleted_while_they_arrive_are_not_left_behind(database: Database) -> None:
    logged = content(40)

    async def add(one: Logged) -> None:
        async with database.begin() as tx:
            await predictions.add(tx, ORGANIZATION, DEPLOYMENT, [one], models={})

    async def delete(one: Logged) -> None:
        async with database.begin() as tx:
            await deletions.remove_data(tx, ORGANIZATION, one.data, erase=False)

    await asyncio.gather(*(work(one) for one in logged for work in (add, delete)))
    async with database.read() as read:
        for table in ("prediction", "payload", "ticket"):
            assert await read.scalar(text(f"SELECT count(*) FROM {table}")) == 0
        assert await read.scalar(text("SELECT count(*) FROM outbox")) == 40


async def test_two_processes_that_draw_at_once_draw_each_image_once(database: Database) -> None:
    async with database.begin() as tx:
        await predictions.add(tx, ORGANIZATION, DEPLOYMENT, content(50), models={})

    async def draw() -> int:
        async with database.begin() as tx:
            return await draws.open_draw(tx, ORGANIZATION, DEPLOYMENT)

    assert sorted(await asyncio.gather(draw(), draw(), draw())) == [0, 0, 50]
    async with database.read() as read:
        told = await read.scalar(
            text("SELECT count(*) FROM outbox WHERE headers LIKE '%draw.opened%'::bytea")
        )
    assert told == 1
    assert DrawOpened.event_type == "sightloop.draw.opened.v1"


async def test_another_organisations_rows_are_out_of_reach(database: Database) -> None:
    (one,) = content(1)
    async with database.begin() as tx:
        await predictions.add(tx, ORGANIZATION, DEPLOYMENT, [one], models={})
    stranger: UUID = uuid4()
    async with database.begin() as tx:
        assert await predictions.find(tx, stranger, DEPLOYMENT, one.prediction) is None
        assert await listing.counts(tx, stranger, DEPLOYMENT) == {}
        assert not await deletions.remove(
            tx, stranger, DEPLOYMENT, one.prediction, reason="", erase=True
        )
        assert await predictions.find(tx, ORGANIZATION, DEPLOYMENT, one.prediction) is not None
