"""Outputs of other libraries become predictions by their attributes, or say what to do."""

from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

from sightloop_sdk import (
    InvalidPrediction,
    Prediction,
    UnknownLabel,
    classification,
    detections,
    from_torchvision,
    segmentation,
    to_prediction,
)

LABELS = ["bolt", "nut", "washer"]
ONE_BOX = Prediction(
    detection_classes=[1], detection_scores=[0.5], detection_boxes=[(2.0, 1.0, 4.0, 3.0)]
)


class Tensor:
    """As a torch tensor behaves: `numpy()` needs `detach().cpu()` first, `tolist()` nests."""

    def __init__(self, values: Any) -> None:
        self._values = np.asarray(values)

    def detach(self) -> "Tensor":
        return self

    def cpu(self) -> "Tensor":
        return self

    def tolist(self) -> Any:
        return self._values.tolist()


@pytest.mark.parametrize(
    ("box", "given"),
    [
        ("xyxy", [1, 2, 3, 4]), ("xywh", [1, 2, 2, 2]), ("cxcywh", [2, 3, 2, 2]),
        ("tlbr", [2, 1, 4, 3]),
    ],
)  # fmt: skip
def test_a_box_is_the_same_in_every_format(box: Any, given: list[int]) -> None:
    made = detections([given], [0.5], ["nut"], box=box, labels=LABELS)
    assert made.detection_boxes == [(2, 1, 4, 3)]
    assert made.detection_classes == [1]


def test_arrays_tensors_and_lists_are_all_welcome() -> None:
    arrays = detections(np.array([[1, 2, 3, 4]]), np.array([0.5], np.float32), np.array([1.0]))
    tensors = detections(Tensor([[1, 2, 3, 4]]), Tensor([0.5]), Tensor([1.0]))
    mixed = detections([np.array([1.0, 2, 3, 4])], [np.float64(0.5)], [np.int64(1)])
    rows = detections([Tensor([1, 2, 3, 4])], (0.5,), (1,))
    assert arrays == tensors == mixed == rows == ONE_BOX
    for one in (arrays, tensors, mixed, rows):
        # NumPy's numbers equal Python's, but not all of them can be written as JSON.
        assert msgspec.json.decode(msgspec.json.encode(one), type=Prediction) == ONE_BOX


def test_numbers_that_do_not_fit_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(InvalidPrediction, match="lengths differ: boxes 1, scores 2, classes 1"):
        detections([[1, 2, 3, 4]], [0.5, 0.4], [1])
    with pytest.raises(InvalidPrediction, match=r"boxes\[0\] has 3 numbers"):
        detections([[1, 2, 3]], [0.5], [1])
    with pytest.raises(InvalidPrediction, match=r"boxes\[0\] are not finite"):
        detections([[1, 2, 3, float("nan")]], [0.5], [1])
    with pytest.raises(InvalidPrediction, match="scores are no numbers"):
        detections([[1, 2, 3, 4]], ["high"], [1])
    with pytest.raises(InvalidPrediction, match=r"polygons\[0\] has points"):
        segmentation([[(1, 2, 3)]], [0.5], [1])
    with pytest.raises(UnknownLabel, match=r"screw\. It has: bolt, nut, washer"):
        detections([[1, 2, 3, 4]], [0.5], ["screw"], labels=LABELS)
    with pytest.raises(InvalidPrediction, match="labelmap is not known"):
        classification([0.5], ["nut"])


