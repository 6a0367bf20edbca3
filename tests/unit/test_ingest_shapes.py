"""From the wire format to canonical shapes, against the arrays that other services use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.schemas.values import TaskType
from libs.vision.boxes import from_monitor
from services.ingest.core.body import Format
from services.ingest.core.shapes import CLIPPED, INVERTED, to_shapes
from services.ingest.errors import PredictionRejected

edges = st.one_of(
    st.floats(min_value=-2000, max_value=2000),
    st.integers(min_value=-5, max_value=700).map(float),
    st.sampled_from([0.0, -0.0, 640.0, 480.0]),
)
wire_boxes = st.lists(st.lists(edges, min_size=4, max_size=4), max_size=8)


def detections(boxes: list[list[float]]) -> Format:
    return Format(
        detection_classes=[0] * len(boxes),
        detection_scores=[0.5] * len(boxes),
        detection_boxes=boxes,
    )


@given(wire_boxes)
def test_boxes_are_those_of_the_arrays(boxes: list[list[float]]) -> None:
    shapes, flags = to_shapes(
        detections(boxes), TaskType.OBJECT_DETECTION, labels=1, width=640, height=480, at=""
    )
    expected = from_monitor(boxes, width=640, height=480)
    assert shapes.boxes == [tuple(box) for box in expected.boxes.tolist()]
    assert (INVERTED in flags) == expected.inverted.any()
    assert (CLIPPED in flags) == expected.clipped.any()


@pytest.mark.parametrize("huge", [float("inf"), float("-inf"), float("nan"), 1e308, -1e308])
def test_a_huge_edge_is_clipped_and_one_that_is_not_finite_is_named(huge: float) -> None:
    sent = detections([[huge, huge, huge, 5.0]])
    if abs(huge) == 1e308:
        shapes, flags = to_shapes(
            sent, TaskType.OBJECT_DETECTION, labels=1, width=640, height=480, at=""
        )
        expected = from_monitor([[huge, huge, huge, 5.0]], width=640, height=480)
        assert [list(box) for box in shapes.boxes] == expected.boxes.tolist()
        assert CLIPPED in flags
        return
    with pytest.raises(PredictionRejected) as refused:
        to_shapes(sent, TaskType.OBJECT_DETECTION, labels=1, width=640, height=480, at="p")
    assert refused.value.errors == [("p.detection_boxes[0]", "is not finite")]


def test_every_wrong_element_is_named_once() -> None:
    sent = Format(
        detection_classes=[0, 3, -1],
        detection_scores=[0.5, 1.5, 0.5],
        detection_boxes=[[1, 2, 3, 4]] * 3,
    )
    with pytest.raises(PredictionRejected) as refused:
        to_shapes(sent, TaskType.OBJECT_DETECTION, labels=2, width=9, height=9, at="prediction")
    assert [where for where, _ in refused.value.errors] == [
        "prediction.detection_classes[1]",
        "prediction.detection_classes[2]",
        "prediction.detection_scores[1]",
    ]
