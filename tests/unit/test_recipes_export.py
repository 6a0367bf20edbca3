"""One list of layers, two interpreters: they must say the same."""

import json
from typing import Any

import numpy as np
import pytest

from libs.vision.ort import session
from services.trainer.recipes.detection.export import (
    BOX_FORMAT,
    DENSE_BOXES,
    DENSE_SCORES,
    detector_onnx,
)
from services.trainer.recipes.detection.loss import decoded
from services.trainer.recipes.detection.network import (
    BOX_HEAD,
    CLASS_HEAD,
    detector,
    initial_detector,
)
from services.trainer.recipes.jax_interpreter import apply
from services.trainer.recipes.layers import INPUT, Arrays, Layer, Op, chain
from services.trainer.recipes.onnx_export import Metadata

SIZE = (96, 64)
LABELS = ("a", "b", "c")
METADATA = Metadata(
    task="OBJECT_DETECTION",
    labels=LABELS,
    input_size=SIZE,
    threshold=0.02,
    box_format=BOX_FORMAT,
    recipe="detection",
    recipe_version="1",
)


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    """A network whose norms are far from the identity, so that folding is put to the test."""
    rng = np.random.default_rng(3)
    parameters, state = initial_detector(detector(len(LABELS)), rng, median_half=10)
    everything = {**parameters, **state}
    for name, value in everything.items():
        if name.endswith(("/scale", "/var")):
            everything[name] = rng.uniform(0.6, 1.2, value.shape).astype(np.float32)
        elif name.endswith(("/mean", "/shift")):
            everything[name] = rng.normal(0, 0.1, value.shape).astype(np.float32)
    return everything


@pytest.fixture(scope="module")
def images() -> Any:
    return np.random.default_rng(5).integers(0, 256, (2, SIZE[1], SIZE[0], 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def model(arrays: Arrays) -> bytes:
    return detector_onnx(arrays, arrays, metadata=METADATA)


def test_the_exported_graph_equals_jax_cell_by_cell(
    arrays: Arrays, images: Any, model: bytes
) -> None:
    import jax
    import onnx
    from onnx import helper

    opened = onnx.load_model_from_string(model)
    for name in (DENSE_BOXES, DENSE_SCORES):
        opened.graph.output.append(helper.make_tensor_value_info(name, 1, None))
    boxes, scores = session(opened.SerializeToString()).run(
        [DENSE_BOXES, DENSE_SCORES], {INPUT: images}
    )

    network = detector(len(LABELS))
    run = jax.jit(lambda pixels: apply(network, arrays, arrays, images=pixels, train=False)[0])
    outputs = run(images)
    expected = np.asarray(decoded(outputs[BOX_HEAD])).reshape(2, -1, 4)
    chances = np.asarray(jax.nn.sigmoid(outputs[CLASS_HEAD])).reshape(2, -1, 3)

    pixels = boxes * np.array([*SIZE, *SIZE])
    assert np.ptp(chances) > 0.05
    np.testing.assert_allclose(pixels, expected, atol=1e-4)
    np.testing.assert_allclose(scores.transpose(0, 2, 1), chances, atol=1e-6)


def test_detections_come_in_order_of_score_and_name_their_picture(
    images: Any, model: bytes
) -> None:
    boxes, scores, classes, image = session(model).run(
        ["boxes", "scores", "classes", "image_index"], {INPUT: images}
    )
    assert len(scores) > 0
    assert (np.diff(scores) <= 0).all()
    assert set(image) <= {0, 1}
    assert set(classes) <= {0, 1, 2}
    assert ((boxes >= 0) & (boxes <= 1)).all()


def test_a_batch_gives_each_picture_what_it_gets_alone(images: Any, model: bytes) -> None:
    runner = session(model)
    names = ["boxes", "scores", "classes", "image_index"]
    together = runner.run(names, {INPUT: images})
    for index in (0, 1):
        alone = runner.run(names, {INPUT: images[index : index + 1]})
        mine = together[3] == index
        np.testing.assert_allclose(together[0][mine], alone[0], atol=1e-5)
        np.testing.assert_array_equal(together[2][mine], alone[2])


def test_the_thresholds_are_inputs_that_may_be_left_out(images: Any, model: bytes) -> None:
    runner = session(model)

    def count(**thresholds: float) -> int:
        given = {name: np.array(value, np.float32) for name, value in thresholds.items()}
        return len(runner.run(["scores"], {INPUT: images, **given})[0])

    assert count(score_threshold=0.99999) == 0
    assert count(score_threshold=0.0) >= count()
    assert count(iou_threshold=1.0) >= count() >= count(iou_threshold=0.0)


def test_the_metadata_says_how_to_feed_the_model(model: bytes) -> None:
    said = session(model).get_modelmeta().custom_metadata_map
    assert said["sightloop.task"] == "OBJECT_DETECTION"
    assert json.loads(said["sightloop.labels"]) == ["a", "b", "c"]
    assert json.loads(said["sightloop.input_size"]) == [96, 64]
    assert said["sightloop.interpolation"] == "bilinear-antialias"
    assert float(said["sightloop.threshold"]) == 0.02


def test_the_same_weights_make_the_same_bytes(arrays: Arrays, model: bytes) -> None:
    assert detector_onnx(arrays, arrays, metadata=METADATA) == model


def test_a_layer_that_reads_what_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="reads \\['nowhere'\\]"):
        chain([Layer(Op.CONV, "first", ("nowhere",), 4)])
