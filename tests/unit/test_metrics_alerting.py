"""Alerts: when a rule fires and is over, and its metric over windows that slide."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.core import aggregate
from services.metrics.core.agreement import disagree
from services.metrics.core.alerting import windows as sliding
from services.metrics.core.alerting.names import MetricUnknown, metric_of, metrics_of
from services.metrics.core.alerting.rules import (
    QUIET,
    Change,
    Condition,
    Operator,
    check,
    rehearse,
)
from services.metrics.core.alerting.windows import Windows
from services.metrics.core.buckets import Level
from services.metrics.core.content import Content, Side
from services.metrics.core.series import Role

START = datetime(2026, 5, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def rule(**fields) -> Condition:
    values = {
        "metric": "volume",
        "operator": Operator.ABOVE,
        "threshold": 10.0,
        "window": timedelta(minutes=5),
    }
    return Condition(**{**values, **fields})


def at(*values: float | None):
    return [(START + i * MINUTE, value) for i, value in enumerate(values)]


def fired(condition: Condition, *values: float | None) -> list[tuple[int, int | None]]:
    """Minutes at which it fires and is over."""
    return [
        (
            (one.fired - START) // MINUTE,
            None if one.resolved is None else (one.resolved - START) // MINUTE,
        )
        for one in rehearse(condition, at(*values))
    ]


@pytest.mark.parametrize(
    ("operator", "wrong", "right"),
    [
        (Operator.ABOVE, 10.1, 10.0),
        (Operator.AT_LEAST, 10.0, 9.9),
        (Operator.BELOW, 9.9, 10.0),
        (Operator.AT_MOST, 10.0, 10.1),
    ],
)
def test_each_operator_knows_its_own_side(operator, wrong, right):
    condition = rule(operator=operator)
    assert condition.violated(wrong)
    assert not condition.violated(right)
    assert condition.over(right)


def test_a_rule_fires_once_and_is_over_once():
    assert fired(rule(), 5, 11, 12, 30, 9, 8, 11, 11) == [(1, 4), (6, None)]


def test_a_violation_must_last():
    condition = rule(lasting=3 * MINUTE)
    assert fired(condition, 11, 11, 11, 9, 11, 11, 11, 11, 9) == [(7, 8)]


def test_with_hysteresis_it_is_over_at_the_other_threshold():
    condition = rule(resolved=7.0)
    assert fired(condition, 11, 9, 8, 11, 7, 9) == [(0, 4)]
    below = rule(operator=Operator.BELOW, resolved=12.0)
    assert fired(below, 9, 11, 11.9, 12) == [(0, 3)]


def test_without_a_value_nothing_fires_and_what_fires_stays():
    condition = rule(lasting=2 * MINUTE)
    assert fired(condition, 11, 11, None, 11, 11) == []
    assert fired(condition, 11, 11, 11, None, None, 9) == [(2, 5)]


def test_a_violation_that_nobody_watched_does_not_count_as_lasting():
    condition = rule(lasting=30 * MINUTE)
    standing, _ = check(condition, QUIET, START, value=11)
    standing, change = check(condition, standing, START + 60 * MINUTE, value=11)
    assert change is None
    assert standing.since == START + 60 * MINUTE


def test_what_fires_survives_a_pause():
    standing, change = check(rule(), QUIET, START, value=11)
    assert change is Change.FIRED
    standing, change = check(rule(), standing, START + timedelta(days=2), value=11)
    assert change is None
    _, change = check(rule(), standing, START + timedelta(days=3), value=3)
    assert change is Change.RESOLVED


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 20)), max_size=60),
    st.sampled_from(Operator),
    st.integers(0, 5),
    st.floats(0, 5),
)
def test_firings_never_overlap_and_last_long_enough(values, operator, lasting, apart):
    resolved = 10 - apart if operator.upward else 10 + apart
    condition = rule(operator=operator, lasting=lasting * MINUTE, resolved=resolved)
    found = rehearse(condition, at(*values))
    for one in found:
        assert one.fired - one.since >= condition.lasting
        assert condition.violated(one.worst)
    for one, later in pairwise(found):
        assert one.resolved is not None
        assert one.fired < one.resolved <= later.since


def test_a_metric_that_is_none_is_refused_by_the_name_of_the_nearest():
    metrics = metrics_of(["car"], ["car", "truck"], detection=True)
    assert metric_of("latency.champion.p95", metrics).unit == "s"
    assert metrics["champion.boxes.truck"].label is None
    assert "quality.champion.ap" in metrics
    with pytest.raises(MetricUnknown, match=r"did you mean 'latency.champion.p95'"):
        metric_of("latency.champion.95", metrics)
    with pytest.raises(MetricUnknown):
        metric_of("champion.boxes.boat", metrics)


def contents(rng: np.random.Generator, count: int) -> list[Content]:
    found = []
    for _ in range(count):
        sides = []
        for _ in range(2):
            boxes = int(rng.integers(0, 4))
            corners = rng.uniform(0, 200, (boxes, 2))
            sides.append(
                Side(
                    latency=float(rng.uniform(0.01, 2)),
                    classes=rng.integers(0, 3, boxes).tolist(),
                    scores=rng.uniform(0.5, 1, boxes).tolist(),
                    boxes=[(x, y, 30.0, 40.0) for x, y in corners.tolist()],
                )
            )
        found.append(
            Content(
                width=640,
                height=480,
                lag=0.1,
                champion=sides[0],
                shadow=sides[1],
                disagrees=disagree(*sides, thresholds=(0.5, 0.5), size=(640, 480)),
            )
        )
    return found


def test_every_window_holds_what_its_own_buckets_say_together():
    rng = np.random.default_rng(3)
    some = contents(rng, 300)
    times = [START + timedelta(seconds=float(s)) for s in rng.uniform(0, 40 * 60, len(some))]
    deltas = aggregate.deltas(some, times)
    stored = [
        (start, bucket.split()[0].to_bytes())
        for (level, start), bucket in deltas.items()
        if level is Level.MINUTE
    ]
    length = timedelta(minutes=7)
    windows = Windows.ending(Level.MINUTE, length, START + 7 * MINUTE, START + 45 * MINUTE)
    chart = windows.chart([one for one in stored if one[0] >= START])
    metrics = metrics_of(["a", "b", "c"], ["a", "b", "c"], detection=True)

    def over(name):
        return sliding.of_buckets(chart, metrics[name], windows)

    for i, end in enumerate(windows.ends):
        mine = [c for c, t in zip(some, times, strict=True) if end - length <= t < end]
        assert over("volume")[i] == len(mine)
        if not mine:
            assert np.isnan(over("latency.champion.p95")[i])
            continue
        for role, side in ((Role.CHAMPION, "champion"), (Role.SHADOW, "shadow")):
            seconds = sorted(getattr(c, side).latency for c in mine)
            exact = seconds[int(0.95 * (len(seconds) - 1))]
            assert over(f"latency.{role.name.lower()}.p95")[i] == pytest.approx(exact, rel=0.011)
            classes = [k for c in mine for k in getattr(c, side).classes]
            assert over(f"{side}.boxes.b")[i] == classes.count(1)
            assert over(f"{side}.share.b")[i] == pytest.approx(classes.count(1) / len(classes))
            assert over(f"boxes.{side}.mean")[i] == pytest.approx(len(classes) / len(mine))
        apart = sum(c.disagrees is True for c in mine)
        assert over("disagreement.share")[i] == pytest.approx(apart / len(mine))


def test_events_in_time_have_a_newest_a_mean_and_a_number_in_each_window():
    windows = Windows.ending(Level.MINUTE, 2 * MINUTE, START, START + 3 * MINUTE)
    seconds = np.array([-100.0, -30.0, 30.0, 90.0]) + START.timestamp()
    values = np.array([1.0, np.nan, 3.0, 5.0])
    assert sliding.how_many(seconds, windows).tolist() == [2, 2, 2, 1]
    assert sliding.mean(seconds, values, windows).tolist() == [1, 3, 4, 5]
    late = Windows.ending(Level.MINUTE, 2 * MINUTE, START + 9 * MINUTE, START + 9 * MINUTE)
    assert np.isnan(sliding.mean(seconds, values, late)).all()
    assert np.isnan(sliding.newest(seconds, values, late)).all()
    assert sliding.newest(seconds, np.array([1.0, 2, 3, 5]), windows).tolist() == [2, 3, 5, 5]


@pytest.mark.parametrize(
    ("window", "level"),
    [
        (timedelta(minutes=1), Level.MINUTE),
        (timedelta(hours=1), Level.MINUTE),
        (timedelta(minutes=65), Level.FIVE_MINUTES),
        (timedelta(days=1), Level.FIVE_MINUTES),
        (timedelta(days=7), Level.HOUR),
    ],
)
def test_long_windows_are_made_of_wider_buckets(window, level):
    assert rule(window=window).level is level
