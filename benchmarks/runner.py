"""The runner beside plain loops: events a second, the CPU they cost, what a kill -9 leaves.

Every member reads the same topic of a real Kafka into the same PostgreSQL, one row for each event.
The peers run in an environment of their own (`pip install faststream[kafka] asyncpg uvloop`):

    PEERS=/path/to/python .venv/bin/python -m benchmarks.runner [EVENTS]
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaProducer

from benchmarks._members import KINDS
from libs.bus.open import open_bus
from libs.bus.partitioning import partition_number
from libs.schemas.envelope import Message, Meta, encode
from libs.schemas.events import DataChanged
from libs.schemas.ids import uuid7
from libs.schemas.topics import DATA, DEAD_LETTERS
from libs.store import tables
from libs.store.clock import SystemClock
from libs.store.session import open_database
from sightloop.dev.kafka import KafkaBroker
from sightloop.dev.part import Missing
from sightloop.embedded.postgres import EmbeddedPostgres

ROOT = Path(__file__).parents[1]
KILLS = 4
SEED = 20261121
STALLED_SECONDS = 60.0
_EFFECTS = """
CREATE TABLE effects (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event uuid NOT NULL, source text NOT NULL
)
"""


@dataclass
class Parts:
    """The servers, and where their CPU seconds are read."""

    server: EmbeddedPostgres
    broker: KafkaBroker
    events: int
    number: int = 0


@dataclass
class Run:
    """What one run of members did."""

    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    lost: int = 0
    twice: int = 0
    stages: dict[str, float] = field(default_factory=dict)


async def main(events: int) -> None:
    if isinstance(found := KafkaBroker.available(), Missing):
        sys.exit(f"SKIPPED: {found.reason}")
    peers = os.environ.get("PEERS")
    with TemporaryDirectory() as folder:
        async with (
            EmbeddedPostgres(Path(folder) / "pg") as server,
            KafkaBroker(Path(folder) / "kafka") as broker,
        ):
            parts = Parts(server, broker, events)
            await _fill(broker, events)
            print(f"{events} events of 300 bytes, 16 partitions; load {os.getloadavg()[0]:.1f}")
            await _measure(parts, "ours", members=1)
            await _measure(parts, "ours", members=2)
            for kind in KINDS:
                if kind == "ours":
                    continue
                if kind.startswith("faststream") and peers is None:
                    print(f"{kind}: SKIPPED, PEERS names no Python that has it")
                    continue
                await _measure(parts, kind, members=1, python=peers)
            for kind in KINDS:
                if kind == "ours" or peers is not None or kind.startswith("aiokafka"):
                    await _kill(parts, kind, python=None if kind == "ours" else peers)


async def _fill(broker: KafkaBroker, events: int) -> None:
    clock = SystemClock()
    url = f"kafka://{broker.bootstrap_servers}"
    async with open_bus(url, clock=clock) as bus:
        await bus.ensure([DATA, DEAD_LETTERS])
    async with AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap_servers, linger_ms=20, max_batch_size=256 * 1024
    ) as producer:
        for number in range(events):
            message = _message(number)
            await producer.send(
                message.topic,
                message.value,
                key=message.key.encode(),
                partition=partition_number(message.key, DATA.partitions),
                headers=list(message.headers),
            )
        await producer.flush()


def _message(number: int) -> Message:
    now = SystemClock().now()
    event = DataChanged(data=UUID(int=number), revision=1, source="x" * 200, tags=["a", "b"])
    meta = Meta(id=uuid7(now), source="/bench", time=now, organization=UUID(int=1))
    return encode(event, meta)


async def _database(parts: Parts) -> str:
    """An empty database with the runtime's tables."""
    parts.number += 1
    name = f"bench_{parts.number}"
    await parts.server.create_database(name)
    url = parts.server.dsn(name)
    database = open_database("bench", url, clock=SystemClock())
    async with database.engine.begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
    await database.close()
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute(_EFFECTS)
    await connection.close()
    return url


