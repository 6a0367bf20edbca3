"""Stored buckets cover a range exactly once; charts stay drawable."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.core import buckets
from services.metrics.core.buckets import Level, Span

times = st.integers(1_577_836_800_000_000, 1_893_456_000_000_000).map(
    lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_whole_hours_with_minutes_at_both_edges():
    assert buckets.cover(at("2026-03-01T10:58"), at("2026-03-01T13:01:30")) == [
        Span(Level.MINUTE, at("2026-03-01T10:58"), at("2026-03-01T11:00")),
        Span(Level.HOUR, at("2026-03-01T11:00"), at("2026-03-01T13:00")),
        Span(Level.MINUTE, at("2026-03-01T13:00"), at("2026-03-01T13:02")),
    ]


def test_whole_days_inside_a_long_range():
    levels = [s.level for s in buckets.cover(at("2026-03-01T10:58"), at("2026-04-03T04:05"))]
    assert levels == ["minute", "hour", "day", "hour", "minute"]


def test_an_empty_or_reversed_range_needs_nothing():
    assert buckets.cover(at("2026-03-01"), at("2026-03-01")) == []
    assert buckets.cover(at("2026-03-02"), at("2026-03-01")) == []


@given(times, times)
def test_the_runs_join_without_gap_or_overlap_and_lie_on_their_grids(a, b):
    start, end = sorted((a, b))
    spans = buckets.cover(start, end)
    assert len(spans) <= 5
    for left, right in itertools.pairwise(spans):
        assert left.end == right.start
    for span in spans:
        width = {"minute": 60, "hour": 3600, "day": 86400}[span.level]
        assert span.start.timestamp() % width == span.end.timestamp() % width == 0
    if spans:
        minute = timedelta(minutes=1)
        assert start - minute < spans[0].start <= start
        assert end <= spans[-1].end < end + minute


@given(times, times)
def test_a_chart_has_at_most_its_points_and_is_made_of_whole_stored_buckets(a, b):
    start, end = sorted((a, b))
    chosen = buckets.chart_width(start, end)
    first = buckets.floor(start, chosen.width)
    assert end - first <= buckets.MOST_POINTS * chosen.width
    stored = {"minute": 60, "five_minutes": 300, "hour": 3600, "day": 86400}[chosen.level]
    assert chosen.width % timedelta(seconds=stored) == timedelta(0)


def test_usual_ranges_get_usual_widths():
    start = at("2026-03-01")
    widths = {
        hours: buckets.chart_width(start, start + timedelta(hours=hours)).width
        for hours in (1, 24, 24 * 7, 24 * 90)
    }
    assert widths == {
        1: timedelta(minutes=1),
        24: timedelta(minutes=5),
        24 * 7: timedelta(hours=1),
        24 * 90: timedelta(days=1),
    }


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(buckets.TimeWithoutZone):
        buckets.cover(datetime(2026, 1, 1), at("2026-01-02"))  # noqa: DTZ001
