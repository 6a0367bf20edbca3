"""What a network must be to embed images, and how pictures are put to it."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from services.metrics.core.backbone import (
    Input,
    Scaling,
    external_tensors,
    input_of,
    trial_picture,
    vector_of,
)
from services.metrics.core.outlier import embed
from services.metrics.errors import BackboneRefused

FLOATS = "tensor(float)"


def test_the_input_is_read_off_its_shape() -> None:
    assert input_of(FLOATS, [1, 3, 24, 32]) == Input(width=32, height=24, channels_last=False)
    assert input_of(FLOATS, ["n", 24, 32, 3]) == Input(width=32, height=24, channels_last=True)
    free = input_of(FLOATS, [None, 3, None, "w"])
    assert free == Input(width=224, height=224, channels_last=False)
    assert input_of(FLOATS, [1, 3, 64, None]).width == 64


@pytest.mark.parametrize(
    ("kind", "shape", "said"),
    [
        ("tensor(uint8)", [1, 3, 24, 32], "its input is tensor(uint8), not float32"),
        (FLOATS, [2, 3, 24, 32], "its input is [2, 3, 24, 32], not one image"),
        (FLOATS, [1, 100], "its input is [1, 100], not one image"),
        (FLOATS, [1, 1, 24, 32], "there is no side of 3 colours"),
        (FLOATS, [1, 3, 4096, 4096], "its input is 4096 × 4096 pixels; 8 to 1024"),
    ],
)
def test_an_input_that_is_no_image_is_refused(kind: str, shape: list[object], said: str) -> None:
    with pytest.raises(BackboneRefused) as refused:
        input_of(kind, shape)
    assert said in str(refused.value)


def test_a_vector_is_taken_with_its_idle_sides_and_nothing_else_is() -> None:
    assert vector_of(np.ones((1, 5, 1, 1), np.float32)).shape == (5,)
    assert vector_of(np.ones(5, np.float64)).dtype == np.float32
    wrong = [
        np.ones((1, 5, 7, 7), np.float32),
        np.ones((1, 5), np.int64),
        np.ones((1, 1), np.float32),
        np.ones((1, 2049), np.float32),
        np.array([[1.0, np.nan]], np.float32),
        np.array([[1.0, np.inf]], np.float32),
    ]
    for output in wrong:
        with pytest.raises(BackboneRefused):
            vector_of(output)


def test_pixels_are_scaled_as_it_is_said() -> None:
    pixels = np.array([[[0, 128, 255]]], dtype=np.uint8)
    assert Scaling.UNIT.of(pixels).ravel().tolist() == pytest.approx([0, 128 / 255, 1])
    assert Scaling.SIGNED.of(pixels).ravel().tolist() == pytest.approx(
        [-1, 128 / 127.5 - 1, 1], abs=1e-6
    )
    assert Scaling.BYTES.of(pixels).ravel().tolist() == [0, 128, 255]
    imagenet = [-0.485 / 0.229, (128 / 255 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    assert Scaling.IMAGENET.of(pixels).ravel().tolist() == pytest.approx(imagenet, rel=1e-5)
    size = Input(width=1, height=1, channels_last=False)
    assert size.tensor(pixels, Scaling.BYTES).shape == (1, 3, 1, 1)
    assert Input(width=4, height=2, channels_last=True).resized(pixels).shape == (2, 4, 3)


def test_weights_in_another_file_are_found_wherever_they_are() -> None:
    def elsewhere(name: str) -> onnx.TensorProto:
        tensor = helper.make_tensor(name, TensorProto.FLOAT, [1], [1.0])
        tensor.data_location = TensorProto.EXTERNAL
        return tensor

    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value=elsewhere("deep"))], "inner", [], []
    )
    node = helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    graph = helper.make_graph([node], "outer", [], [], [elsewhere("plain")])
    assert sorted(external_tensors(helper.make_model(graph))) == ["deep", "deep", "plain"]
    fine = helper.make_graph([], "none", [], [])
    assert list(external_tensors(helper.make_model(fine))) == []


def test_a_backbones_values_take_the_nets_place_behind_the_descriptors() -> None:
    rgb = trial_picture(Input(width=64, height=48, channels_last=False))
    own = np.arange(5, dtype=np.float32)
    plain, with_own = embed(rgb), embed(rgb, backbone=own)
    assert (plain.shape, with_own.shape) == ((576,), (133,))
    np.testing.assert_array_equal(plain[:128], with_own[:128])
    np.testing.assert_array_equal(with_own[128:], own)
