"""Looking through dead letters and replaying them."""

from datetime import timedelta
from uuid import UUID

import pytest

from libs.bus.dead_letters import (
    REPLAY_FOR,
    DeadLetterNotFound,
    Filter,
    dead_letter,
    list_dead_letters,
    replay,
    show,
)
from libs.bus.driver import Begin, Partition, Record
from libs.bus.memory import MemoryBus
from libs.schemas.events import TokenChanged
from libs.schemas.topics import DATA, DEAD_LETTERS, TOKENS
from tests.support.clock import ManualClock
from tests.support.consuming import ORGANIZATION, changed, message


@pytest.fixture
async def bus() -> MemoryBus:
    clock = ManualClock()
    bus = MemoryBus(clock=clock)
    await bus.ensure([DATA, DEAD_LETTERS, TOKENS])
    for n in range(7):
        clock.advance(timedelta(seconds=1))
        record = Record(Partition(DATA.name, 3), n, clock.now(), message(changed(str(n))))
        consumer = "odd.one" if n % 2 else "even.one"
        reason = f"ValueError: number {n}"
        await bus.sink.publish(
            [dead_letter(record, consumer=consumer, reason=reason, now=clock.now())]
        )
    return bus


async def test_pages_come_newest_first_and_end(bus: MemoryBus) -> None:
    offsets = []
    before = None
    for size in (3, 3, 1):
        page = await list_dead_letters(bus, Filter(), limit=3, before=before)
        assert len(page.letters) == size
        offsets += [letter.offset for letter in page.letters]
        before = page.before
    assert offsets == [6, 5, 4, 3, 2, 1, 0]
    assert before is None


async def test_letters_are_found_by_consumer_reason_and_organization(bus: MemoryBus) -> None:
    async def offsets(wanted: Filter) -> list[int]:
        return [letter.offset for letter in (await list_dead_letters(bus, wanted)).letters]

    assert await offsets(Filter(consumer="odd.one")) == [5, 3, 1]
    assert await offsets(Filter(reason="NUMBER 4")) == [4]
    assert len(await offsets(Filter(organization=ORGANIZATION))) == 7
    assert await offsets(Filter(organization=UUID(int=8))) == []


async def test_one_letter_is_shown_by_its_id(bus: MemoryBus) -> None:
    (newest, *_) = (await list_dead_letters(bus, Filter())).letters
    assert await show(bus, newest.id) == newest
    with pytest.raises(DeadLetterNotFound):
        await show(bus, "99:1")


async def test_a_replay_has_the_record_as_it_was_and_its_addressee(bus: MemoryBus) -> None:
    (newest, *_) = (await list_dead_letters(bus, Filter())).letters
    async with bus.reader([DATA], begin=Begin.START) as reader:
        await replay(bus, [newest])
        (record,) = await reader.fetch(limit=10, wait=1)
    assert record.message.headers == (*newest.headers, (REPLAY_FOR, b"even.one"))
    assert (record.message.key, record.message.value) == (newest.key, newest.value)
    assert not [name for name, _ in record.message.headers if name.startswith("dlq_")]


async def test_a_replay_in_a_compacted_topic_supersedes_nothing(bus: MemoryBus) -> None:
    sent = message(TokenChanged(token=UUID(int=1), revision=1, revoked=False))
    record = Record(Partition(TOKENS.name, 0), 0, ManualClock().now(), sent)
    died = dead_letter(record, consumer="a.b", reason="odd", now=ManualClock().now())
    await bus.sink.publish([died])
    (letter,) = (await list_dead_letters(bus, Filter(consumer="a.b"))).letters
    async with bus.reader([TOKENS], begin=Begin.START) as reader:
        await replay(bus, [letter])
        (again,) = await reader.fetch(limit=10, wait=1)
    assert again.message.key != sent.key
    assert again.message.value == sent.value
