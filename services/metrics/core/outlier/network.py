"""A convolution net of fixed random filters as ONNX: texture statistics without any training.

Three layers of zero-mean filters; of each, mean and deviation of every rectified map:
2·(64 + 64 + 96) = 448 values.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libs.vision.ort import session

COUNT = 448

_LAYERS = ((64, 5), (64, 3), (96, 3))  # filters, side
_SEED = 20240229


def features(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Features (448,) of an image's copy (S, S, 3)."""
    pixels = small.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
    found: NDArray[np.float32] = _session().run(None, {"image": np.ascontiguousarray(pixels)})[0][0]
    return found


@cache
def model_bytes() -> bytes:
    """The net, serialised; the same bytes on every machine."""
    from onnx import TensorProto, checker, helper, numpy_helper  # noqa: PLC0415

    # RandomState's stream is frozen by NumPy's compatibility policy; Generator's is not.
    random = np.random.RandomState(_SEED)
    nodes: list[Any] = []
    weights: list[Any] = []
    pooled: list[str] = []
    source, channels = "image", 3
    for i, (filters, side) in enumerate(_LAYERS):
        kernel = random.standard_normal((filters, channels, side, side))
        kernel -= kernel.mean(axis=(2, 3), keepdims=True)
        kernel /= np.sqrt((kernel**2).sum(axis=(1, 2, 3), keepdims=True) / 2)
        weights.append(numpy_helper.from_array(kernel.astype(np.float32), f"kernel{i}"))
        nodes += [
            helper.make_node(
                "Conv",
                [source, f"kernel{i}"],
                [f"conv{i}"],
                strides=[2, 2],
                pads=[side // 2] * 4,
            ),
            helper.make_node("Relu", [f"conv{i}"], [f"relu{i}"]),
            helper.make_node("GlobalAveragePool", [f"relu{i}"], [f"mean{i}"]),
            helper.make_node("Sub", [f"relu{i}", f"mean{i}"], [f"centred{i}"]),
            helper.make_node("Mul", [f"centred{i}", f"centred{i}"], [f"square{i}"]),
            helper.make_node("GlobalAveragePool", [f"square{i}"], [f"variance{i}"]),
            helper.make_node("Sqrt", [f"variance{i}"], [f"deviation{i}"]),
        ]
        pooled += [f"mean{i}", f"deviation{i}"]
        source, channels = f"relu{i}", filters
    nodes += [
        helper.make_node("Concat", pooled, ["pooled"], axis=1),
        helper.make_node("Flatten", ["pooled"], ["features"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, "h", "w"])
    out = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", COUNT])
    graph = helper.make_graph(nodes, "random_filters", [image], [out], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    serialised: bytes = model.SerializeToString()
    return serialised


@cache
def _session() -> Any:
    return session(model_bytes())
