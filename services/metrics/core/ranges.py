"""A range of event time, and the points of its charts."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.metrics.core import buckets
from services.metrics.core.buckets import MOST_POINTS, Level, Span, Width, floor
from services.metrics.errors import RangeImpossible

_DAY = timedelta(days=1)
_DAYS = (1, 7, 28, 91, 364)


def _utc(time: datetime) -> datetime:
    """A time without a zone is read as UTC."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A half-open range of event time and the points of its charts."""

    start: datetime
    end: datetime
    width: Width
    first: datetime
    points: int

    @classmethod
    def of(cls, start: datetime | None, end: datetime | None, *, now: datetime) -> "Range":
        """By default the last 24 hours, up to the end of the minute. Raises RangeImpossible."""
        minute = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = _utc(end) if end is not None else minute
        start = _utc(start) if start is not None else end - _DAY
        if start >= end:
            raise RangeImpossible(f"a range from {start.isoformat()} to {end.isoformat()} is empty")
        width = buckets.chart_width(start, end)
        first = buckets.floor(start, width.width)
        return cls(
            start=start,
            end=end,
            width=width,
            first=first,
            points=-(-(end - first) // width.width),
        )

    @property
    def span(self) -> Span:
        """The stored buckets of the chart."""
        return Span(self.width.level, self.first, self.first + self.points * self.width.width)

    @property
    def hours(self) -> "Hours":
        """The same range in whole hours: what rollups keep of labels and versions."""
        hour, first = timedelta(hours=1), floor(self.start, timedelta(hours=1))
        last = floor(self.end + hour - timedelta(microseconds=1), hour)
        count = (last - first) // hour
        if count <= MOST_POINTS:
            return Hours(first, hour, count, (Span(Level.HOUR, first, last),))
        days = next((d for d in _DAYS if (last - first) // timedelta(days=d) < MOST_POINTS), None)
        width = timedelta(days=days or -(-(last - first).days // MOST_POINTS) + 1)
        start = floor(first, width)
        points = -(-(last - start) // width)
        return Hours(start, width, points, tuple(buckets.cover_hours(first, last)))


@dataclass(frozen=True, slots=True)
class Hours:
    """`count` points of `width` from `first`, and the stored buckets that they are made of."""

    first: datetime
    width: timedelta
    count: int
    spans: tuple[Span, ...]
