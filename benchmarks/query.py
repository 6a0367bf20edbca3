"""First pages and counts of queries over predictions, at a million rows.

    python -m benchmarks.query [--rows N]

On the embedded PostgreSQL, warm; the time of `listing.page` (50 rows, newest first) and of
`listing.count`, with the SQL's own parsing and planning. One prediction in fifty has both tags,
one in a hundred is an outlier, one in a thousand disagrees, four in ten thousand are reviewed.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from sqlalchemy import text

from libs.query.fields import checked
from libs.query.reading import parse
from libs.schemas.values import DeployedModel
from libs.store.clock import SystemClock
from libs.store.schema import migrate
from libs.store.session import Database, open_database
from services.review.core import asking
from services.review.service import SCHEMA
from services.review.store import listing
from services.review.store.listing import Direction, Filters, Sort
from sightloop.embedded.postgres import EmbeddedPostgres

QUERIES = (
    "reviewed = True",
    "boxes > 4",
    'labels != "car"',
    'labels = "car" and score.max < 0.6',
    'tags = "night" and tags = "dock"',
    "outlier > 0.99",
    "disagreement > 0.999",
    'reviewed = False and labels != "car" and outlier > 0.9 and disagreement > 0.5',
    'filename endswith "77.jpg"',
    'source = "nowhere"',
)
ORGANIZATION, DEPLOYMENT = uuid4(), uuid4()
CHAMPION = DeployedModel(
    version=uuid4(), model=uuid4(), name="dock", number=1, threshold=0.4, labels=["person", "car"]
)
FILL = text("""
    INSERT INTO prediction (
        deployment, id, organization, data, version, event_time, receive_time, latency, filename,
        boxes, labels, min_score, max_score, outlier, status, revision, has_picture, has_shadow,
        disagreement, source, tags, flags, shuffle
    )
    SELECT :deployment, gen_random_uuid(), :organization, gen_random_uuid(), :version,
        now() - n * interval '1 second', now(), 0.1, 'belt-' || n || '.jpg', n % 7, ARRAY[n % 4],
        random() / 2, 0.5 + random() / 2, random(),
        CASE WHEN n % 2500 = 0 THEN 'REVIEWED' ELSE 'TO_REVIEW' END, (n % 2500 = 0)::int,
        true, true, random(), 'line ' || n % 5,
        CASE WHEN n % 50 = 0 THEN ARRAY['night', 'dock'] WHEN n % 3 = 0 THEN ARRAY['night']
            ELSE '{}' END,
        '{}', hashint8extended(n, 0)
    FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
""")
TIMES = 7
SLICE = 50_000


async def main(rows: int) -> None:
    with tempfile.TemporaryDirectory(prefix="sightloop-") as folder:
        async with EmbeddedPostgres(Path(folder) / "pg", durable=False) as postgres:
            await postgres.create_database("review")
            database = open_database("review", postgres.dsn("review"), clock=SystemClock())
            await migrate(database, SCHEMA)
            for first in range(0, rows, SLICE):
                await fill(database, first + 1, min(first + SLICE, rows))
            async with database.engine.connect() as connection:
                bare = await connection.execution_options(isolation_level="AUTOCOMMIT")
                await bare.execute(text("VACUUM ANALYZE prediction"))
            print(f"{rows:,} predictions; milliseconds, median of {TIMES}")
            print(f"{'page':>8} {'count':>8} {'found':>9}  query")
            for query in QUERIES:
                await measure(database, query)
            await database.close()


async def fill(database: Database, first: int, last: int) -> None:
    values = {
        "deployment": DEPLOYMENT,
        "organization": ORGANIZATION,
        "version": CHAMPION.version,
        "first": first,
        "last": last,
    }
    async with database.begin() as tx:
        await tx.execute(FILL, [values])


async def measure(database: Database, query: str) -> None:
    pages, counts = [], []
    found = 0
    tree = parse(query)
    assert tree is not None
    filters = Filters(query=checked(tree, asking.fields(CHAMPION.labels)))
    for _ in range(TIMES):
        async with database.read() as read:
            started = time.perf_counter()
            await listing.page(
                read, ORGANIZATION, DEPLOYMENT, filters=filters, champion=CHAMPION,
                sort=Sort.DATE, direction=Direction.DESC, seed=0, after=None, limit=50,
            )  # fmt: skip
            between = time.perf_counter()
            found = await listing.count(
                read, ORGANIZATION, DEPLOYMENT, filters=filters, champion=CHAMPION
            )
            pages.append(between - started)
            counts.append(time.perf_counter() - between)
    page, count = (statistics.median(some) * 1000 for some in (pages, counts))
    print(f"{page:8.1f} {count:8.1f} {found:9,}  {query}", flush=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    asyncio.run(main(arguments.parse_args().rows))
