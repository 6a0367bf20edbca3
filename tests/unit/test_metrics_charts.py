"""A chart of many buckets says at each point what that point's bucket says."""

import numpy as np
import pytest

from services.metrics.core import rollup
from services.metrics.core.charts import Chart
from services.metrics.core.rollup import Bucket
from services.metrics.core.series import (
    Count,
    Role,
    Series,
    Sum,
)

RNG = np.random.default_rng(5)


def bucket() -> Bucket:
    p = int(RNG.integers(1, 40))
    made = rollup.predicted(
        latencies=RNG.lognormal(-3, 1, p),
        widths=[640] * p,
        heights=[480] * p,
        image=np.arange(p),
        classes=RNG.integers(0, 4, p),
        scores=RNG.random(p),
        areas=[100.0] * p,
    )
    return made + rollup.scored(
        outliers=RNG.random(p),
        alarms=RNG.random(p) > 0.9,
        brightness=RNG.random(p),
        contrast=RNG.random(p),
        sharpness=-RNG.random(p),
    )


@pytest.fixture
def points() -> list[Bucket]:
    """Point 1 has two buckets, point 2 none."""
    return [bucket(), bucket(), bucket(), bucket()]


@pytest.fixture
def chart(points) -> Chart:
    return Chart.of([b.split()[0].to_bytes() for b in points], [0, 1, 1, 3], points=5)


@pytest.fixture
def merged(points) -> list[Bucket]:
    return [points[0], points[1] + points[2], Bucket(), points[3], Bucket()]


def test_counts_and_sums(chart, merged):
    assert chart.count(Count.PREDICTIONS).tolist() == [b.count(Count.PREDICTIONS) for b in merged]
    assert chart.count(Count.BOXES, Role.SHADOW).tolist() == [0] * 5
    assert chart.sum(Sum.SHARPNESS) == pytest.approx([b.sum(Sum.SHARPNESS) for b in merged])


def test_quantiles_of_the_latency(chart, merged):
    wanted = np.array([b.quantiles(Series.LATENCY, [0.5, 0.95]) for b in merged]).T
    np.testing.assert_array_equal(chart.latency([0.5, 0.95]), wanted)
    assert np.isnan(chart.latency([0.5], Role.SHADOW)).all()


def test_quantiles_of_the_outlier_score_to_a_hundredth(chart, merged):
    (middle,) = chart.outlier([0.5])
    for value, b in zip(middle, merged, strict=True):
        bins, counts = b.histogram(Series.OUTLIER)
        if not len(bins):
            assert np.isnan(value)
            continue
        every = np.repeat(bins, counts)
        assert value == pytest.approx((every[(len(every) - 1) // 2] + 0.5) / 100)


def test_labels_over_time(chart, merged):
    bins, counts = chart.bins(Series.LABEL_BOXES)
    for point, b in enumerate(merged):
        wanted, values = b.histogram(Series.LABEL_BOXES)
        row = counts[:, point]
        assert bins[row > 0].tolist() == wanted.tolist()
        assert row[row > 0].tolist() == values.tolist()


def test_a_chart_of_nothing_is_empty():
    chart = Chart.of([], [], points=3)
    assert chart.count(Count.PREDICTIONS).tolist() == [0, 0, 0]
    assert np.isnan(chart.latency([0.5])).all()
    assert chart.bins(Series.LABEL_BOXES)[1].shape == (0, 3)