def test_ultralytics_results_of_each_task() -> None:
    boxes = SimpleNamespace(xyxy=Tensor([[1, 2, 3, 4]]), conf=Tensor([0.5]), cls=Tensor([1.0]))
    found = SimpleNamespace(boxes=boxes, masks=None, probs=None, orig_shape=(10, 10))
    assert to_prediction(found) == ONE_BOX
    assert to_prediction([found]) == ONE_BOX

    ring, line = np.array([[0, 0], [4, 0], [4, 4]], np.float32), np.array([[0, 0], [1, 1]])
    two = SimpleNamespace(
        xyxy=Tensor([[0, 0, 4, 4], [0, 0, 1, 1]]), conf=Tensor([0.5, 0.4]), cls=Tensor([1.0, 0.0])
    )
    masks = SimpleNamespace(xy=[ring, line])
    cut = SimpleNamespace(boxes=two, masks=masks, probs=None, orig_shape=(10, 10))
    expected = segmentation([[(0, 0), (4, 0), (4, 4)]], [0.5], [1])
    assert to_prediction(cut) == expected
    assert to_prediction(cut, task="OBJECT_DETECTION").detection_boxes is not None

    probabilities = SimpleNamespace(data=Tensor([0.1, 0.7, 0.2]))
    classed = SimpleNamespace(boxes=None, masks=None, probs=probabilities, orig_shape=(10, 10))
    assert to_prediction(classed) == classification([0.1, 0.7, 0.2])


def test_torchvision_dicts_have_the_background_as_class_0() -> None:
    output = {
        "boxes": Tensor([[1, 2, 3, 4]]), "labels": Tensor([2]), "scores": Tensor([0.5]),
    }  # fmt: skip
    assert to_prediction(output, labels=LABELS) == ONE_BOX
    assert from_torchvision(output, background=False) == ONE_BOX
    with_background = to_prediction(output, labels=["__background__", *LABELS])
    assert with_background.detection_classes == [2]
    with pytest.raises(InvalidPrediction, match="from_torchvision"):
        to_prediction(output)


def test_supervision_detections() -> None:
    found = SimpleNamespace(
        xyxy=np.array([[1, 2, 3, 4]]), confidence=np.array([0.5]), class_id=np.array([1]), mask=None
    )  # fmt: skip
    assert to_prediction(found) == ONE_BOX
    with pytest.raises(InvalidPrediction, match="mask_to_polygons"):
        to_prediction(found, task="SEGMENTATION")


def test_hugging_face_pipelines() -> None:
    box = {"xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4}
    assert to_prediction([{"score": 0.5, "label": "nut", "box": box}], labels=LABELS) == ONE_BOX
    classed = to_prediction(
        [{"score": 0.9, "label": "washer"}, {"score": 0.1, "label": "bolt"}], labels=LABELS
    )
    assert classed == classification([0.9, 0.1], [2, 0])
    with pytest.raises(InvalidPrediction, match="polygons"):
        to_prediction([{"score": 0.5, "label": "nut", "mask": object()}], labels=LABELS)


def test_the_wire_format_is_taken_as_a_dict_and_as_an_object() -> None:
    wire = {
        "detection_classes": np.array([1]), "detection_scores": [0.5],
        "detection_boxes": np.array([[2, 1, 4, 3]]),
    }  # fmt: skip
    assert to_prediction(wire) == ONE_BOX
    assert to_prediction(SimpleNamespace(**wire)) == ONE_BOX
    with pytest.raises(InvalidPrediction, match="does not fit"):
        to_prediction({"detection_classes": ["nut"], "detection_scores": [0.5]})


def test_an_empty_list_is_what_was_looked_for() -> None:
    assert to_prediction([], task="OBJECT_DETECTION") == detections([], [], [])
    assert to_prediction([], task="CLASSIFICATION").detection_boxes is None
    with pytest.raises(InvalidPrediction, match=r"detections\(\[\], \[\], \[\]\)"):
        to_prediction([])


def test_what_is_no_prediction_says_what_would_be() -> None:
    with pytest.raises(InvalidPrediction, match="object is no prediction; log a Prediction"):
        to_prediction(object())
    with pytest.raises(InvalidPrediction, match="not what it seems: KeyError"):
        to_prediction([{"score": 0.5, "label": "nut", "box": {}}], labels=LABELS)
    with pytest.raises(InvalidPrediction, match="2 outputs at once"):
        to_prediction([ONE_BOX, ONE_BOX])
