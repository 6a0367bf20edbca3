"""What may be ground truth: checked against exact arithmetic and by construction."""

import math
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.schemas.values import Box, Point, ReviewShapes, TaskType
from services.review.core.polygons import crosses_itself
from services.review.core.shapes import POINTS_LIMIT, check_shapes
from services.review.errors import ReviewRefused

WIDTH, HEIGHT = 640, 480
LABELS = ["person", "car"]
inside = st.floats(0, 1)


@st.composite
def boxes_inside(draw: st.DrawFn) -> Box:
    """A box as a client computes it from two corners in the picture."""
    left, right = sorted((draw(inside) * WIDTH, draw(inside) * WIDTH))
    top, bottom = sorted((draw(inside) * HEIGHT, draw(inside) * HEIGHT))
    return left, top, max(right - left, 1e-9), max(bottom - top, 1e-9)


@st.composite
def stars(draw: st.DrawFn) -> list[Point]:
    """A ring that goes once round the middle of the picture: it cannot cross itself."""
    count = draw(st.integers(3, 40))
    radii = draw(st.lists(st.floats(5, 200), min_size=count, max_size=count))
    angles = [2 * math.pi * i / count for i in range(count)]
    return [
        (320 + r * math.cos(a), 240 + r * math.sin(a)) for r, a in zip(radii, angles, strict=True)
    ]


def refusal(task: TaskType, **columns: object) -> list[tuple[str, str]]:
    shapes = ReviewShapes(**{"labels": []} | columns)  # type: ignore[arg-type]
    with pytest.raises(ReviewRefused) as caught:
        check_shapes(shapes, task, labels=LABELS, width=WIDTH, height=HEIGHT)
    return list(caught.value.errors)


def accepted(task: TaskType, **columns: object) -> ReviewShapes:
    shapes = ReviewShapes(**{"labels": []} | columns)  # type: ignore[arg-type]
    return check_shapes(shapes, task, labels=LABELS, width=WIDTH, height=HEIGHT)


def crosses_exactly(ring: list[tuple[int, int]]) -> bool:
    """Two edges that share a point inside both, one at a time, in fractions."""
    edges = [(ring[i], ring[(i + 1) % len(ring)]) for i in range(len(ring))]
    for ((ax, ay), (bx, by)), ((cx, cy), (dx, dy)) in combinations(edges, 2):
        turn = (bx - ax) * (dy - cy) - (by - ay) * (dx - cx)
        if turn == 0:
            continue
        s = Fraction((cx - ax) * (dy - cy) - (cy - ay) * (dx - cx), turn)
        t = Fraction((cx - ax) * (by - ay) - (cy - ay) * (bx - ax), turn)
        if 0 < s < 1 and 0 < t < 1:
            return True
    return False


@pytest.mark.parametrize("task", TaskType)
def test_nothing_there_is_a_valid_review(task: TaskType) -> None:
    assert accepted(task) == ReviewShapes(labels=[])


@given(st.lists(st.tuples(st.sampled_from(LABELS), boxes_inside()), max_size=30))
def test_boxes_inside_the_picture_are_taken_as_they_are(shapes: list[tuple[str, Box]]) -> None:
    labels, boxes = [label for label, _ in shapes], [box for _, box in shapes]
    taken = accepted(TaskType.OBJECT_DETECTION, labels=labels, boxes=boxes)
    assert taken == ReviewShapes(labels=labels, boxes=boxes)


@given(boxes_inside(), st.integers(0, 3), st.floats(1e-3, 1e6))
def test_a_box_that_leaves_the_picture_is_refused_with_its_place(
    box: Box, side: int, by: float
) -> None:
    x, y, w, h = box
    out: Box = [
        (-by, y, w, h), (x, -by, w, h), (WIDTH - w + by, y, w, h), (x, HEIGHT - h + by, w, h),
    ][side]  # fmt: skip
    ((where, what),) = refusal(
        TaskType.OBJECT_DETECTION, labels=["car", "car"], boxes=[(0.0, 0.0, 9.0, 9.0), out]
    )
    assert where == "shapes.boxes[1]"
    assert "not inside the picture of 640 × 480" in what


