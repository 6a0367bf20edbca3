"""What an ONNX file is: read from its own metadata, else from the shapes of known layouts.

Nothing is run here. The deployer asks when a file arrives, serving when it loads it; both refuse
the same files with the same sentences.
"""

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

PREFIX = "sightloop."
DETECTION, CLASSIFICATION = "OBJECT_DETECTION", "CLASSIFICATION"
USUAL_THRESHOLD = 0.25
USUAL_SIZE = (640, 640)
MOST_ROWS_AFTER_SUPPRESSION = 1000

Shape = tuple[int | None, ...]
Properties = Mapping[str, str]


class Layout(StrEnum):
    """How to feed a model and how to read its answer."""

    SIGHTLOOP_DETECTOR = "sightloop detector"  # boxes 0..1, scores, classes, image_index
    SIGHTLOOP_CLASSIFIER = "sightloop classifier"  # scores [n, C]
    YOLO = "YOLO raw head"  # [n, 4 + C, cells]: cx cy w h px, then class scores
    YOLO_OBJECTNESS = "YOLO raw head with objectness"  # [n, cells, 5 + C]
    YOLO_END_TO_END = "YOLO end to end"  # [n, rows, 6]: x1 y1 x2 y2 px, score, class
    YOLO_CLASSIFIER = "YOLO classifier"  # [n, C] probabilities
    DETR = "DETR"  # logits [n, Q, C + 1], pred_boxes [n, Q, 4] cx cy w h in 0..1
    TORCHVISION = "torchvision detector"  # boxes [K, 4] px, labels [K] from 1, scores [K]


class NotAnOnnxModel(ValueError):
    """The bytes are no ONNX model, or not a whole one."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the file is not an ONNX model: {reason}")


class UnknownModelLayout(ValueError):
    """An ONNX model that nobody here knows how to read; the message says what was found."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output; a dimension that is not fixed is None. `kind`: numpy's name."""

    name: str
    kind: str
    shape: Shape
    optional: bool = False

    def __str__(self) -> str:
        sides = ", ".join("?" if side is None else str(side) for side in self.shape)
        return f"{self.name} {self.kind} [{sides}]"


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """`labels` is the class order, where the file says it; `input_size` is width, height.

    `class_count` is what a labelmap must have; None where only running would tell.
    """

    layout: Layout
    task: str
    labels: tuple[str, ...] | None
    class_count: int | None
    input_size: tuple[int, int]
    threshold: float
    channels: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def inspect(content: bytes) -> ModelDescription:
    """Describe a model; raises NotAnOnnxModel, UnknownModelLayout."""
    graph, properties = _parsed(content)
    constants = {initializer.name for initializer in graph.initializer}
    inputs = tuple(_tensor(value, optional=value.name in constants) for value in graph.input)
    outputs = tuple(_tensor(value, optional=False) for value in graph.output)
    if f"{PREFIX}task" in properties:
        return _ours(properties, inputs, outputs)
    return _theirs(properties, inputs, outputs)


def _parsed(content: bytes) -> tuple[Any, dict[str, str]]:
    import onnx  # noqa: PLC0415
    from google.protobuf.message import (  # type: ignore[import-untyped]  # noqa: PLC0415
        DecodeError,
    )

    if not content:
        raise NotAnOnnxModel("it is empty")
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise NotAnOnnxModel("its bytes do not parse, or end too early") from error
    if not model.graph.node or not model.graph.output or not model.opset_import:
        raise NotAnOnnxModel("it has no graph")
    if any(tensor.external_data for tensor in model.graph.initializer):
        raise NotAnOnnxModel("its weights lie in another file; export it as one file")
    return model.graph, {entry.key: entry.value for entry in model.metadata_props}


def _tensor(value: Any, *, optional: bool) -> Tensor:
    from onnx import helper  # noqa: PLC0415

    kind = value.type.tensor_type
    sides = kind.shape.dim
    shape = tuple(side.dim_value if side.HasField("dim_value") else None for side in sides)
    try:
        name = helper.tensor_dtype_to_np_dtype(kind.elem_type).name
    except KeyError:
        name = "unknown"
    return Tensor(value.name, name, shape, optional)


