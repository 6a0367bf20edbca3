"""Many predictions at once give what each alone gives."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.schemas.values import Output, Shapes
from services.metrics.core import aggregate, heat, loghist, rollup, series
from services.metrics.core.buckets import Level, starts
from services.metrics.core.content import Content, Side, pack, unpack
from services.metrics.core.content import side as side_of
from services.metrics.core.rollup import Bucket
from services.metrics.core.series import Role, Series

START = datetime(2026, 3, 1, 10, 58, 30, tzinfo=UTC)


def side(rng: np.random.Generator, *, classified: bool) -> Side:
    count = int(rng.integers(0, 5))
    if classified:
        return Side(float(rng.lognormal(-3)), [int(rng.integers(3))], [float(rng.random())])
    return Side(
        float(rng.lognormal(-3)),
        rng.integers(0, 3, count).tolist(),
        rng.random(count).tolist(),
        [tuple(box) for box in rng.uniform(0, 100, (count, 4)).tolist()],
    )


def contents(seed: int) -> tuple[list[Content], list[datetime]]:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 9))
    classified = bool(rng.random() < 0.3)
    some = [
        Content(
            int(rng.integers(100, 900)),
            int(rng.integers(100, 900)),
            float(rng.random()),
            side(rng, classified=classified),
            side(rng, classified=classified) if rng.random() < 0.5 else None,
        )
        for _ in range(count)
    ]
    return some, [START + timedelta(seconds=int(s)) for s in rng.integers(0, 7200, count)]


def alone(content: Content) -> Bucket:
    """By the function that makes one bucket; without boxes it has no areas to tell."""
    total = Bucket.of(series.key(Series.LAG, loghist.bins([content.lag])).astype(np.uint32), ONE)
    for role, answer in ((Role.CHAMPION, content.champion), (Role.SHADOW, content.shadow)):
        if answer is None:
            continue
        made = rollup.predicted(
            latencies=[answer.latency],
            widths=[content.width],
            heights=[content.height],
            image=[0] * len(answer.classes),
            classes=answer.classes,
            scores=answer.scores,
            areas=[w * h for _, _, w, h in answer.boxes] or [1.0] * len(answer.classes),
            role=role,
        )
        if not answer.boxes:
            keys = (made.keys >> np.uint32(24)) & np.uint32(0x7F) != Series.BOX_AREA
            made = Bucket(made.keys[keys], made.values[keys])
        total = total + made
    return total


ONE = np.ones(1, dtype=np.int64)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_batch_adds_to_every_level_what_its_predictions_add_alone(seed):
    some, times = contents(seed)
    wanted: dict[tuple[Level, datetime], Bucket] = {}
    for content, time in zip(some, times, strict=True):
        for place in starts(time).items():
            wanted[place] = wanted.get(place, Bucket()) + alone(content)
    assert aggregate.deltas(some, times) == wanted


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_late_shadow_adds_what_it_would_have_added_at_once(seed):
    some, times = contents(seed)
    both = [i for i, content in enumerate(some) if content.shadow is not None]
    if not both:
        return
    bare = [Content(c.width, c.height, c.lag, c.champion) for c in some]
    together = dict(aggregate.deltas(bare, times))
    late = aggregate.shadow_deltas([some[i] for i in both], [times[i] for i in both])
    for place, bucket in late.items():
        together[place] = together[place] + bucket
    assert together == aggregate.deltas(some, times)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_heat_maps_of_a_batch_are_the_sum_of_single_ones(seed):
    some, times = contents(seed)
    wanted: dict[tuple[Level, datetime, int], heat.Grid] = {}
    for content, time in zip(some, times, strict=True):
        for label, box in zip(content.champion.classes, content.champion.boxes, strict=False):
            grid = heat.heat([box], width=content.width, height=content.height)
            for level in (Level.HOUR, Level.DAY):
                place = level, starts(time)[level], label
                wanted[place] = wanted.get(place, 0) + grid
    found = aggregate.heats(some, times)
    assert found.keys() == wanted.keys()
    for place, grid in found.items():
        assert (grid == wanted[place]).all()


def test_heat_maps_of_all_labels_at_once_are_those_of_each():
    rng = np.random.default_rng(3)
    boxes = rng.uniform(-0.3, 1.2, (300, 4))
    # Some end on the edge of a cell, or of the picture.
    boxes[:100] = np.round(boxes[:100] * heat.GRID) / heat.GRID
    boxes[:, 2:] = np.abs(boxes[:, 2:])
    labels = rng.integers(0, 5, 300) * 7
    found = heat.heat_by_label(boxes, labels)
    assert sorted(found) == [0, 7, 14, 21, 28]
    for label, grid in found.items():
        assert np.array_equal(grid, heat.heat(boxes[labels == label], width=1, height=1))


def test_polygons_are_drawn_into_heat_maps():
    ring = [(0.0, 0.0), (50.0, 0.0), (50.0, 100.0), (0.0, 100.0)]
    content = Content(100, 100, 0.0, Side(0.1, [2], [0.9], [(0, 0, 50, 100)], [ring]))
    grid = aggregate.heats([content], [START])[Level.HOUR, starts(START)[Level.HOUR], 2]
    assert grid[:, :16].min() == heat.ONE
    assert grid[:, 18:].max() == 0


def test_a_polygon_counts_with_its_own_area_and_one_counted_by_its_box_with_that():
    box, ring = (0.0, 0.0, 50.0, 100.0), [(0.0, 0.0), (50.0, 0.0), (0.0, 100.0)]
    shapes = Shapes(classes=[2], scores=[0.9], boxes=[box], polygons=[ring])
    told = side_of(Output(version=uuid4(), shapes=shapes, latency=0.1), [0, 1, 2], None)
    mixed = [
        Content(100, 100, 0.0, one)
        for one in (
            told,
            Side(0.1, [2], [0.9], [box], [ring]),
            Side(0.1, [0], [0.5], [(0, 0, 20, 10)]),
        )
    ]
    bucket = aggregate.deltas(mixed, [START] * 3)[Level.HOUR, starts(START)[Level.HOUR]]
    bins, counts = bucket.histogram(Series.BOX_AREA)
    assert bins.tolist() == sorted(loghist.bins([0.25, 0.5, 0.02]).tolist())
    assert counts.tolist() == [1, 1, 1]


@given(st.integers(0, 2**32 - 1))
def test_packing_a_content_loses_nothing(seed):
    some, _ = contents(seed)
    assert [unpack(pack(content)) for content in some] == some


def test_what_is_split_for_charts_adds_up_again():
    some, times = contents(7)
    bucket = next(iter(aggregate.deltas(some, times).values()))
    charted, rest = bucket.split()
    assert charted + rest == bucket
    assert len(charted.keys) > 0 < len(rest.keys)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_total_is_the_sum_of_its_buckets(count):
    some, times = contents(3)
    one = next(iter(aggregate.deltas(some, times).values()))
    total = Bucket()
    for _ in range(count):
        total = total + one
    assert Bucket.total([one] * count) == total


def test_ten_thousand_boxes_of_one_image_are_counted_each():
    rng = np.random.default_rng(3)
    count = 10_000
    answer = Side(
        0.1,
        rng.integers(0, 3, count).tolist(),
        rng.random(count).tolist(),
        [tuple(box) for box in rng.uniform(0, 100, (count, 4)).tolist()],
    )
    content = Content(640, 480, 0.1, answer, None)
    assert unpack(pack(content)) == content
    made = aggregate.deltas([content], [START])
    for bucket in made.values():
        assert int(bucket.histogram(Series.LABEL_BOXES)[1].sum()) == count
        assert int(bucket.histogram(Series.LABEL_IMAGES)[1].sum()) == 3