@pytest.mark.parametrize(
    ("box", "what"),
    [
        ((0.0, 0.0, 0.0, 5.0), "has no area"),
        ((9.0, 9.0, -5.0, 5.0), "has no area"),
        ((math.nan, 0.0, 5.0, 5.0), "is not finite"),
        ((0.0, 0.0, math.inf, 5.0), "is not finite"),
    ],
)
def test_a_box_without_a_size_is_refused(box: Box, what: str) -> None:
    ((where, said),) = refusal(TaskType.OBJECT_DETECTION, labels=["car"], boxes=[box])
    assert where == "shapes.boxes[0]"
    assert what in said


@given(st.integers(0, 5), st.integers(0, 5))
def test_columns_of_unequal_length_are_refused(labels: int, boxes: int) -> None:
    columns = {"labels": ["car"] * labels, "boxes": [(0.0, 0.0, 9.0, 9.0)] * boxes}
    if labels == boxes:
        accepted(TaskType.OBJECT_DETECTION, **columns)
    else:
        ((where, _),) = refusal(TaskType.OBJECT_DETECTION, **columns)
        assert where == "shapes.boxes"


def test_a_review_has_the_columns_of_its_type_only() -> None:
    box, ring = (0.0, 0.0, 9.0, 9.0), [(0.0, 0.0), (9.0, 0.0), (0.0, 9.0)]
    for task, columns, where in (
        (TaskType.CLASSIFICATION, {"boxes": [box]}, "shapes.boxes"),
        (TaskType.CLASSIFICATION, {"polygons": [ring]}, "shapes.polygons"),
        (TaskType.OBJECT_DETECTION, {"boxes": [box], "polygons": [ring]}, "shapes.polygons"),
        (TaskType.SEGMENTATION, {"boxes": [box]}, "shapes.polygons"),
    ):
        assert where in [place for place, _ in refusal(task, labels=["car"], **columns)]
    assert accepted(TaskType.CLASSIFICATION, labels=["car"]).labels == ["car"]
    ((where, _),) = refusal(TaskType.CLASSIFICATION, labels=["car", "person"])
    assert where == "shapes.labels"


def test_labels_beside_the_labelmap_are_named_up_to_twenty() -> None:
    errors = refusal(TaskType.OBJECT_DETECTION, labels=["cat"] * 30, boxes=[(0, 0, 9, 9)] * 30)
    assert [where for where, _ in errors] == [f"shapes.labels[{i}]" for i in range(20)]
    assert errors[0][1] == "'cat' is not in the labelmap: person, car"


@given(stars())
def test_a_ring_round_a_point_is_taken_and_its_box_computed(ring: list[Point]) -> None:
    taken = accepted(TaskType.SEGMENTATION, labels=["car"], polygons=[ring])
    ((x, y, w, h),) = taken.boxes
    assert x == min(px for px, _ in ring)
    assert y == min(py for _, py in ring)
    assert math.isclose(x + w, max(px for px, _ in ring))
    assert math.isclose(y + h, max(py for _, py in ring))


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=3, max_size=12),
)
def test_crossing_agrees_with_exact_arithmetic(ring: list[tuple[int, int]]) -> None:
    assert crosses_itself(ring) == crosses_exactly(ring)


def test_a_crossing_far_apart_in_a_long_ring_is_found() -> None:
    count = POINTS_LIMIT
    ring = [
        (
            320 + 200 * math.cos(2 * math.pi * i / count),
            240 + 200 * math.sin(2 * math.pi * i / count),
        )
        for i in range(count)
    ]
    assert not crosses_itself(ring)
    ring[10], ring[1500] = ring[1500], ring[10]
    assert crosses_itself(ring)


@pytest.mark.parametrize(
    ("ring", "what"),
    [
        ([(0.0, 0.0), (9.0, 9.0)], "has 2 points"),
        ([(0.0, 0.0), (9.0, 9.0), (5.0, 5.0)], "has no area"),
        ([(0.0, 0.0), (9.0, 9.0), (9.0, 0.0), (0.0, 9.0)], "crosses itself"),
        ([(0.0, 0.0), (641.0, 9.0), (5.0, 50.0)], "is not inside the picture"),
        ([(0.0, 0.0), (math.nan, 9.0), (5.0, 50.0)], "is not finite"),
        ([(0.0, 0.0)] * (POINTS_LIMIT + 1), "points"),
    ],
)
def test_a_polygon_that_is_none_is_refused(ring: list[Point], what: str) -> None:
    ((where, said),) = refusal(TaskType.SEGMENTATION, labels=["car"], polygons=[ring])
    assert where.startswith("shapes.polygons[0]")
    assert what in said
