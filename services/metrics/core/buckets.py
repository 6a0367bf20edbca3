"""Which stored buckets cover a range of time, and how wide a chart's points should be. All UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

MOST_POINTS = 300

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Few steps: a point is made of few stored buckets, so a chart reads hundreds, not thousands.
_MINUTES = (1, 2)
_FIVE_MINUTES = (1, 2)
_HOURS = (1, 2, 3)
_DAYS = (1, 2, 7, 14, 28, 91, 364)


class Level(StrEnum):
    """Width of a stored bucket. Five minutes are for charts of a day; totals do without."""

    MINUTE = "minute"
    FIVE_MINUTES = "five_minutes"
    HOUR = "hour"
    DAY = "day"


_SPAN = {
    Level.MINUTE: timedelta(minutes=1),
    Level.FIVE_MINUTES: timedelta(minutes=5),
    Level.HOUR: timedelta(hours=1),
    Level.DAY: timedelta(days=1),
}
# Neighbouring buckets that are read together.
_CHUNK = {
    Level.MINUTE: timedelta(hours=1),
    Level.FIVE_MINUTES: timedelta(hours=6),
    Level.HOUR: timedelta(days=1),
    Level.DAY: timedelta(days=28),
}


def floor(time: datetime, width: timedelta) -> datetime:
    """The start of the bucket of that width that holds `time`, counted from the epoch."""
    _check(time)
    return time - (time - _EPOCH) % width


def starts(time: datetime) -> dict[Level, datetime]:
    """The start of the bucket of every level that holds `time`."""
    return {level: floor(time, span) for level, span in _SPAN.items()}


def chunk_of(level: Level, bucket: datetime) -> datetime:
    """The start of the chunk of neighbouring buckets that a bucket is in."""
    return floor(bucket, _CHUNK[level])


def chunks(span: "Span") -> list["Span"]:
    """The whole chunks that touch a span, in time."""
    width = _CHUNK[span.level]
    first = floor(span.start, width)
    count = -(-(span.end - first) // width)
    return [
        Span(span.level, first + i * width, first + (i + 1) * width) for i in range(max(count, 0))
    ]


def cover(start: datetime, end: datetime) -> list["Span"]:
    """Half-open runs of stored buckets that together are [start, end), in time.

    Whole days inside, whole hours at their sides, minutes at both edges; five runs at most. A
    range that begins or ends within a minute is widened to that minute.
    """
    first = floor(start, _SPAN[Level.MINUTE])
    last = _ceiling(end, _SPAN[Level.MINUTE])
    return _cover(first, last, [Level.DAY, Level.HOUR, Level.MINUTE]) if first < last else []


def cover_hours(start: datetime, end: datetime) -> list["Span"]:
    """As `cover`, widened to whole hours: heat maps have no minutes."""
    first, last = floor(start, _SPAN[Level.HOUR]), _ceiling(end, _SPAN[Level.HOUR])
    return _cover(first, last, [Level.DAY, Level.HOUR]) if first < last else []


def chart_width(start: datetime, end: datetime, *, points: int = MOST_POINTS) -> "Width":
    """The narrowest width for a chart of [start, end) with at most `points` points."""
    _check(start)
    _check(end)
    for level, steps in (
        (Level.MINUTE, _MINUTES),
        (Level.FIVE_MINUTES, _FIVE_MINUTES),
        (Level.HOUR, _HOURS),
        (Level.DAY, _DAYS),
    ):
        for step in steps:
            width = step * _SPAN[level]
            if _ceiling(end, width) - floor(start, width) <= points * width:
                return Width(level, width)
    return Width(Level.DAY, timedelta(days=-(-(end - start).days // (points - 1))))


def _cover(first: datetime, last: datetime, levels: list[Level]) -> list["Span"]:
    level, *finer = levels
    inner_first, inner_last = _ceiling(first, _SPAN[level]), floor(last, _SPAN[level])
    if inner_first >= inner_last:
        return _cover(first, last, finer)
    spans = [Span(level, inner_first, inner_last)]
    if first < inner_first:
        spans = _cover(first, inner_first, finer) + spans
    if inner_last < last:
        spans = spans + _cover(inner_last, last, finer)
    return spans


def _ceiling(time: datetime, width: timedelta) -> datetime:
    start = floor(time, width)
    return start if start == time else start + width


def _check(time: datetime) -> None:
    if time.tzinfo is None:
        raise TimeWithoutZone(time)


@dataclass(frozen=True)
class Span:
    """All buckets of a level that start in [start, end)."""

    level: Level
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Width:
    """A chart's points are `width` wide and made of stored buckets of `level`."""

    level: Level
    width: timedelta


class TimeWithoutZone(ValueError):
    """A time that names no zone, so no instant."""

    def __init__(self, time: datetime) -> None:
        super().__init__(f"{time.isoformat()} has no time zone")
