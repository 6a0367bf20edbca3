"""Offsets on their way: together, one request at a time, and never after they may."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest

from libs.bus.driver import BusUnavailable, CommitRejected, Partition
from libs.bus.memory import MemoryBus, MemoryLog
from libs.bus.offsets import Offsets
from libs.schemas.topics import DATA
from libs.store.clock import SystemClock
from tests.support.waiting import until

A, B, C = (Partition(DATA.name, number) for number in range(3))


class GatedSource:
    """The source of a member: a commit waits to be let through, then fails as it is told."""

    def __init__(self, source: object) -> None:
        self.asked: list[dict[Partition, int]] = []
        self.stored: dict[Partition, int] = {}
        self._permits = asyncio.Semaphore(0)
        self.faults: list[BaseException] = []
        self._source = source

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        self.asked.append(dict(offsets))
        await self._permits.acquire()
        if self.faults:
            raise self.faults.pop(0)
        await self._source.commit(offsets)  # type: ignore[attr-defined]
        self.stored.update(offsets)

    def let_through(self, requests: int = 1_000) -> None:
        for _ in range(requests):
            self._permits.release()


class World:
    """One member's offsets over a log in memory."""

    def __init__(self, source: object) -> None:
        self.defects: list[BaseException] = []
        self.source = GatedSource(source)
        self.offsets = Offsets(
            self.source,  # type: ignore[arg-type]  # a part of a source
            group="test.offsets",
            again=timedelta(milliseconds=1),
            on_defect=self.defects.append,
        )

    async def asked(self, *requests: Mapping[Partition, int]) -> None:
        await until(lambda: self.source.asked == list(requests))

    async def pass_on(self) -> None:
        """Let everything that is ready run."""
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async def nothing(_partitions: frozenset[Partition]) -> None:
        return

    bus = MemoryBus(clock=SystemClock(), log=MemoryLog())
    async with bus.subscribe("test.offsets", [DATA], on_revoked=nothing) as source:
        world = World(source)
        yield world
        world.source.let_through()
        await world.offsets.close(60)


async def test_what_comes_while_a_request_is_under_way_goes_together(world: World) -> None:
    await world.offsets.put(A, 1)
    await world.asked({A: 1})
    await world.offsets.put(B, 2)
    await world.offsets.put(C, 3)
    await world.pass_on()
    assert world.source.asked == [{A: 1}]
    world.source.let_through()
    await world.asked({A: 1}, {B: 2, C: 3})


async def test_a_partition_is_never_more_than_one_offset_ahead(world: World) -> None:
    await world.offsets.put(A, 1)
    second = asyncio.create_task(world.offsets.put(A, 2))
    await world.asked({A: 1})
    await world.offsets.put(B, 1)
    await world.pass_on()
    assert not second.done()
    world.source.let_through()
    await second
    await until(lambda: world.source.stored == {A: 2, B: 1})


async def test_a_bus_that_is_away_is_asked_again_with_all_that_came_meanwhile(
    world: World,
) -> None:
    world.source.faults = [BusUnavailable("away"), BusUnavailable("away")]
    await world.offsets.put(A, 1)
    await world.asked({A: 1})
    await world.offsets.put(B, 2)
    world.source.let_through()
    await world.asked({A: 1}, {A: 1, B: 2}, {A: 1, B: 2})
    await until(lambda: world.source.stored == {A: 1, B: 2})
    assert world.defects == []


async def test_what_is_rejected_is_forgotten_and_what_comes_after_goes_on(world: World) -> None:
    world.source.faults = [CommitRejected("lost")]
    world.source.let_through()
    await world.offsets.put(A, 1)
    await world.offsets.settle([A], 60)
    await world.offsets.put(B, 2)
    await world.offsets.settle([B], 60)
    assert world.source.asked == [{A: 1}, {B: 2}]
    assert world.source.stored == {B: 2}


async def test_partitions_that_go_wait_for_what_is_on_its_way(world: World) -> None:
    await world.offsets.put(A, 1)
    await world.asked({A: 1})
    await world.offsets.put(B, 2)
    going = asyncio.create_task(world.offsets.settle([B], 60))
    await world.pass_on()
    assert not going.done()
    world.source.let_through()
    await going
    assert world.source.stored == {A: 1, B: 2}


async def test_what_is_too_late_is_never_sent_and_the_others_are(world: World) -> None:
    await world.offsets.put(A, 1)
    await world.asked({A: 1})
    await world.offsets.put(B, 2)
    await world.offsets.put(C, 3)
    await world.offsets.settle([B], 0)
    # The request that is under way names A: the driver may be about to repeat it.
    await world.offsets.settle([A], 0)
    world.source.let_through()
    await until(lambda: world.source.stored == {C: 3})
    await world.offsets.put(B, 4)
    await until(lambda: world.source.stored == {B: 4, C: 3})
    assert world.source.asked == [{A: 1}, {C: 3}, {B: 4}]


async def test_a_request_cut_short_for_one_partition_is_sent_again_for_the_others(
    world: World,
) -> None:
    await world.offsets.put(C, 3)
    await world.asked({C: 3})
    await world.offsets.put(A, 1)
    await world.offsets.put(B, 2)
    world.source.let_through(1)
    await world.asked({C: 3}, {A: 1, B: 2})
    await world.offsets.drop([A])
    await world.asked({C: 3}, {A: 1, B: 2}, {B: 2})
    world.source.let_through()
    await until(lambda: world.source.stored == {B: 2, C: 3})


async def test_a_defect_is_told_and_nobody_waits_for_ever(world: World) -> None:
    defect = ZeroDivisionError()
    world.source.faults = [defect]
    await world.offsets.put(A, 1)
    second = asyncio.create_task(world.offsets.put(A, 2))
    world.source.let_through()
    await second
    assert world.defects == [defect]


async def test_at_the_end_nobody_waits_for_a_bus_that_is_away(world: World) -> None:
    await world.offsets.put(A, 1)
    waiting = asyncio.create_task(world.offsets.put(A, 2))
    await world.asked({A: 1})
    await world.pass_on()
    assert not waiting.done()
    world.offsets.end()
    await waiting
    await world.offsets.put(A, 3)
    await world.offsets.close(0)
    world.source.let_through()
    await world.pass_on()
    assert world.source.stored == {}
