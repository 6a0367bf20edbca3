"""How to feed each known layout and how to read its answer; facts of the models' own exporters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libs.vision.onnx_models import Layout, ModelDescription
from services.serving.core.prediction import Prediction, detections, ranked, suppressed

Outputs = Mapping[str, NDArray[Any]]
Rgb = NDArray[np.uint8]

GREY = 114  # what YOLO letterboxes are filled with
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the picture lies in the input: input px = source px · scale + offset."""

    size: tuple[int, int]
    scale: tuple[float, float]
    offset: tuple[float, float] = (0.0, 0.0)

    def to_source(self, corners: NDArray[Any]) -> NDArray[np.float64]:
        """x1 y1 x2 y2 px of the input → px of the source picture."""
        moved = np.asarray(corners, np.float64).reshape(-1, 4) - np.array([*self.offset] * 2)
        placed: NDArray[np.float64] = moved / np.array([*self.scale] * 2)
        return placed


@dataclass(frozen=True, slots=True)
class Adapter:
    """`prepare`: picture → (feeds of the required inputs, frame); `read`: outputs → prediction."""

    prepare: Callable[[Rgb, ModelDescription], tuple[dict[str, NDArray[Any]], Frame]]
    read: Callable[[Outputs, ModelDescription, Frame, float], Prediction]


def resized(rgb: Rgb, size: tuple[int, int]) -> Rgb:
    """Stretched to `size` (width, height), bilinear with antialias, as in training."""
    from PIL import Image  # noqa: PLC0415

    if (rgb.shape[1], rgb.shape[0]) == size:
        return rgb
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BILINEAR))


def _stretch(rgb: Rgb, size: tuple[int, int]) -> tuple[Rgb, Frame]:
    height, width = rgb.shape[:2]
    return resized(rgb, size), Frame((width, height), (size[0] / width, size[1] / height))


def _letterbox(rgb: Rgb, size: tuple[int, int]) -> tuple[Rgb, Frame]:
    height, width = rgb.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    canvas = np.full((size[1], size[0], 3), GREY, np.uint8)
    canvas[top : top + inner[1], left : left + inner[0]] = resized(rgb, inner)
    frame = Frame((width, height), (inner[0] / width, inner[1] / height), (left, top))
    return canvas, frame


def _planes(pixels: NDArray[Any], description: ModelDescription) -> NDArray[Any]:
    """(H, W, 3) → the shape and type that the first required input asks for."""
    wanted = next(tensor for tensor in description.inputs if not tensor.optional)
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(wanted.kind)
    return planes if len(wanted.shape) == 3 else planes[None]


def _prepare_ours(rgb: Rgb, description: ModelDescription) -> tuple[dict[str, NDArray[Any]], Frame]:
    pixels, frame = _stretch(rgb, description.input_size)
    if description.channels == "BGR":
        pixels = pixels[:, :, ::-1]
    return {_input(description): np.ascontiguousarray(pixels[None])}, frame


def _prepare_yolo(rgb: Rgb, description: ModelDescription) -> tuple[dict[str, NDArray[Any]], Frame]:
    pixels, frame = _letterbox(rgb, description.input_size)
    return {_input(description): _planes(pixels / np.float32(255), description)}, frame


def _prepare_yolo_classifier(
    rgb: Rgb, description: ModelDescription
) -> tuple[dict[str, NDArray[Any]], Frame]:
    side = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    middle = np.ascontiguousarray(rgb[top : top + side, left : left + side])
    pixels, frame = _stretch(middle, description.input_size)
    return {_input(description): _planes(pixels / np.float32(255), description)}, frame


def _prepare_detr(rgb: Rgb, description: ModelDescription) -> tuple[dict[str, NDArray[Any]], Frame]:
    pixels, frame = _stretch(rgb, description.input_size)
    normal = (pixels / np.float32(255) - IMAGENET_MEAN) / IMAGENET_DEVIATION
    feeds = {_input(description): _planes(normal, description)}
    for tensor in description.inputs:
        if tensor.name == "pixel_mask":
            feeds[tensor.name] = np.ones((1, *pixels.shape[:2]), tensor.kind)
    return feeds, frame


def _prepare_torchvision(
    rgb: Rgb, description: ModelDescription
) -> tuple[dict[str, NDArray[Any]], Frame]:
    # These graphs resize by themselves: where the size is free they get the picture as it is.
    shape = next(tensor.shape for tensor in description.inputs if not tensor.optional)
    free = shape[-1] is None or shape[-2] is None
    size = (rgb.shape[1], rgb.shape[0]) if free else description.input_size
    pixels, frame = _stretch(rgb, size)
    return {_input(description): _planes(pixels / np.float32(255), description)}, frame


