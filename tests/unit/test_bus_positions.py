"""A reader of the log looks where something was written to what it reads, and only then."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from libs.bus.driver import Partition, Record
from libs.bus.positions import Positions
from libs.schemas.envelope import Message

_TIME = datetime(2026, 1, 1, tzinfo=UTC)
OURS, THEIRS = Partition("ours", 0), Partition("theirs", 0)


class Log:
    """A log of one record a partition, once `heads` says so; counts how often it is asked."""

    def __init__(self) -> None:
        self.heads: dict[Partition, int] = {}
        self.asked = 0

    async def read(self, positions: Mapping[Partition, int], *, limit: int) -> list[Record]:
        self.asked += 1
        message = Message("ours", "key", b"", ())
        return [
            Record(partition, offset, _TIME, message) for partition, offset in positions.items()
        ]


@pytest.mark.parametrize(
    ("moved", "woken"), [({OURS}, True), ({OURS, THEIRS}, True), ({THEIRS}, False), (None, True)]
)
def test_what_moved_wakes_who_reads_it(moved: set[Partition] | None, woken: bool) -> None:
    positions = Positions(Log())
    positions.set(OURS, 0)
    positions.moved.clear()
    positions.wake(moved)
    assert positions.moved.is_set() is woken


async def test_a_fetch_ends_with_what_was_written_to_its_partition() -> None:
    log = Log()
    positions = Positions(log)
    positions.set(OURS, 0)
    fetching = asyncio.ensure_future(positions.fetch(limit=10, wait=60.0))
    await asyncio.sleep(0)
    log.heads[THEIRS] = 1
    positions.wake({THEIRS})
    await asyncio.sleep(0)
    assert not fetching.done()
    assert log.asked == 0
    log.heads[OURS] = 1
    positions.wake({OURS})
    assert [record.offset for record in (await fetching)[OURS]] == [0]
