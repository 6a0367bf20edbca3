"""A mirror that is told what moved holds what a fresh reading would."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.core import heat
from services.metrics.core.buckets import Level, Span, chunks
from services.metrics.core.mirror import Mirror, Mirrors, Packed

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
STEP = {
    Level.MINUTE: timedelta(minutes=1),
    Level.FIVE_MINUTES: timedelta(minutes=5),
    Level.HOUR: timedelta(hours=1),
    Level.DAY: timedelta(days=1),
}


def read(mirror: Mirror, stored, span: Span) -> None:
    """As a service does: fetch the chunks that are missing."""
    for wanted in mirror.missing([span]):
        mirror.hold([wanted])
        for (level, bucket), packed in stored.items():
            if level is wanted.level and wanted.start <= bucket < wanted.end:
                mirror.put(level, bucket, packed)


@given(st.integers(0, 2**32 - 1))
def test_spans_hold_what_is_stored_whatever_was_asked_before(seed):
    rng = random.Random(seed)
    stored: dict[tuple[Level, datetime], Packed] = {}
    mirror = Mirror(upto=0, made=0.0)
    for _ in range(30):
        level = rng.choice(list(Level))
        bucket = MIDNIGHT + STEP[level] * rng.randrange(400)
        if rng.random() < 0.5:
            stored[level, bucket] = packed = Packed(rng.randbytes(3), rng.randbytes(2))
            mirror.put(level, bucket, packed)
        else:
            span = Span(level, bucket, bucket + STEP[level] * rng.randrange(1, 200))
            read(mirror, stored, span)
            assert mirror.missing([span]) == []
            assert dict(mirror.buckets(span)) == {
                at: packed
                for (of, at), packed in stored.items()
                if of is level and span.start <= at < span.end
            }


@given(st.integers(0, 2**32 - 1))
def test_summed_heat_maps_follow_every_map_that_is_put(seed):
    rng = np.random.default_rng(seed)
    mirror = Mirror(upto=0, made=0.0)
    days = [
        Span(Level.HOUR, MIDNIGHT + timedelta(days=d), MIDNIGHT + timedelta(days=d, hours=20))
        for d in range(2)
    ]
    mirror.hold(days, heat=True)
    for _ in range(20):
        hour = MIDNIGHT + timedelta(hours=int(rng.integers(0, 48)))
        grid = rng.integers(0, 10 ** int(rng.integers(1, 8)), (32, 32))
        mirror.put_heat(Level.HOUR, hour, int(rng.integers(0, 3)), grid=heat.pack(grid))
        span = days[int(rng.integers(0, 2))]
        if mirror.sum_of(span) is None:
            mirror.put_sum(span, heat.summed(mirror.heats(span)))
        for one in days:
            found, expected = mirror.sum_of(one), heat.summed(mirror.heats(one))
            assert found is None or found.keys() == expected.keys()
            for label, total in (found or {}).items():
                np.testing.assert_array_equal(total, expected[label])


def test_spans_of_two_levels_and_out_of_order_are_fetched_apart():
    mirror = Mirror(upto=0, made=0.0)
    late = Span(Level.MINUTE, MIDNIGHT + timedelta(hours=5), MIDNIGHT + timedelta(hours=6))
    early = Span(Level.MINUTE, MIDNIGHT, MIDNIGHT + timedelta(hours=2))
    day = Span(Level.HOUR, MIDNIGHT, MIDNIGHT + timedelta(days=1))
    assert mirror.missing([late, early, day]) == [late, early, day]
    mirror.hold([early])
    assert mirror.missing([late, early, day]) == [late, day]
    assert [chunk.start.hour for chunk in chunks(early)] == [0, 1]


def test_the_deployment_asked_for_longest_ago_is_dropped_when_there_is_too_much():
    held = Mirrors(most=100)
    first, second = uuid4(), uuid4()
    span = Span(Level.DAY, MIDNIGHT, MIDNIGHT + timedelta(days=1))
    for one in (first, second):
        mirror = held.of(one, upto=1, now=0.0, oldest=0.0)
        mirror.hold([span])
        mirror.put(Level.DAY, MIDNIGHT, Packed(b"x" * 50, b"y" * 30))
        assert mirror.size == 80
    held.of(second, upto=1, now=0.0, oldest=0.0)
    held.trim()
    assert held.of(second, upto=1, now=0.0, oldest=0.0).size == 80
    assert held.of(first, upto=1, now=0.0, oldest=0.0).size == 0


def test_a_mirror_that_is_too_old_is_made_anew():
    held = Mirrors(most=100)
    one = uuid4()
    old = held.of(one, upto=1, now=0.0, oldest=0.0)
    assert held.of(one, upto=2, now=5.0, oldest=0.0) is old
    new = held.of(one, upto=2, now=400.0, oldest=100.0)
    assert new is not old
    assert new.upto == 2
