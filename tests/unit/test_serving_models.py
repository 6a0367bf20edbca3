"""Models of every known layout, made here as real ONNX graphs, inspected and run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from libs.vision.onnx_models import (
    Layout,
    NotAnOnnxModel,
    UnknownModelLayout,
    inspect,
)
from services.serving.core.model import ModelFailed, PictureNotRgb, load
from services.serving.core.prediction import suppressed

SIDE = 64
PICTURE = np.full((100, 200, 3), 90, np.uint8)  # twice as wide as high
OURS = {
    "sightloop.task": "OBJECT_DETECTION",
    "sightloop.labels": '["a", "b"]',
    "sightloop.input_size": "[64, 64]",
    "sightloop.threshold": "0.4",
    "sightloop.box_format": "xyxy-normalized",
    "sightloop.resize": "stretch",
    "sightloop.interpolation": "bilinear-antialias",
    "sightloop.channels": "RGB",
}


def answering(
    outputs: Mapping[str, np.ndarray],
    *,
    properties: Mapping[str, str] | None = None,
    kind: Any = np.float32,
    shape: Sequence[int | str] = (1, 3, SIDE, SIDE),
    shapes: Mapping[str, Sequence[int | str]] | None = None,
) -> bytes:
    """A model that answers `outputs` whatever picture it sees, but does read the picture."""
    import onnx
    from onnx import helper, numpy_helper

    def element(value: Any) -> int:
        return int(helper.np_dtype_to_tensor_dtype(np.dtype(value)))

    nodes = [
        helper.make_node("Cast", ["images"], ["seen"], to=1),
        helper.make_node("ReduceMean", ["seen"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
    ]
    constants = [numpy_helper.from_array(np.array(0, np.float32), "nothing")]
    infos = []
    for name, value in outputs.items():
        constants.append(numpy_helper.from_array(value, f"{name}_value"))
        nodes.append(helper.make_node("Cast", ["zero"], [f"{name}_0"], to=element(value.dtype)))
        nodes.append(helper.make_node("Add", [f"{name}_value", f"{name}_0"], [name]))
        said = (shapes or {}).get(name, value.shape)
        infos.append(helper.make_tensor_value_info(name, element(value.dtype), said))
    graph = helper.make_graph(
        nodes,
        "answering",
        [helper.make_tensor_value_info("images", element(kind), list(shape))],
        infos,
        constants,
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    helper.set_model_props(model, dict(properties or {}))
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def ours(**changes: str) -> bytes:
    return answering(
        {
            "boxes": np.array([[0.1, 0.2, 0.3, 0.6], [0.5, 0.5, 0.9, 1.0]], np.float32),
            "scores": np.array([0.9, 0.3], np.float32),
            "classes": np.array([1, 0], np.int64),
        },
        properties={**OURS, **{f"sightloop.{name}": value for name, value in changes.items()}},
        kind=np.uint8,
        shape=("n", SIDE, SIDE, 3),
    )


def test_our_own_layout_is_read_from_the_metadata() -> None:
    description = inspect(ours())
    assert description.layout is Layout.SIGHTLOOP_DETECTOR
    assert description.labels == ("a", "b")
    assert (description.class_count, description.threshold) == (2, 0.4)
    assert description.input_size == (64, 64)


def test_boxes_come_back_in_pixels_of_the_source_picture() -> None:
    found = load(ours()).predict(PICTURE)
    np.testing.assert_allclose(found.boxes, [[20, 20, 40, 40]], atol=1e-4)
    assert found.classes.tolist() == [1]
    assert found.scores == pytest.approx([0.9])


def test_a_given_threshold_takes_the_place_of_the_models_own() -> None:
    model = load(ours())
    assert len(model.predict(PICTURE, threshold=0.1).boxes) == 2
    assert len(model.predict(PICTURE, threshold=0.95).boxes) == 0


def test_a_model_may_be_loaded_from_a_path(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(ours())
    assert len(load(path).predict(PICTURE).boxes) == 1


def test_a_classifier_answers_its_best_class_whatever_the_threshold() -> None:
    content = answering(
        {"scores": np.array([[0.2, 0.5, 0.3]], np.float32)},
        properties={
            **OURS,
            "sightloop.task": "CLASSIFICATION",
            "sightloop.labels": '["a", "b", "c"]',
            "sightloop.box_format": "none",
        },
        kind=np.uint8,
        shape=("n", SIDE, SIDE, 3),
    )
    model = load(content)
    assert model.predict(PICTURE, threshold=0.0).classes.tolist() == [1, 2, 0]
    assert model.predict(PICTURE, threshold=0.99).classes.tolist() == [1]
    assert model.predict(PICTURE, threshold=0.0).boxes.shape == (0, 4)


def yolo_rows() -> np.ndarray:
    """Ninety cells of cx cy w h and two classes: two doubles, one of the other class, one weak."""
    rows = np.zeros((90, 6), np.float32)
    rows[:4, :4] = [[32, 32, 16, 8], [33, 32, 16, 8], [32, 32, 16, 8], [10, 24, 4, 4]]
    rows[:4, 4:] = [[0.9, 0], [0.8, 0], [0, 0.7], [0.2, 0]]
    return rows


def test_a_raw_yolo_head_is_suppressed_and_moved_out_of_its_letterbox() -> None:
    content = answering(
        {"output0": yolo_rows().T[None].copy()},
        properties={"names": "{0: 'cat', 1: 'dog'}", "task": "detect"},
    )
    model = load(content)
    assert model.description.layout is Layout.YOLO
    assert model.description.labels == ("cat", "dog")
    found = model.predict(PICTURE)
    # The picture fills rows 16 to 48 of the 64 × 64 input, at a scale of .32.
    expected = [75, (28 - 16) / 0.32, 50, 25]
    np.testing.assert_allclose(found.boxes, [expected, expected], atol=1e-3)
    assert found.classes.tolist() == [0, 1]


def test_a_yolo_head_with_objectness_multiplies_it_in() -> None:
    rows = yolo_rows()
    full = np.concatenate([rows[:, :4], np.full((90, 1), 0.5, np.float32), rows[:, 4:]], 1)
    model = load(answering({"output": full[None]}))
    assert model.description.layout is Layout.YOLO_OBJECTNESS
    assert model.description.class_count == 2
    found = model.predict(PICTURE)
    np.testing.assert_allclose(found.scores, [0.45, 0.35], atol=1e-6)


def test_a_yolo_model_with_its_own_suppression_is_read_as_it_is() -> None:
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, 0] = [24, 28, 40, 36, 0.9, 1]
    model = load(answering({"output0": rows}))
    assert model.description.layout is Layout.YOLO_END_TO_END
    found = model.predict(PICTURE)
    np.testing.assert_allclose(found.boxes, [[75, 37.5, 50, 25]], atol=1e-3)
    assert found.classes.tolist() == [1]


def test_a_detr_head_leaves_out_no_object() -> None:
    logits = np.zeros((1, 5, 4), np.float32)
    logits[0, :, 3] = 6
    logits[0, 2] = [0, 8, 0, 0]
    boxes = np.full((1, 5, 4), 0.5, np.float32)
    boxes[0, 2] = [0.5, 0.5, 0.2, 0.4]
    model = load(answering({"logits": logits, "pred_boxes": boxes}))
    assert model.description.layout is Layout.DETR
    assert model.description.class_count == 3
    found = model.predict(PICTURE)
    np.testing.assert_allclose(found.boxes, [[80, 30, 40, 40]], atol=1e-3)
    assert found.classes.tolist() == [1]


def test_a_torchvision_detector_counts_its_background_as_class_zero() -> None:
    content = answering(
        {
            "boxes": np.array([[10, 20, 50, 60], [0, 0, 5, 5]], np.float32),
            "labels": np.array([3, 1], np.int64),
            "scores": np.array([0.8, 0.1], np.float32),
        },
        shape=(3, "height", "width"),
    )
    model = load(content)
    assert model.description.layout is Layout.TORCHVISION
    found = model.predict(PICTURE)
    np.testing.assert_allclose(found.boxes, [[10, 20, 40, 40]], atol=1e-4)
    assert found.classes.tolist() == [2]


def test_a_yolo_classifier_is_known_by_its_metadata() -> None:
    scores = {"output0": np.array([[0.1, 0.9]], np.float32)}
    model = load(answering(scores, properties={"task": "classify", "names": "{0: 'a', 1: 'b'}"}))
    assert model.description.task == "CLASSIFICATION"
    assert model.predict(PICTURE).classes.tolist() == [1]
    with pytest.raises(UnknownModelLayout, match="output0 float32 \\[1, 2\\]"):
        inspect(answering(scores))


def test_boxes_outside_the_picture_are_cut_or_left_out() -> None:
    boxes = np.array([[-0.5, 0.5, 0.5, 1.5], [1.1, 0, 1.3, 1]], np.float32)
    content = answering(
        {
            "boxes": boxes,
            "scores": np.array([0.9, 0.8], np.float32),
            "classes": np.array([0, 0], np.int64),
        },
        properties=OURS,
        kind=np.uint8,
        shape=("n", SIDE, SIDE, 3),
    )
    np.testing.assert_allclose(load(content).predict(PICTURE).boxes, [[0, 50, 100, 50]])


@pytest.mark.parametrize(
    "content", [b"", b"not a model", b"\x89PNG\r\n\x1a\n" + bytes(200), bytes(1000)]
)
def test_a_file_that_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(NotAnOnnxModel):
        inspect(content)


def test_every_truncation_of_a_model_is_refused_and_none_crashes() -> None:
    content = ours()
    for length in range(0, len(content), 97):
        with pytest.raises((NotAnOnnxModel, UnknownModelLayout)):
            load(content[:length])


def test_a_model_whose_weights_lie_elsewhere_is_refused() -> None:
    import onnx

    model = onnx.load_model_from_string(ours())
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    with pytest.raises(NotAnOnnxModel, match="another file"):
        inspect(model.SerializeToString())


def test_an_unknown_layout_is_refused_with_what_was_found() -> None:
    content = answering({"mask": np.zeros((1, 2, 8, 8), np.float32)})
    with pytest.raises(UnknownModelLayout) as refusal:
        inspect(content)
    assert "images float32 [1, 3, 64, 64]" in str(refusal.value)
    assert "mask float32 [1, 2, 8, 8]" in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task", "SEGMENTATION"),
        ("labels", "a, b"),
        ("input_size", "[64]"),
        ("threshold", "high"),
        ("resize", "letterbox"),
        ("channels", "YUV"),
        ("box_format", "cxcywh"),
    ],
)
def test_metadata_that_cannot_be_followed_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(UnknownModelLayout, match=f"sightloop|{name}"):
        inspect(ours(**{name: value}))


def test_labels_that_do_not_fit_the_output_are_refused() -> None:
    head = {"output0": yolo_rows().T[None].copy()}
    with pytest.raises(UnknownModelLayout, match="names 3 labels but its output has 2 classes"):
        inspect(answering(head, properties={"names": "{0: 'a', 1: 'b', 2: 'c'}"}))


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)],
)
def test_what_is_no_picture_is_refused(picture: Any) -> None:
    with pytest.raises(PictureNotRgb):
        load(ours()).predict(picture)


def test_a_model_that_fails_says_so() -> None:
    wrong = load(ours(input_size="[32, 32]"))
    with pytest.raises(ModelFailed, match="images"):
        wrong.predict(PICTURE)


def test_suppression_keeps_the_best_of_each_class() -> None:
    corners = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [1, 0, 11, 10], [50, 50, 60, 60]], float)
    kept = suppressed(corners, np.array([0, 0, 1, 0]), np.array([0.5, 0.9, 0.4, 0.1]))
    assert kept.tolist() == [1, 2, 3]
