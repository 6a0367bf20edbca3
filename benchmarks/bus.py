"""The embedded bus: acknowledged messages per second, commit to handler, and what idling costs.

.venv/bin/python -m benchmarks.bus
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

from libs.bus.consumer import OK, Consumer, Outcome, batch
from libs.bus.driver import Bus
from libs.bus.open import open_bus
from libs.bus.relay import Relay
from libs.bus.runner import Runner
from libs.schemas.envelope import Message, Meta, Received, encode
from libs.schemas.events import DataChanged, SeriesAdvanced
from libs.schemas.topics import TOPICS
from libs.store import tables
from libs.store.clock import SystemClock
from libs.store.session import Database, Tx, open_database
from sightloop.embedded.postgres import EmbeddedPostgres

SERVICES = 8
CONSUMERS = 12
PUBLISHERS = 64


async def main() -> None:
    clock = SystemClock()
    with TemporaryDirectory() as folder:
        async with EmbeddedPostgres(Path(folder) / "pg") as server:
            await server.create_database("sightloop_bus")
            databases = [await _database(server, n, clock) for n in range(SERVICES)]
            async with open_bus(server.dsn("sightloop_bus"), clock=clock) as bus:
                await bus.ensure(TOPICS)
                await _throughput(bus)
                await _latency(bus, databases[0], clock)
                await _idle(bus, databases, clock, server.pid)
            for database in databases:
                await database.close()


async def _database(server: EmbeddedPostgres, number: int, clock: SystemClock) -> Database:
    await server.create_database(f"service_{number}")
    database = open_database(f"s{number}", server.dsn(f"service_{number}"), clock=clock)
    async with database.engine.begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
    return database


def _message(text: str) -> Message:
    now = SystemClock().now()
    event = DataChanged(data=uuid4(), revision=1, source=text, tags=["a", "b"])
    return encode(event, Meta(id=uuid4(), source="/bench", time=now, organization=UUID(int=1)))


async def _throughput(bus: Bus) -> None:
    for publishers, size in ((1, 1), (PUBLISHERS, 1), (4, 500)):
        count = 0
        until = time.perf_counter() + 5
        messages = [_message("x" * 200) for _ in range(size)]

        async def publish(messages: list[Message] = messages, until: float = until) -> None:
            nonlocal count
            while time.perf_counter() < until:
                await bus.sink.publish(messages)
                count += len(messages)

        await asyncio.gather(*(publish() for _ in range(publishers)))
        print(f"publish: {publishers} at a time, {size} each: {count / 5:,.0f} acknowledged/s")


async def _latency(bus: Bus, database: Database, clock: SystemClock) -> None:
    committed: dict[str, float] = {}
    took: dict[str, float] = {}

    async def handle(_tx: Tx, events: Sequence[Received[DataChanged]]) -> Sequence[Outcome]:
        now = time.perf_counter()
        took.update((received.data.source, now) for received in events)
        return [OK] * len(events)

    consumer = Consumer(name="bench", handlers=(batch(DataChanged, handle),))
    runner = Runner(bus, consumer, database, group="bench.latency", clock=clock)
    task = asyncio.create_task(runner.run())
    begun = time.perf_counter()
    await _until(lambda: runner.health().ready and not runner.health().lag)
    print(f"catch up: {time.perf_counter() - begun:.1f} s")
    for rate in (20, 200):
        committed.clear()
        for n in range(rate * 5):
            name = f"{rate} {n}"
            await bus.sink.publish([_message(name)])
            committed[name] = time.perf_counter()
            await asyncio.sleep(1 / rate)
        await _until(lambda: committed.keys() <= took.keys())
        seconds = [max(took[name] - at, 0.0) * 1_000 for name, at in committed.items()]
        cuts = quantiles(seconds, n=100)
        print(f"commit to handler at {rate}/s: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")
    task.cancel()
    await asyncio.wait([task])


async def _idle(bus: Bus, databases: list[Database], clock: SystemClock, server: int) -> None:
    async def handle(_tx: Tx, events: Sequence[Received[SeriesAdvanced]]) -> Sequence[Outcome]:
        return [OK] * len(events)

    consumer = Consumer(name="idle", handlers=(batch(SeriesAdvanced, handle),))
    async with AsyncExitStack() as stack:
        runners = [
            Runner(bus, consumer, databases[n % SERVICES], group=f"idle.{n}", clock=clock)
            for n in range(CONSUMERS)
        ]
        relays = [Relay(database, bus.sink, clock=clock) for database in databases]
        runs = [*(runner.run() for runner in runners), *(relay.run() for relay in relays)]
        tasks = [asyncio.create_task(run) for run in runs]
        stack.push_async_callback(asyncio.wait, tasks)
        stack.callback(lambda: [task.cancel() for task in tasks])
        await _until(lambda: all(r.health().ready and not r.health().lag for r in runners))
        await asyncio.sleep(3)
        ours, theirs, begun = time.process_time(), _server_seconds(server), time.perf_counter()
        await asyncio.sleep(20)
        seconds = time.perf_counter() - begun
        ours = (time.process_time() - ours) / seconds
        theirs = (_server_seconds(server) - theirs) / seconds
        print(
            f"idle: {CONSUMERS} consumers and {SERVICES} relays: "
            f"{ours:.1%} of a core, PostgreSQL {theirs:.1%}"
        )


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - a benchmark may poll
        await asyncio.sleep(0.05)


def _server_seconds(server: int) -> float:
    """CPU seconds of the server and its children, living and gone."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(stat.parent.name) == server:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == server:
            ticks += sum(map(int, fields[11:13]))
    return ticks / 100


if __name__ == "__main__":
    asyncio.run(main())
