"""Boxes: overlap as COCO computes it, and the monitor's wire form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask

from libs.vision import boxes

coordinates = st.floats(-50, 500, allow_nan=False, width=32)
sides = st.floats(0, 300, allow_nan=False, width=32)
some_boxes = st.lists(st.tuples(coordinates, coordinates, sides, sides), min_size=1, max_size=6)


@given(a=some_boxes, b=some_boxes, data=st.data())
def test_iou_equals_the_coco_tools_bit_for_bit(a, b, data):
    crowd = data.draw(st.lists(st.booleans(), min_size=len(b), max_size=len(b)))
    expected = mask.iou(np.array(a), np.array(b), [int(c) for c in crowd])
    np.testing.assert_array_equal(boxes.iou(a, b, crowd=crowd), expected)


def test_iou_of_nothing_is_an_empty_table():
    assert boxes.iou([], [[0, 0, 1, 1]]).shape == (0, 1)
    assert boxes.iou([[0, 0, 1, 1]], []).shape == (1, 0)


def test_an_inverted_box_of_the_tutorial_is_put_in_order_and_flagged():
    found = boxes.from_monitor([[190, 100, 50, 90], [10, 20, 30, 60]], width=640, height=480)
    np.testing.assert_array_equal(found.boxes, [[90, 50, 10, 140], [20, 10, 40, 20]])
    assert found.inverted.tolist() == [True, False]
    assert found.clipped.tolist() == [False, False]


def test_a_box_that_leaves_the_image_is_cut_and_flagged():
    found = boxes.from_monitor([[-5, -6, 20, 700], [500, 700, 600, 800]], width=640, height=480)
    np.testing.assert_array_equal(found.boxes, [[0, 0, 640, 20], [640, 480, 0, 0]])
    assert found.clipped.tolist() == [True, True]


@given(arrays(np.float64, (4, 4), elements=st.integers(0, 100).map(float)))
def test_conversion_from_the_wire_form_and_back_orders_the_edges(wire):
    back = boxes.to_monitor(boxes.from_monitor(wire, width=100, height=100).boxes)
    low, high = np.minimum(wire[:, :2], wire[:, 2:]), np.maximum(wire[:, :2], wire[:, 2:])
    np.testing.assert_allclose(back, np.concatenate([low, high], axis=1))


def test_no_boxes_convert_to_no_boxes():
    assert boxes.from_monitor([], width=10, height=10).boxes.shape == (0, 4)


def test_a_polygon_has_its_bounding_box_and_its_area_in_either_direction():
    triangle = [[10, 10], [30, 10], [10, 50]]
    np.testing.assert_array_equal(boxes.polygon_box(triangle), [10, 10, 20, 40])
    assert boxes.polygon_area(triangle) == boxes.polygon_area(triangle[::-1]) == 400.0
    assert boxes.polygon_area([[1, 1], [4, 4]]) == 0.0


def test_scaling_and_area_follow_the_image():
    np.testing.assert_array_equal(boxes.scale([[1, 2, 3, 4]], x=2, y=10), [[2, 20, 6, 40]])
    np.testing.assert_array_equal(boxes.area([[1, 2, 3, 4]]), [12])


def test_lists_of_the_wrong_shape_are_refused_by_name():
    with pytest.raises(boxes.BoxesNotFourNumbers, match=r"\(1, 3\)"):
        boxes.area([[1, 2, 3]])
    with pytest.raises(boxes.PolygonNotPairs):
        boxes.polygon_box([])
