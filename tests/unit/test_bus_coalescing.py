"""One write for many callers: in order, bounded, and each fault told to whom it concerns."""

import asyncio
from collections.abc import Sequence

import pytest

from libs.bus.coalescing import Coalescer, QueueFull, Room
from libs.bus.driver import BusUnavailable


class Gate:
    """A write that waits until it is opened, and fails as it is told."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.begun = asyncio.Event()
        self.pages: list[list[int]] = []
        self.fault: Exception | None = None
        self.poison: int | None = None

    async def write(self, items: Sequence[int]) -> None:
        self.pages.append(list(items))
        self.begun.set()
        await self.open.wait()
        if self.fault is not None:
            raise self.fault
        if self.poison in items:
            raise ValueError("poison")


async def outcomes(*written: "asyncio.Future[None]") -> list[str]:
    found = await asyncio.gather(*written, return_exceptions=True)
    return ["durable" if outcome is None else type(outcome).__name__ for outcome in found]


async def test_what_comes_during_a_write_goes_out_together_and_in_order() -> None:
    gate = Gate()
    queue = Coalescer(gate.write, room=Room(items=100, size=1000))
    first = queue.offer([1], 1)
    await gate.begun.wait()
    rest = [queue.offer([n, -n], 1) for n in range(2, 6)]
    assert not queue.idle
    gate.open.set()
    assert await outcomes(first, *rest) == ["durable"] * 5
    assert gate.pages == [[1], [2, -2, 3, -3, 4, -4, 5, -5]]
    await queue.close()
    assert queue.idle


async def test_a_page_has_a_largest_size_and_a_larger_offer_goes_alone() -> None:
    gate = Gate()
    gate.open.set()
    queue = Coalescer(gate.write, room=Room(items=100, size=1000), page=3, page_size=10)
    done = [queue.offer([1, 2], 1), queue.offer([3], 1), queue.offer([4], 9)]
    done += [queue.offer([5], 9), queue.offer([6, 7, 8, 9], 50)]
    assert await outcomes(*done) == ["durable"] * 5
    assert gate.pages == [[1, 2, 3], [4], [5], [6, 7, 8, 9]]


async def test_a_full_room_tells_its_producer_at_once_and_has_room_again_afterwards() -> None:
    gate = Gate()
    room = Room(items=3, size=100)
    queue, other = Coalescer(gate.write, room=room), Coalescer(gate.write, room=room)
    taken = [queue.offer([1, 2], 10), other.offer([3], 10)]
    with pytest.raises(QueueFull):
        queue.offer([4], 1)
    gate.open.set()
    assert await outcomes(*taken) == ["durable"] * 2
    with_bytes = queue.offer([5], 95)
    with pytest.raises(QueueFull):
        other.offer([6], 6)
    assert await outcomes(with_bytes) == ["durable"]
    too_large = queue.offer([7, 8, 9, 10], 500)
    assert await outcomes(too_large) == ["durable"]
    await queue.close()
    await other.close()


async def test_a_fault_that_passes_fails_all_that_waits() -> None:
    gate = Gate()
    gate.fault = BusUnavailable("away")
    queue = Coalescer(gate.write, room=Room(items=100, size=1000))
    first = queue.offer([1], 1)
    await gate.begun.wait()
    waiting = queue.offer([2], 1)
    gate.open.set()
    assert await outcomes(first, waiting) == ["BusUnavailable"] * 2
    assert gate.pages == [[1]]
    gate.fault = None
    assert await outcomes(queue.offer([3], 1)) == ["durable"]


async def test_a_lasting_fault_is_told_only_to_whose_offer_is_at_fault() -> None:
    gate = Gate()
    gate.poison = 2
    gate.open.set()
    queue = Coalescer(gate.write, room=Room(items=100, size=1000))
    done = [queue.offer([n], 1) for n in (1, 2, 3)]
    assert await outcomes(*done) == ["durable", "ValueError", "durable"]
    assert gate.pages == [[1, 2, 3], [1], [2], [3]]


async def test_what_was_given_up_before_it_is_in_hand_is_not_written() -> None:
    gate = Gate()
    room = Room(items=3, size=100)
    queue = Coalescer(gate.write, room=room)
    first = queue.offer([1], 1)
    await gate.begun.wait()
    given_up = queue.offer([2], 1)
    given_up.cancel()
    last = queue.offer([3], 1)
    first.cancel()
    gate.open.set()
    assert await outcomes(last) == ["durable"]
    assert gate.pages == [[1], [3]]
    assert await outcomes(queue.offer([4, 5, 6], 100)) == ["durable"]


async def test_nobody_waits_for_a_writer_that_was_torn_down() -> None:
    gate = Gate()
    queue = Coalescer(gate.write, room=Room(items=10, size=100))
    first = queue.offer([1], 1)
    await gate.begun.wait()
    second = queue.offer([2], 1)
    (writer,) = [task for task in asyncio.all_tasks() if task.get_name() == "coalescer"]
    writer.cancel()
    assert await outcomes(first, second) == ["BusUnavailable"] * 2
