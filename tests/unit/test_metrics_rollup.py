"""Buckets add, subtract and answer; heat maps cover what boxes cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.core import heat, loghist, rollup, series
from services.metrics.core.rollup import Bucket
from services.metrics.core.series import (
    Count,
    Role,
    Series,
    Sum,
)

seeds = st.integers(0, 2**32 - 1)


def random_bucket(seed):
    rng = np.random.default_rng(seed)
    p, b = int(rng.integers(1, 6)), int(rng.integers(0, 20))
    made = rollup.predicted(
        latencies=rng.lognormal(-3, 1, p),
        widths=rng.integers(1, 2000, p),
        heights=rng.integers(1, 2000, p),
        image=rng.integers(0, p, b),
        classes=rng.integers(0, 5, b),
        scores=rng.random(b),
        areas=rng.uniform(0, 100, b),
        role=Role(int(rng.integers(0, 2))),
    )
    return made + rollup.scored(
        outliers=rng.random(p),
        alarms=rng.random(p) > 0.9,
        disagree=rng.random(p) > 0.5,
        brightness=rng.random(p),
        contrast=rng.random(p),
        sharpness=rng.random(p),
    )


@settings(deadline=None)
@given(seeds, seeds, seeds)
def test_merging_is_associative_and_commutative_to_the_last_bit(a, b, c):
    a, b, c = map(random_bucket, (a, b, c))
    assert (a + b) + c == a + (b + c) == c + b + a
    assert Bucket.merged([a.to_bytes(), b.to_bytes(), c.to_bytes()]) == a + b + c


@settings(deadline=None)
@given(seeds, seeds)
def test_subtracting_undoes_adding_and_packing_loses_nothing(a, b):
    a, b = map(random_bucket, (a, b))
    assert (a + b) - b == a
    assert a - a == Bucket()
    assert Bucket.from_bytes(a.to_bytes()) == a


def test_a_bucket_answers_what_went_into_it():
    bucket = rollup.predicted(
        latencies=[0.1, 0.3, np.nan],
        widths=[640, 640, 480],
        heights=[480, 480, 640],
        image=[0, 0, 2],
        classes=[1, 1, 4],
        scores=[0.5, 1.0, 0.25],
        areas=[100, 200, 640 * 480],
    )
    assert bucket.count(Count.PREDICTIONS) == 3
    assert bucket.count(Count.BOXES) == 3
    assert bucket.count(Count.BOXES, Role.SHADOW) == 0
    assert bucket.sum(Sum.LATENCY) == pytest.approx(0.4)
    pairs = {
        s: dict(zip(*map(np.ndarray.tolist, bucket.histogram(s)), strict=True)) for s in Series
    }
    assert pairs[Series.LABEL_BOXES] == {1: 2, 4: 1}
    assert pairs[Series.LABEL_IMAGES] == {1: 1, 4: 1}
    assert pairs[Series.BOX_COUNT] == {0: 1, 1: 1, 2: 1}
    assert pairs[Series.SCORE] == {25: 1, 50: 1, 99: 1}
    assert pairs[Series.RATIO] == {1: 1, 3: 2}
    assert bucket.quantiles(Series.BOX_AREA, 1.0)[0] == pytest.approx(1.0, rel=0.01)
    assert bucket.quantiles(Series.WIDTH, 0.0)[0] == pytest.approx(480, rel=0.01)


def test_image_sizes_are_counted_once_and_not_again_for_the_shadow():
    shadow = rollup.predicted(
        latencies=[0.1],
        widths=[64],
        heights=[64],
        image=[],
        classes=[],
        scores=[],
        areas=[],
        role=Role.SHADOW,
    )
    assert shadow.count(Count.PREDICTIONS, Role.SHADOW) == 1
    assert len(shadow.histogram(Series.WIDTH, Role.SHADOW)[0]) == 0


@given(st.lists(st.floats(1e-6, 1e4), min_size=1, max_size=200), st.floats(0, 1))
def test_quantiles_keep_their_stated_relative_error(values, q):
    bins, counts = np.unique(loghist.bins(values), return_counts=True)
    exact = np.sort(values)[int(np.floor(q * (len(values) - 1)))]
    found = loghist.quantiles(bins, counts, q)[0]
    assert abs(found - exact) <= loghist.RELATIVE_ERROR * exact * (1 + 1e-6) + loghist.UNIT


def test_quantiles_of_nothing_are_nan():
    assert np.isnan(Bucket().quantiles(Series.LATENCY, [0.5, 0.95])).all()


@pytest.mark.parametrize(
    ("width", "height", "name"),
    [
        (10, 10, "1"),
        (4, 10, "< 0.5"),
        (5, 10, "[0.5, 1)"),
        (15, 10, "(1, 1.5]"),
        (16, 10, "(1.5, 2.5]"),
        (25, 10, "(1.5, 2.5]"),
        (26, 10, "> 2.5"),
    ],
)
def test_ratios_fall_in_their_half_open_bins(width, height, name):
    assert series.RATIO_NAMES[rollup.ratio_bins([width], [height])[0]] == name


def test_bytes_that_are_no_bucket_are_refused():
    with pytest.raises(rollup.NotABucket):
        Bucket.from_bytes(b"12345")


@given(
    st.lists(
        st.tuples(*[st.floats(0, 300)] * 4).map(lambda t: (t[0], t[1], t[2], t[3])), max_size=8
    )
)
def test_heat_is_the_area_that_the_boxes_cover(boxes):
    grid = heat.heat(boxes, width=320, height=640)
    inside = [max(0, min(x + w, 320) - x) * max(0, min(y + h, 640) - y) for x, y, w, h in boxes]
    cells = sum(inside) / (10 * 20)
    assert grid.sum() / heat.ONE == pytest.approx(cells, abs=0.3 * max(len(boxes), 1))
    np.testing.assert_array_equal(heat.unpack(heat.pack(grid)), grid)
    one_by_one = sum((heat.heat([b], width=320, height=640) for b in boxes), np.zeros((32, 32)))
    np.testing.assert_array_equal(grid, one_by_one)


def test_heat_lies_where_the_box_is_and_partly_covered_cells_count_in_part():
    grid = heat.heat([[0, 0, 15, 10]], width=320, height=320)
    assert grid[0, 0] == heat.ONE
    assert grid[0, 1] == heat.ONE // 2
    assert np.count_nonzero(grid) == 2


def test_a_polygon_heats_what_it_covers():
    grid = heat.heat_of_polygon([[0, 0], [320, 0], [320, 160], [0, 160]], width=320, height=320)
    assert grid[:16].sum() / heat.ONE == pytest.approx(512)
    assert grid[17:].sum() == 0
