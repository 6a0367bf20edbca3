"""The list of layers in ONNX (NCHW, opset 17), norms folded; what all recipes' graphs share."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.trainer.recipes.layers import (
    INPUT,
    PIXEL_MEAN,
    PIXEL_SCALE,
    Array,
    Layer,
    Network,
    Op,
    folded,
)

Outputs: TypeAlias = Mapping[str, tuple[type[np.generic], Sequence[str | int]]]

OPSET = 17
IR_VERSION = 8


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a reader of the model must know; written as strings under `sightloop.<field>`."""

    task: str
    labels: tuple[str, ...]
    input_size: tuple[int, int]  # width, height
    threshold: float
    box_format: str
    recipe: str
    recipe_version: str
    resize: str = "stretch"
    interpolation: str = "bilinear-antialias"
    channels: str = "RGB"

    def properties(self) -> dict[str, str]:
        return {
            "sightloop.task": self.task,
            "sightloop.labels": json.dumps(list(self.labels)),
            "sightloop.input_size": json.dumps(list(self.input_size)),
            "sightloop.threshold": repr(self.threshold),
            "sightloop.box_format": self.box_format,
            "sightloop.resize": self.resize,
            "sightloop.interpolation": self.interpolation,
            "sightloop.channels": self.channels,
            "sightloop.recipe": self.recipe,
            "sightloop.recipe_version": self.recipe_version,
        }


@dataclass(slots=True)
class GraphBuilder:
    """Nodes and constants of one graph in the making."""

    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    overridable: list[str] = field(default_factory=list)

    def add(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """One node with one output; returns the output's name."""
        from onnx import helper  # noqa: PLC0415

        self.nodes.append(helper.make_node(op, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: Any, *, overridable: bool = False) -> str:
        """A constant; `overridable` ones are optional inputs of the graph."""
        self.constants[name] = np.asarray(value)
        if overridable:
            self.overridable.append(name)
        return name

    def model(
        self,
        size: tuple[int, int],
        outputs: Outputs,
        *,
        metadata: Metadata,
    ) -> bytes:
        """The checked model. `size`: width and height; `outputs`: type and shape by name."""
        import onnx  # noqa: PLC0415
        from onnx import helper, numpy_helper  # noqa: PLC0415

        def value(name: str, kind: Any, shape: Sequence[str | int]) -> Any:
            element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
            return helper.make_tensor_value_info(name, element, list(shape))

        width, height = size
        inputs = [value(INPUT, np.uint8, ["n", height, width, 3])]
        optional = [(name, self.constants[name]) for name in self.overridable]
        inputs.extend(value(name, array.dtype, array.shape) for name, array in optional)
        graph = helper.make_graph(
            self.nodes,
            metadata.recipe,
            inputs,
            [value(name, kind, shape) for name, (kind, shape) in outputs.items()],
            [numpy_helper.from_array(array, name) for name, array in self.constants.items()],
        )
        model = helper.make_model(
            graph,
            producer_name="sightloop",
            producer_version=metadata.recipe_version,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        helper.set_model_props(model, metadata.properties())
        onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString(deterministic=True)
        return content


def add_network(
    builder: GraphBuilder,
    network: Network,
    parameters: Mapping[str, Array],
    *,
    state: Mapping[str, Array],
) -> None:
    """The network's nodes; afterwards each layer's output (NCHW) has the layer's name."""
    for layer in network:
        name = f"{layer.name}_linear" if layer.relu else layer.name
        match layer.op:
            case Op.NORMALISE:
                add_pixels(builder, layer.inputs[0], name)
            case Op.SPACE_TO_DEPTH:
                builder.add("SpaceToDepth", layer.inputs, name, blocksize=layer.stride)
            case Op.CONV:
                kernel, bias = folded(layer, parameters, state)
                _conv(builder, layer, kernel=kernel, bias=bias, output=name)
            case Op.ADD:
                builder.add("Add", layer.inputs, name)
            case Op.UPSAMPLE:
                _upsample(builder, layer, name)
        if layer.relu:
            builder.add("Relu", [name], layer.name)


def add_pixels(builder: GraphBuilder, source: str, output: str) -> str:
    """uint8 NHWC → float NCHW (x − 127.5) / 64."""
    builder.add("Cast", [source], "pixels_float", to=1)
    builder.add("Transpose", ["pixels_float"], "pixels_nchw", perm=[0, 3, 1, 2])
    builder.constant("pixel_mean", np.float32(PIXEL_MEAN))
    builder.constant("pixel_scale", np.float32(PIXEL_SCALE))
    builder.add("Sub", ["pixels_nchw", "pixel_mean"], "pixels_centred")
    return builder.add("Div", ["pixels_centred", "pixel_scale"], output)


def _conv(builder: GraphBuilder, layer: Layer, *, kernel: Array, bias: Array, output: str) -> None:
    pad = layer.kernel // 2
    weights = builder.constant(
        f"{layer.name}.w", np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
    )
    builder.add(
        "Conv",
        [layer.inputs[0], weights, builder.constant(f"{layer.name}.b", bias)],
        output,
        kernel_shape=[layer.kernel] * 2,
        strides=[layer.stride] * 2,
        pads=[pad] * 4,
    )


def _upsample(builder: GraphBuilder, layer: Layer, output: str) -> None:
    factor = float(layer.stride)
    scales = builder.constant(f"{layer.name}.scales", np.array([1, 1, factor, factor], np.float32))
    builder.add(
        "Resize",
        [layer.inputs[0], "", scales],
        output,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
