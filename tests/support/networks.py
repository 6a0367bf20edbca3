"""Tiny networks that embed images, and some that must not be let near any."""

from typing import Any

import numpy as np


def backbone(
    *,
    side: int = 32,
    values: int = 8,
    seed: int = 0,
    kind: str = "good",
    channels_last: bool = False,
) -> bytes:
    """A network of random weights, as ONNX: [1, 3, side, side] → [1, values].

    `kind`: good; map (not pooled); nan (of every picture); dark nan (of a picture that is nearly
    black); hang; dark hang; large (takes 16 GB); two inputs; random.
    """
    from onnx import TensorProto, helper, numpy_helper

    shape: list[Any] = [1, side, side, 3] if channels_last else [1, 3, side, side]
    weights = np.random.RandomState(seed).standard_normal((values, 3, 4, 4)).astype(np.float32)
    tensors = [numpy_helper.from_array(weights, "weights")]
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)]
    nodes: list[Any] = []
    source = "image"
    if channels_last:
        nodes.append(helper.make_node("Transpose", ["image"], ["turned"], perm=[0, 3, 1, 2]))
        source = "turned"
    nodes.append(helper.make_node("Conv", [source, "weights"], ["map"], strides=[4, 4]))
    last = "map"
    if kind != "map":
        nodes += [
            helper.make_node("Abs", ["map"], ["positive"]),
            helper.make_node("GlobalAveragePool", ["positive"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["vector"]),
        ]
        last = "vector"
    if kind in ("nan", "dark nan"):
        # The root of what is left of the brightest pixel: none of a black picture.
        least = 1e9 if kind == "nan" else 0.3
        tensors.append(numpy_helper.from_array(np.array(least, np.float32), "least"))
        nodes += [
            helper.make_node("ReduceMax", ["image"], ["brightest"], keepdims=0),
            helper.make_node("Sub", ["brightest", "least"], ["left"]),
            helper.make_node("Sqrt", ["left"], ["root"]),
            helper.make_node("Add", [last, "root"], ["spoilt"]),
        ]
        last = "spoilt"
    if kind in ("hang", "dark hang"):
        nodes += _loop(tensors, last=last, always=kind == "hang")
        last = "late"
    if kind == "large":
        tensors.append(numpy_helper.from_array(np.array([4 << 30], np.int64), "much"))
        nodes += [
            helper.make_node("ConstantOfShape", ["much"], ["huge"]),
            helper.make_node("ReduceMax", ["huge"], ["most"], keepdims=0),
            helper.make_node("Add", [last, "most"], ["sum"]),
        ]
        last = "sum"
    if kind == "random":
        nodes += [
            helper.make_node("RandomNormalLike", [last], ["noise"]),
            helper.make_node("Add", [last, "noise"], ["noisy"]),
        ]
        last = "noisy"
    if kind == "two inputs":
        inputs.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))
        nodes.append(helper.make_node("Add", [last, "more"], ["both"]))
        last = "both"
    out = helper.make_tensor_value_info(last, TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "tiny", inputs, [out], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def _loop(tensors: list[Any], *, last: str, always: bool) -> list[Any]:
    """A loop that adds nothing for years, or only once to a picture that is not nearly black."""
    from onnx import TensorProto, helper, numpy_helper

    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go on"]),
            helper.make_node("Mul", ["held", "one"], ["held on"]),
        ],
        "again",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("held", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("held on", TensorProto.FLOAT, None),
        ],
    )
    tensors += [
        numpy_helper.from_array(np.array(1 << 62, np.int64), "years"),
        numpy_helper.from_array(np.array(1, np.int64), "once"),
        numpy_helper.from_array(np.array(1, np.float32), "one"),
        numpy_helper.from_array(np.array(1e9 if always else 0.3, np.float32), "limit"),
        numpy_helper.from_array(np.array(True), "true"),
    ]
    return [
        helper.make_node("ReduceMax", ["image"], ["light"], keepdims=0),
        helper.make_node("Less", ["light", "limit"], ["dark"]),
        helper.make_node("Where", ["dark", "years", "once"], ["turns"]),
        helper.make_node("Loop", ["turns", "true", last], ["late"], body=body),
    ]
