"""Dead letters: records no handler could take, kept as they were, with why, and replayed."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import heappush, heappushpop
from uuid import UUID

from libs.bus.driver import Begin, Bus, Partition, Record
from libs.schemas.envelope import Message
from libs.schemas.topics import DEAD_LETTERS, TOPICS

REPLAY_FOR = "replay_for"

_OURS = ("dlq_", REPLAY_FOR)
_REPLAYED = "dlq_replayed"
_PAGE = 500
_PAGE_BYTES = 8 * 2**20
_COMPACTED = {topic.name for topic in TOPICS if topic.compacted}


class DeadLetterNotFound(LookupError):
    """No such dead letter, or its time is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record that died. `id` is where it lies among the dead letters: partition:offset.

    `replayed`: when it was last handed to its consumer again; should it die again, that is
    another dead letter.
    """

    id: str
    time: datetime
    consumer: str
    reason: str
    organization: str
    topic: str
    partition: int
    offset: int
    key: str
    event_type: str
    headers: tuple[tuple[str, bytes], ...]
    value: bytes
    replayed: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which dead letters; None: all. `reason`: a part of it, letters of either case."""

    consumer: str | None = None
    topic: str | None = None
    reason: str | None = None
    organization: UUID | None = None
    replayed: bool | None = None

    def takes(self, letter: DeadLetter) -> bool:
        return (
            (self.consumer is None or letter.consumer == self.consumer)
            and (self.topic is None or letter.topic == self.topic)
            and (self.replayed is None or (letter.replayed is not None) == self.replayed)
            and (self.reason is None or self.reason.lower() in letter.reason.lower())
            and (self.organization is None or letter.organization == str(self.organization))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Dead letters, newest first; `before` asks for the next page, None when there is none."""

    letters: tuple[DeadLetter, ...]
    before: tuple[datetime, str] | None


def dead_letter(record: Record, *, consumer: str, reason: str, now: datetime) -> Message:
    """The message that keeps `record`: its bytes and headers, and why `consumer` gave it up."""
    kept = _without_ours(record.message.headers)
    headers = dict(kept)
    organization = headers.get("ce_organization", b"").decode(errors="replace") or "-"
    added = {
        "dlq_reason": reason[:2_000],
        "dlq_consumer": consumer,
        "dlq_topic": record.partition.topic,
        "dlq_partition": str(record.partition.number),
        "dlq_offset": str(record.offset),
        "dlq_key": record.message.key,
        "dlq_time": now.isoformat(),
    }
    return Message(
        DEAD_LETTERS.name,
        organization,
        record.message.value,
        (*kept, *((name, text.encode(errors="replace")) for name, text in added.items())),
    )


async def list_dead_letters(
    bus: Bus, wanted: Filter, *, limit: int = 50, before: tuple[datetime, str] | None = None
) -> Page:
    """The newest dead letters, `before` a former page's end. Reads the topic through."""
    newest: list[tuple[tuple[datetime, str], DeadLetter]] = []
    async for letter in _all(bus):
        place = (letter.time, letter.id)
        if wanted.takes(letter) and (before is None or place < before):
            # One more than the page, to know whether there is another.
            push = heappush if len(newest) <= limit else heappushpop
            push(newest, (place, letter))
    newest.sort(key=lambda entry: entry[0], reverse=True)
    page = newest[:limit]
    return Page(
        letters=tuple(letter for _, letter in page),
        before=page[-1][0] if len(newest) > limit else None,
    )


async def show(bus: Bus, letter_id: str) -> DeadLetter:
    """One dead letter. Raises DeadLetterNotFound."""
    async for letter in _all(bus):
        if letter.id == letter_id:
            return letter
    raise DeadLetterNotFound(letter_id)


async def replay(bus: Bus, letters: Sequence[DeadLetter]) -> None:
    """Publish the records again, each for the consumer that gave it up and nobody else.

    The consumer's inbox has no row of an event that died, so it is handled, and only once
    however often it is replayed. In a compacted topic the record gets a key of its own:
    under its old one it would supersede the newest state there.
    """
    topics = [topic for topic in TOPICS if topic.name in {letter.topic for letter in letters}]
    await bus.ensure(topics)
    await bus.sink.publish([_replayed(letter) for letter in letters])
    await bus.sink.publish([_marked(letter) for letter in letters])


async def replay_all(bus: Bus, wanted: Filter) -> int:
    """Replay every dead letter that `wanted` takes, in pages; how many.

    Those of one organisation come in the order in which they died: they share a partition.
    """
    count = size = 0
    page: list[DeadLetter] = []
    async for letter in _all(bus):
        if not wanted.takes(letter):
            continue
        page.append(letter)
        size += len(letter.value)
        if len(page) == _PAGE or size > _PAGE_BYTES:
            await replay(bus, page)
            count += len(page)
            page, size = [], 0
    if page:
        await replay(bus, page)
    return count + len(page)


async def _all(bus: Bus) -> AsyncIterator[DeadLetter]:
    """Every dead letter that is there now, not those that come while it reads."""
    # A mark lies behind its letter: what was replayed must be known first.
    replayed: dict[str, datetime] = {}
    ends: dict[Partition, int] = {}
    async for record in _records(bus):
        ends[record.partition] = record.offset + 1
        if (marked := _mark(record)) is not None:
            replayed[marked] = record.time
    async for record in _records(bus):
        if record.offset < ends.get(record.partition, 0) and _mark(record) is None:
            letter = _read(record)
            yield replace(letter, replayed=replayed.get(letter.id))


async def _records(bus: Bus) -> AsyncIterator[Record]:
    async with bus.reader([DEAD_LETTERS], begin=Begin.START) as reader:
        while True:
            done = await reader.caught_up()
            for record in await reader.fetch(limit=_PAGE, wait=0 if done else 1):
                yield record
            if done:
                return


def _read(record: Record) -> DeadLetter:
    headers = {
        name: value.decode(errors="replace")
        for name, value in record.message.headers
        if name.startswith(("dlq_", "ce_"))
    }
    return DeadLetter(
        id=_id(record.partition, record.offset),
        time=record.time,
        consumer=headers.get("dlq_consumer", ""),
        reason=headers.get("dlq_reason", ""),
        organization=headers.get("ce_organization", "-"),
        topic=headers.get("dlq_topic", ""),
        partition=int(headers.get("dlq_partition", "0")),
        offset=int(headers.get("dlq_offset", "0")),
        key=headers.get("dlq_key", ""),
        event_type=headers.get("ce_type", ""),
        headers=_without_ours(record.message.headers),
        value=record.message.value,
    )


def _id(partition: Partition, offset: int) -> str:
    return f"{partition.number}:{offset}"


def _replayed(letter: DeadLetter) -> Message:
    key = f"{letter.key}#replay-{letter.id}" if letter.topic in _COMPACTED else letter.key
    headers = (*letter.headers, (REPLAY_FOR, letter.consumer.encode()))
    return Message(letter.topic, key, letter.value, headers)


def _marked(letter: DeadLetter) -> Message:
    """Says among the dead letters that one was replayed."""
    return Message(DEAD_LETTERS.name, letter.organization, b"", ((_REPLAYED, letter.id.encode()),))


def _mark(record: Record) -> str | None:
    """The id of the letter that a record says was replayed; None for a letter."""
    for name, value in record.message.headers:
        if name == _REPLAYED:
            return value.decode(errors="replace")
    return None


def _without_ours(headers: Sequence[tuple[str, bytes]]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, value) for name, value in headers if not name.startswith(_OURS))
