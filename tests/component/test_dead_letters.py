"""Looking through dead letters and replaying them."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from libs.bus import dead_letters
from libs.bus.dead_letters import (
    REPLAY_FOR,
    DeadLetterNotFound,
    Filter,
    dead_letter,
    list_dead_letters,
    replay,
    replay_all,
    show,
)
from libs.bus.driver import Begin, Partition, Record
from libs.bus.memory import MemoryBus
from libs.schemas.envelope import Message, decode
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


async def test_a_replay_of_all_goes_in_pages_in_order_and_takes_none_twice(
    bus: MemoryBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "_PAGE", 3)
    published: list[list[str]] = []
    sink = bus.sink

    class DyingAgain:
        """What is replayed dies again at once: it must wait for the next replay."""

        async def publish(self, messages: Sequence[Message]) -> None:
            published.append([decoded(m) for m in messages if m.topic == DATA.name])
            await sink.publish(messages)
            again = [Record(Partition(DATA.name, 3), 99, ManualClock().now(), m) for m in messages]
            await sink.publish(
                [
                    dead_letter(r, consumer="odd.one", reason="again", now=r.time)
                    for r in again
                    if r.message.topic == DATA.name
                ]
            )

    monkeypatch.setattr(bus, "sink", DyingAgain())
    assert await replay_all(bus, Filter(consumer="odd.one")) == 3
    assert await replay_all(bus, Filter(consumer="even.one")) == 4
    assert [page for page in published if page] == [["1", "3", "5"], ["0", "2", "4"], ["6"]]
    found = (await list_dead_letters(bus, Filter(replayed=True))).letters
    assert sorted(letter.offset for letter in found) == list(range(7))
    assert len((await list_dead_letters(bus, Filter(reason="again"))).letters) == 7


def decoded(sent: Message) -> str:
    source = decode(sent.headers, sent.value).data.source  # type: ignore[attr-defined]
    return str(source)


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
