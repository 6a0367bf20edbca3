"""What only the embedded log does: forgetting, the death of a process, the loss of its server."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from libs.bus.driver import Begin, BusUnavailable, Partition
from libs.bus.partitioning import partition_number
from libs.bus.postgres import open_postgres
from libs.bus.postgres.upkeep import forget
from libs.schemas.envelope import Message
from libs.schemas.topics import Topic
from libs.store.clock import SystemClock
from sightloop.embedded.postgres import EmbeddedPostgres
from tests.support.clock import ManualClock
from tests.support.parts import scratch_folder
from tests.support.waiting import until

KEPT = Topic("test.kept", "key", timedelta(days=1), "For a test.")
COMPACTED = Topic("test.compacted", "key", None, "For a test.")
ROOT = Path(__file__).parents[2]


@pytest.fixture
async def url(postgres: EmbeddedPostgres) -> str:
    name = f"log_{uuid4().hex[:12]}"
    await postgres.create_database(name)
    return postgres.dsn(name)


@pytest.fixture
async def pool(postgres: EmbeddedPostgres, url: str) -> AsyncIterator[asyncpg.Pool]:
    name = url.rpartition("/")[2].partition("?")[0]
    async with asyncpg.create_pool(**postgres.connect_kwargs(name), min_size=1) as opened:
        yield opened


def message(topic: Topic, key: str, value: str) -> Message:
    return Message(topic.name, key, value.encode(), ())


async def nothing(_partitions: frozenset[Partition]) -> None:
    return


async def test_records_past_their_retention_go_and_are_no_lag(url: str, pool: asyncpg.Pool) -> None:
    clock = ManualClock()
    async with open_postgres(url, clock=clock) as bus:
        await bus.ensure([KEPT])
        await bus.sink.publish([message(KEPT, "a", str(n)) for n in range(12_000)])
        clock.advance(timedelta(hours=23))
        await bus.sink.publish([message(KEPT, "a", "young")])
        assert await forget(pool, now=clock.now()) == 0
        clock.advance(timedelta(hours=2))
        assert await forget(pool, now=clock.now()) == 12_000
        async with bus.subscribe("group", [KEPT], on_revoked=nothing) as source:
            await until(lambda: len(source.assignment()) == KEPT.partitions)
            ((record,),) = (await source.fetch(limit=10, wait=5)).values()
            assert (record.offset, record.message.value) == (12_000, b"young")
            clock.advance(timedelta(days=2))
            assert await forget(pool, now=clock.now()) == 1
        async with bus.subscribe("another", [KEPT], on_revoked=nothing) as source:
            await until(lambda: len(source.assignment()) == KEPT.partitions)
            assert await source.fetch(limit=10, wait=0.1) == {}
            assert sum((await source.lag()).values()) == 0


async def test_compaction_keeps_the_last_record_of_each_key(url: str, pool: asyncpg.Pool) -> None:
    clock = ManualClock()
    async with open_postgres(url, clock=clock) as bus:
        await bus.ensure([COMPACTED])
        for n in range(100):
            await bus.sink.publish([message(COMPACTED, key, str(n)) for key in "abcdefgh"])
        clock.advance(timedelta(days=1_000))
        assert await forget(pool, now=clock.now(), changed=10_000) == 0
        assert await forget(pool, now=clock.now(), changed=1) == 8 * 99
        assert await forget(pool, now=clock.now(), changed=1) == 0
        async with bus.reader([COMPACTED], begin=Begin.START) as reader:
            records = await reader.fetch(limit=100, wait=5)
            assert await reader.caught_up()
        assert sorted(r.message.key for r in records) == list("abcdefgh")
        assert {r.message.value for r in records} == {b"99"}


_MEMBER = """
import asyncio, sys
from datetime import timedelta
from libs.bus.postgres import open_postgres
from libs.schemas.topics import Topic
from libs.store.clock import SystemClock

async def nothing(_): pass

async def main():
    topic = Topic("test.kept", "key", timedelta(days=1), "For a test.")
    async with open_postgres(sys.argv[1], clock=SystemClock()) as bus:
        async with bus.subscribe("group", [topic], on_revoked=nothing) as source:
            while len(source.assignment()) < int(sys.argv[2]):
                await source.fetch(limit=1, wait=0.05)
            print("ready", flush=True)
            await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_killed_process_frees_its_partitions_at_once(url: str) -> None:
    async with open_postgres(url, clock=SystemClock()) as bus:
        async with bus.subscribe("group", [KEPT], on_revoked=nothing) as source:
            await until(lambda: len(source.assignment()) == KEPT.partitions)
            other = await asyncio.to_thread(
                subprocess.Popen,
                [sys.executable, "-c", _MEMBER, url, str(KEPT.partitions // 2)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
            )
            try:
                assert other.stdout is not None
                assert await asyncio.to_thread(other.stdout.readline) == b"ready\n"
                assert len(source.assignment()) == KEPT.partitions // 2
            finally:
                other.kill()
                await asyncio.to_thread(other.communicate)
            # Sooner than a heartbeat is missed.
            await until(lambda: len(source.assignment()) == KEPT.partitions, within=30)


@pytest.mark.slow
async def test_the_loss_of_the_server_loses_no_record() -> None:
    with scratch_folder("log") as folder:
        async with EmbeddedPostgres(folder) as server:
            await server.create_database("log")
            async with open_postgres(server.dsn("log"), clock=SystemClock()) as bus:
                await bus.ensure([KEPT])
                acknowledged: list[bytes] = []
                stopping = asyncio.Event()

                async def publish() -> None:
                    n = 0
                    while not stopping.is_set():
                        n += 1
                        try:
                            await bus.sink.publish([message(KEPT, str(n), str(n))])
                            acknowledged.append(str(n).encode())
                        except BusUnavailable:
                            await asyncio.wait([kill], timeout=0.05)

                async def kill_and_restart() -> None:
                    for _ in range(2):
                        before = len(acknowledged)
                        await until(lambda: len(acknowledged) > before + 50)  # noqa: B023
                        await server.kill()
                        await server.restart()

                kill = asyncio.create_task(kill_and_restart())
                publishing = asyncio.create_task(publish())
                seen: list[bytes] = []
                async with bus.subscribe("group", [KEPT], on_revoked=nothing) as source:
                    await kill
                    before = len(acknowledged)
                    await until(lambda: len(acknowledged) > before + 50)
                    stopping.set()
                    await publishing

                    async def all_seen() -> bool:
                        try:
                            found = await source.fetch(limit=500, wait=0.2)
                        except BusUnavailable:
                            return False
                        seen.extend(r.message.value for rs in found.values() for r in rs)
                        return set(acknowledged) <= set(seen)

                    await until(all_seen)
                assert len(seen) == len(set(seen))


def test_a_key_keeps_its_partition_for_good() -> None:
    assert [partition_number(key, 16) for key in ("a", "deployment", "ключ")] == [3, 14, 10]