def _read_ours(
    outputs: Outputs, _description: ModelDescription, frame: Frame, threshold: float
) -> Prediction:
    width, height = frame.size
    corners = outputs["boxes"] * np.array([width, height, width, height])
    return _above(corners, outputs["classes"], outputs["scores"], frame, threshold)


def _read_scores(
    outputs: Outputs, _description: ModelDescription, _frame: Frame, threshold: float
) -> Prediction:
    (scores,) = (value for value in outputs.values() if value.ndim == 2)
    return ranked(scores[0], threshold)


def _read_yolo(
    outputs: Outputs, description: ModelDescription, frame: Frame, threshold: float
) -> Prediction:
    (head,) = outputs.values()
    if description.layout is Layout.YOLO:
        rows = head[0].T
        by_class = rows[:, 4:]
    else:
        rows = head[0]
        by_class = rows[:, 5:] * rows[:, 4:5]
    classes, scores = by_class.argmax(1), by_class.max(1)
    chosen = np.flatnonzero(scores >= threshold)
    centre, sides = rows[chosen, :2], rows[chosen, 2:4]
    corners = np.concatenate([centre - sides / 2, centre + sides / 2], 1)
    kept = suppressed(corners, classes[chosen], scores[chosen])
    found = chosen[kept]
    return detections(
        frame.to_source(corners[kept]), classes[found], scores[found], size=frame.size
    )


def _read_end_to_end(
    outputs: Outputs, _description: ModelDescription, frame: Frame, threshold: float
) -> Prediction:
    (head,) = outputs.values()
    rows = head[0]
    corners = frame.to_source(rows[:, :4])
    return _above(corners, rows[:, 5].astype(np.int64), rows[:, 4], frame, threshold)


def _read_detr(
    outputs: Outputs, _description: ModelDescription, frame: Frame, threshold: float
) -> Prediction:
    logits, boxes = outputs["logits"][0].astype(np.float64), outputs["pred_boxes"][0]
    odds = np.exp(logits - logits.max(1, keepdims=True))
    chances = (odds / odds.sum(1, keepdims=True))[:, :-1]  # the last one is "no object"
    width, height = frame.size
    centre, sides = boxes[:, :2], boxes[:, 2:]
    corners = np.concatenate([centre - sides / 2, centre + sides / 2], 1)
    corners = corners * np.array([width, height, width, height])
    return _above(corners, chances.argmax(1), chances.max(1), frame, threshold)


def _read_torchvision(
    outputs: Outputs, _description: ModelDescription, frame: Frame, threshold: float
) -> Prediction:
    corners = next(value for value in outputs.values() if value.ndim == 2)
    flat = [value for value in outputs.values() if value.ndim == 1]
    labels = next(value for value in flat if value.dtype.kind == "i")
    scores = next(value for value in flat if value.dtype.kind == "f")
    # Class 0 is torchvision's background.
    return _above(frame.to_source(corners), labels - 1, scores, frame, threshold)


def _above(
    corners: NDArray[Any],
    classes: NDArray[Any],
    scores: NDArray[Any],
    frame: Frame,
    threshold: float,
) -> Prediction:
    chosen = scores >= threshold
    return detections(corners[chosen], classes[chosen], scores[chosen], size=frame.size)


def _input(description: ModelDescription) -> str:
    return next(tensor.name for tensor in description.inputs if not tensor.optional)


ADAPTERS: Mapping[Layout, Adapter] = {
    Layout.SIGHTLOOP_DETECTOR: Adapter(_prepare_ours, _read_ours),
    Layout.SIGHTLOOP_CLASSIFIER: Adapter(_prepare_ours, _read_scores),
    Layout.YOLO: Adapter(_prepare_yolo, _read_yolo),
    Layout.YOLO_OBJECTNESS: Adapter(_prepare_yolo, _read_yolo),
    Layout.YOLO_END_TO_END: Adapter(_prepare_yolo, _read_end_to_end),
    Layout.YOLO_CLASSIFIER: Adapter(_prepare_yolo_classifier, _read_scores),
    Layout.DETR: Adapter(_prepare_detr, _read_detr),
    Layout.TORCHVISION: Adapter(_prepare_torchvision, _read_torchvision),
}
