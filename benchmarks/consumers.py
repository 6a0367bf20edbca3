"""What a logged prediction costs the three services that consume it.

    python -m benchmarks.consumers [--rounds N]

Each takes batches of 500 events of one deployment, a transaction each, on an embedded PostgreSQL:
decoded, handled, committed. CPU is of this process and of PostgreSQL's, for an event; the services
take turns. Reading the bus and committing offsets is not in it: see
`benchmarks.runner`.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from statistics import mean, median
from uuid import UUID, uuid4

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._doors import DEPLOYMENT, announce, open_context
from libs.bus.consumer import Handler
from libs.bus.memory import MemoryBus
from libs.schemas.envelope import Message, Meta, decode, encode
from libs.schemas.events import PredictionLogged
from libs.schemas.ids import uuid7
from libs.schemas.topics import TOPICS
from libs.schemas.values import Logged, Output, Shapes, TaskType
from libs.store import schema
from libs.store.clock import SystemClock
from libs.store.session import Cause, Database, open_database
from services.ingest.service import build as build_ingest
from services.metrics.service import build as build_metrics
from services.review.service import build as build_review
from sightloop.embedded.postgres import EmbeddedPostgres
from sightloop.keys import make_keys

EVENTS = 500
SERVICES = {"ingest": build_ingest, "metrics": build_metrics, "review": build_review}
_TICK = os.sysconf("SC_CLK_TCK")


def messages(organization: UUID) -> list[Message]:
    """Predictions of ten boxes, as the monitor endpoint publishes them."""
    now, boot = SystemClock().now(), uuid4()
    shapes = Shapes(
        classes=[i % 2 for i in range(10)],
        scores=[round(0.9 - i / 20, 3) for i in range(10)],
        boxes=[(20.0 + i, 10.0 + i, 70.0, 100.0) for i in range(10)],
    )
    made = []
    for sequence in range(1, EVENTS + 1):
        logged = Logged(
            deployment=DEPLOYMENT, prediction=uuid7(now), data=uuid4(),
            type=TaskType.OBJECT_DETECTION, filename="belt-000017.jpg", width=640, height=480,
            champion=Output(version=UUID(int=1), shapes=shapes, latency=0.021),
            content_type="image/jpeg", source="line 3", tags=["night", "belt"],
            metadata={"camera": "b", "note": "x" * 900}, event_time=now, receive_time=now,
        )  # fmt: skip
        meta = Meta(id=uuid4(), source="/bench", time=now, organization=organization)
        made.append(encode(PredictionLogged(logged=logged, boot=boot, sequence=sequence), meta))
    return made


def cpu_of_children(parent: int) -> float:
    """CPU seconds of a process and of its children, those that have ended included."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if stat.parent.name == str(parent):
                ticks += sum(map(int, fields[11:15]))
            elif int(fields[1]) == parent:
                ticks += sum(map(int, fields[11:13]))
    return ticks / _TICK


async def take(database: Database, handler: Handler, sent: Sequence[Message]) -> None:
    events = [decode(message.headers, message.value) for message in sent]
    async with database.begin(Cause(actor="bench")) as tx:
        await handler.function(tx, events)


@contextlib.asynccontextmanager
async def open_handlers(
    postgres: EmbeddedPostgres, folder: Path, organization: UUID
) -> AsyncIterator[dict[str, tuple[Database, Handler]]]:
    """The handler of logged predictions of each service, on a database of its own."""
    clock = SystemClock()
    keys = make_keys(now=clock.now())
    bus = MemoryBus(clock=clock)
    await bus.ensure(TOPICS)
    await announce(bus.sink, organization)
    async with open_context(bus, folder, keys) as context:
        context.open_database = lambda name: open_database(
            name, postgres.dsn_template("bench_").replace("{service}", name), clock=clock
        )
        found = {}
        for name, build in SERVICES.items():
            await postgres.create_database(f"bench_{name}")
            service = build(context)
            assert service.store is not None
            await schema.migrate(service.store.database, service.store.schema)
            handlers = [h for consumer in service.consumers for h in consumer.handlers]
            (handler,) = [h for h in handlers if h.event is PredictionLogged]
            found[name] = service.store.database, handler
        following = [asyncio.create_task(table.run(bus)) for table in context.tables.values()]
        await asyncio.gather(*(table.ready() for table in context.tables.values()))
        try:
            yield found
        finally:
            for task in following:
                task.cancel()
            for database, _ in found.values():
                await database.close()


async def run(rounds: int) -> None:
    organization = uuid4()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            EmbeddedPostgres(Path(folder) / "pg") as postgres,
            open_handlers(postgres, Path(folder) / "blobs", organization) as handlers,
        ):
            spent: dict[str, list[tuple[float, float, float]]] = {name: [] for name in handlers}
            for _ in range(rounds + 2):
                for name, (database, handler) in handlers.items():
                    sent = messages(organization)
                    own, theirs = time.process_time(), cpu_of_children(postgres.pid)
                    began = time.perf_counter()
                    await take(database, handler, sent)
                    wall = time.perf_counter() - began
                    own = time.process_time() - own
                    spent[name].append((own, cpu_of_children(postgres.pid) - theirs, wall))
    print("us an event        service  PostgreSQL   wall")
    total = 0.0
    for name, rows in spent.items():
        # The first two prepare statements. Of a process's CPU a tick of 10 ms is the least.
        owns, others, walls = zip(*rows[2:], strict=True)
        own, theirs, wall = (
            each / EVENTS * 1e6 for each in (median(owns), mean(others), median(walls))
        )
        total += own + theirs
        print(f"{name:18} {own:7.1f}  {theirs:10.1f}  {wall:6.1f}")
    print(
        f"all three: {total:.0f} us of CPU an event, {2e6 / total:,.0f} events/s on two free cores"
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=15)
    asyncio.run(run(arguments.parse_args().rounds))


if __name__ == "__main__":
    main()
