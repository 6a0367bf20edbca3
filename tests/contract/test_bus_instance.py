"""A process that is started in another's stead, on a real Kafka whose patience is longer than ours.

No clock is asked: without what is tested here the group would wait for ten minutes.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from libs.bus.driver import Partition, Source
from libs.bus.kafka import bus as kafka_bus
from libs.bus.open import open_bus
from libs.schemas.topics import DATA
from libs.store.clock import SystemClock
from tests.support.platform import environment_of
from tests.support.waiting import until

PATIENCE = 600_000
_CHILD = """
import asyncio, sys
from libs.bus.kafka import bus as kafka_bus
from libs.bus.open import open_bus
from libs.schemas.topics import DATA
from libs.store.clock import SystemClock

kafka_bus.SESSION_MILLISECONDS = kafka_bus.REBALANCE_MILLISECONDS = int(sys.argv[4])

async def nothing(_partitions):
    pass

async def main(url, group, instance):
    async with open_bus(url, clock=SystemClock(), instance=instance) as bus:
        async with bus.subscribe(group, [DATA], on_revoked=nothing) as source:
            while len(source.assignment()) < DATA.partitions:
                await asyncio.sleep(0.01)
            print("joined", flush=True)
            await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:4]))
"""

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


async def nothing(_partitions: frozenset[Partition]) -> None:
    return


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_bus, "SESSION_MILLISECONDS", PATIENCE)
    monkeypatch.setattr(kafka_bus, "REBALANCE_MILLISECONDS", PATIENCE)


@asynccontextmanager
async def member(kafka: str, group: str, instance: str) -> AsyncIterator[Source]:
    async with open_bus(f"kafka://{kafka}", clock=SystemClock(), instance=instance) as bus:
        async with bus.subscribe(group, [DATA], on_revoked=nothing) as source:
            yield source


async def test_what_is_started_in_the_stead_of_a_killed_process_has_its_partitions(
    kafka: str,
) -> None:
    group = f"test.{uuid4()}"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CHILD, f"kafka://{kafka}", group, "place-0", str(PATIENCE),
        stdout=asyncio.subprocess.PIPE, env=environment_of(), cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        assert child.stdout is not None
        assert await child.stdout.readline() == b"joined\n"
    finally:
        child.kill()
        await child.wait()
    async with member(kafka, group, "place-0") as source:
        await until(lambda: len(source.assignment()) == DATA.partitions)
        first = next(iter(source.assignment()))
        await source.commit({first: 0})


async def test_one_that_ends_in_order_leaves_its_partitions_to_others(kafka: str) -> None:
    group = f"test.{uuid4()}"
    async with member(kafka, group, "place-0") as source:
        await until(lambda: len(source.assignment()) == DATA.partitions)
    async with member(kafka, group, "place-1") as source:
        await until(lambda: len(source.assignment()) == DATA.partitions)
