"""A range of event time, and the points of its charts."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.metrics.core import buckets
from services.metrics.core.buckets import Span, Width
from services.metrics.errors import RangeImpossible

_DAY = timedelta(days=1)


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