def _ours(
    properties: Properties, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> ModelDescription:
    """A model that says itself how to be read."""
    said = {key.removeprefix(PREFIX): value for key, value in properties.items()}
    layouts = {
        DETECTION: (Layout.SIGHTLOOP_DETECTOR, {"boxes", "scores", "classes"}),
        CLASSIFICATION: (Layout.SIGHTLOOP_CLASSIFIER, {"scores"}),
    }
    try:
        layout, needed = layouts[said["task"]]
        labels = tuple(str(label) for label in json.loads(said["labels"]))
        width, height = (int(side) for side in json.loads(said["input_size"]))
        threshold = float(said["threshold"])
    except (KeyError, TypeError, ValueError) as error:
        msg = f"the model's metadata `{PREFIX}…` lacks something or is malformed: {error}"
        raise UnknownModelLayout(msg) from error
    readable = {
        "box_format": {"xyxy-normalized", "none"},
        "resize": {"stretch"},
        "interpolation": {"bilinear-antialias"},
        "channels": {"RGB", "BGR"},
    }
    for name, values in readable.items():
        if said.get(name) not in values:
            allowed = " or ".join(sorted(values))
            msg = f"the model's {PREFIX}{name} is {said.get(name)!r}; readable: {allowed}"
            raise UnknownModelLayout(msg)
    missing = needed - {output.name for output in outputs}
    if missing:
        msg = f"the model lacks the outputs {sorted(missing)}; it has {_listed(outputs)}"
        raise UnknownModelLayout(msg)
    return ModelDescription(
        layout,
        task=said["task"],
        labels=labels,
        class_count=len(labels),
        input_size=(width, height),
        threshold=threshold,
        channels=said["channels"],
        inputs=tuple(inputs),
        outputs=tuple(outputs),
    )


def _theirs(
    properties: Properties, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> ModelDescription:
    pictures = [tensor for tensor in inputs if not tensor.optional]
    found = _layout(properties, outputs) if pictures and _takes_pictures(pictures[0]) else None
    if found is None:
        msg = (
            f"no known layout: inputs {_listed(inputs)}; outputs {_listed(outputs)}; known are "
            f"{', '.join(Layout)}, and any model with the metadata `{PREFIX}…`"
        )
        raise UnknownModelLayout(msg)
    layout, classes = found
    labels = _names(properties)
    if labels and classes is not None and len(labels) != classes:
        msg = f"the model names {len(labels)} labels but its output has {classes} classes"
        raise UnknownModelLayout(msg)
    return ModelDescription(
        layout,
        task=CLASSIFICATION if layout is Layout.YOLO_CLASSIFIER else DETECTION,
        labels=labels,
        class_count=classes if classes is not None else (len(labels) if labels else None),
        input_size=_input_size(pictures[0].shape, properties),
        threshold=USUAL_THRESHOLD,
        channels="RGB",
        inputs=tuple(inputs),
        outputs=tuple(outputs),
    )


def _takes_pictures(tensor: Tensor) -> bool:
    return tensor.kind in {"float32", "float16"} and tensor.shape[-3:-2] in {(3,), (None,)}


def _layout(properties: Properties, outputs: Sequence[Tensor]) -> tuple[Layout, int | None] | None:
    """(layout, number of classes if the shapes tell it), or None."""
    named = {output.name: output for output in outputs}
    if {"logits", "pred_boxes"} <= named.keys() and len(named["logits"].shape) == 3:
        slots = named["logits"].shape[2]
        return Layout.DETR, slots - 1 if slots else None
    kinds = sorted((len(o.shape), o.kind.startswith("int")) for o in outputs)
    if kinds == [(1, False), (1, True), (2, False)]:
        return Layout.TORCHVISION, None
    if len(outputs) != 1 or not outputs[0].kind.startswith("float"):
        return None
    shape = outputs[0].shape
    if len(shape) == 2 and properties.get("task") == "classify":
        return Layout.YOLO_CLASSIFIER, shape[1]
    if len(shape) != 3 or properties.get("task", "detect") != "detect":
        return None
    rows, columns = shape[1], shape[2]
    if columns == 6 and rows is not None and rows <= MOST_ROWS_AFTER_SUPPRESSION:
        return Layout.YOLO_END_TO_END, None
    if rows is not None and rows > 4 and (columns is None or columns > rows):
        return Layout.YOLO, rows - 4
    if columns is not None and columns > 5 and (rows is None or rows > columns):
        return Layout.YOLO_OBJECTNESS, columns - 5
    return None


def _names(properties: Properties) -> tuple[str, ...] | None:
    """The label list that the exporters of YOLO models write: a dictionary, in Python's syntax."""
    try:
        names = ast.literal_eval(properties["names"])
        ordered = [names[index] for index in range(len(names))]
    except (KeyError, IndexError, TypeError, ValueError, SyntaxError):
        return None
    return tuple(str(name) for name in ordered) or None


def _input_size(shape: Shape, properties: Properties) -> tuple[int, int]:
    """Width and height: fixed in the graph, else said by the exporter, else the usual one."""
    height, width = shape[-2], shape[-1]
    if height and width:
        return width, height
    try:
        height, width = (int(side) for side in json.loads(properties["imgsz"]))
    except (KeyError, TypeError, ValueError):
        return USUAL_SIZE
    return width, height


def _listed(tensors: Sequence[Tensor]) -> str:
    return "; ".join(str(tensor) for tensor in tensors) or "none"