async def _start(parts: Parts, kind: str, url: str, *, python: str | None) -> subprocess.Popen[str]:
    where = parts.broker.bootstrap_servers
    command = [
        python or sys.executable,
        str(ROOT / "benchmarks" / "_members.py"),
        kind,
        f"kafka://{where}" if kind == "ours" else where,
        DATA.name,
        url,
        f"bench.{parts.number}",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return await asyncio.to_thread(
        subprocess.Popen,
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


async def _measure(parts: Parts, kind: str, *, members: int, python: str | None = None) -> None:
    url = await _database(parts)
    processes = [await _start(parts, kind, url, python=python) for _ in range(members)]
    pids = {
        "member": [process.pid for process in processes],
        "PostgreSQL": [parts.server.pid],
        "Kafka": [_broker_pid(parts)],
    }
    run = Run()
    try:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        # Two members share the partitions before the clock starts: the first rows are not counted.
        first = await _rows(connection, 1)
        before, started = {name: _seconds(pid) for name, pid in pids.items()}, time.perf_counter()
        last = await _rows(connection, parts.events)
        run.seconds = time.perf_counter() - started
        run.cpu = {name: _seconds(pid) - before[name] for name, pid in pids.items()}
        await connection.close()
    finally:
        for process in processes:
            process.terminate()
        told = [(await asyncio.to_thread(process.communicate))[0] for process in processes]
    done = last - first
    share = ", ".join(f"{name} {cpu / done * 1e6:.0f}" for name, cpu in run.cpu.items())
    total = sum(run.cpu.values()) / done * 1e6
    print(
        f"{kind}, {members} process{'es' * (members > 1)}: {done / run.seconds:,.0f}/s; "
        f"CPU µs an event: {share}; two whole cores would carry {2e6 / total:,.0f}/s"
    )
    for text in told:
        if text.strip():
            stages = json.loads(text.strip().splitlines()[-1])
            # Waiting for one's turn is no work.
            del stages["slot"]
            whole = sum(stages.values()) or 1.0
            print("   " + ", ".join(f"{name} {s / whole:.0%}" for name, s in stages.items()))


async def _kill(parts: Parts, kind: str, *, python: str | None) -> None:
    """Kill -9 the member at random moments, start it again, count what is there at the end."""
    url = await _database(parts)
    moments = random.Random(SEED)
    process = await _start(parts, kind, url, python=python)
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        for number in range(1, KILLS + 1):
            await _rows(connection, number * parts.events // (KILLS + 2), patient=True)
            await asyncio.sleep(moments.uniform(0.0, 0.3))
            process.kill()
            await asyncio.to_thread(process.wait)
            process = await _start(parts, kind, url, python=python)
        rows, distinct = await _settled(connection)
    finally:
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.communicate)
        await connection.close()
    print(
        f"{kind}, killed {KILLS} times: {parts.events - distinct} of {parts.events} lost, "
        f"{rows - distinct} written twice"
    )


async def _rows(connection: asyncpg.Connection, count: int, *, patient: bool = False) -> int:
    """Wait for so many rows, by their identities: counting them would cost what is measured."""
    seen, moved = 0, time.perf_counter()
    while seen < count:
        await asyncio.sleep(0.02)
        highest = await connection.fetchval("SELECT coalesce(max(id), 0) FROM effects")
        if highest > seen:
            seen, moved = highest, time.perf_counter()
        elif time.perf_counter() - moved > STALLED_SECONDS:
            if patient:
                return seen
            raise TimeoutError(f"no row for {STALLED_SECONDS:g} s after {seen} of {count}")
    return seen


async def _settled(connection: asyncpg.Connection) -> tuple[int, int]:
    """Rows and distinct events when nothing has come for ten seconds more than a rebalance."""
    before, since = -1, time.perf_counter()
    while time.perf_counter() - since < 25:
        await asyncio.sleep(0.5)
        rows = await connection.fetchval("SELECT count(*) FROM effects")
        if rows != before:
            before, since = rows, time.perf_counter()
    row = await connection.fetchrow("SELECT count(*), count(DISTINCT event) FROM effects")
    return row[0], row[1]


def _broker_pid(parts: Parts) -> int:
    process = parts.broker._process  # noqa: SLF001 - a benchmark reads what it measures
    if process is None:
        raise RuntimeError("the broker does not run")
    return process.pid


def _seconds(roots: list[int]) -> float:
    """CPU seconds of processes and their children, living and gone."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(stat.parent.name) in roots:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) in roots:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
