"""A model's answer as the server reads it, and ways to make one from plain numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from sightloop_sdk.errors import InvalidPrediction, UnknownLabel

BoxFormat = Literal["xyxy", "xywh", "cxcywh", "tlbr"]
Labels = Sequence[str]


class Prediction(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An answer of a model. Lists have equal length; classes index the deployment's labelmap.

    `detection_boxes`: top, left, bottom, right in pixels. `detection_masks`: a ring of x, y each.
    """

    detection_classes: list[int]
    detection_scores: list[float]
    detection_boxes: list[tuple[float, float, float, float]] | None = None
    detection_masks: list[list[tuple[float, float]]] | None = None
    detection_texts: list[str] | None = None

    def __len__(self) -> int:
        return len(self.detection_classes)


def detections(
    boxes: Any,
    scores: Any,
    classes: Any,
    *,
    box: BoxFormat = "xyxy",
    labels: Labels | None = None,
) -> Prediction:
    """A detector's answer.

    `boxes`: n × 4 numbers in pixels, in the order that `box` names. `scores`: n numbers within
    0 and 1. `classes`: n indices, or names of `labels`. Arrays and tensors are welcome.

    Raises:
        InvalidPrediction: the lengths differ, or a box has not four finite numbers.
        UnknownLabel: a name is not in `labels`.
    """
    rows = [_finite(row, f"boxes[{index}]") for index, row in enumerate(numbers(boxes))]
    for index, row in enumerate(rows):
        if len(row) != 4:
            raise InvalidPrediction(f"boxes[{index}] has {len(row)} numbers, not 4")
    order = _ORDERS.get(box)
    if order is None:
        raise InvalidPrediction(f"box must be one of {', '.join(_ORDERS)}, not {box!r}")
    made = [order(*row) for row in rows]
    found = class_indices(classes, labels)
    given = _finite(numbers(scores), "scores")
    _same_length(boxes=made, scores=given, classes=found)
    return Prediction(detection_classes=found, detection_scores=given, detection_boxes=made)


def classification(scores: Any, classes: Any = None, *, labels: Labels | None = None) -> Prediction:
    """A classifier's answer. Without `classes`, `scores` has a number for each class in order."""
    given = _finite(numbers(scores), "scores")
    found = list(range(len(given))) if classes is None else class_indices(classes, labels)
    _same_length(scores=given, classes=found)
    return Prediction(detection_classes=found, detection_scores=given)


def segmentation(
    polygons: Any, scores: Any, classes: Any, *, labels: Labels | None = None
) -> Prediction:
    """A segmenter's answer. `polygons`: for each object its ring of x, y in pixels."""
    rings = [_ring(ring, f"polygons[{index}]") for index, ring in enumerate(polygons)]
    found = class_indices(classes, labels)
    given = _finite(numbers(scores), "scores")
    _same_length(polygons=rings, scores=given, classes=found)
    return Prediction(detection_classes=found, detection_scores=given, detection_masks=rings)


def numbers(values: Any) -> list[Any]:
    """Nested lists of an array, a tensor (of any device) or a sequence."""
    found = _plain(values)
    return found if isinstance(found, list) else [found]


def class_indices(classes: Any, labels: Labels | None) -> list[int]:
    """Indices of classes that are given as numbers or by name. Raises UnknownLabel."""
    found = numbers(classes)
    if not any(isinstance(one, str) for one in found):
        return [int(one) for one in found]
    if labels is None:
        raise InvalidPrediction(
            "classes are names, and the labelmap is not known: give labels=[…], "
            "or open the deployment while the server is reachable"
        )
    places = {name: index for index, name in enumerate(labels)}
    unknown = sorted({str(one) for one in found} - places.keys())
    if unknown:
        raise UnknownLabel(
            f"not in the deployment's labelmap: {', '.join(unknown)}. It has: {', '.join(labels)}"
        )
    return [places[one] for one in found]


def from_wire(document: Mapping[str, Any]) -> Prediction:
    """A prediction from the fields of the wire format. Raises InvalidPrediction."""
    try:
        plain = {
            name: value if value is None else numbers(value) for name, value in document.items()
        }
        return msgspec.convert(plain, Prediction, strict=True)
    except (msgspec.ValidationError, TypeError) as error:
        raise InvalidPrediction(f"the prediction does not fit its format: {error}") from error


def _finite(values: Any, where: str) -> list[float]:
    try:
        found = [float(value) for value in values]
    except (TypeError, ValueError) as error:
        raise InvalidPrediction(f"{where} are no numbers: {error}") from error
    if not all(map(math.isfinite, found)):
        raise InvalidPrediction(f"{where} are not finite: {found}")
    return found


def _ring(ring: Any, where: str) -> list[tuple[float, float]]:
    points = [_finite(point, where) for point in numbers(ring)]
    if any(len(point) != 2 for point in points):
        raise InvalidPrediction(f"{where} has points that are not x, y")
    return [(point[0], point[1]) for point in points]


def _xyxy(x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
    return (y0, x0, y1, x1)


def _xywh(x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
    return (y, x, y + height, x + width)


def _cxcywh(x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
    return (y - height / 2, x - width / 2, y + height / 2, x + width / 2)


def _tlbr(top: float, left: float, bottom: float, right: float) -> tuple[float, ...]:
    return (top, left, bottom, right)


_ORDERS: Mapping[str, Any] = {"xyxy": _xyxy, "xywh": _xywh, "cxcywh": _cxcywh, "tlbr": _tlbr}


def _plain(value: Any) -> Any:
    if type(value) in (int, float, str):
        # Not their subclasses: NumPy's float64 is a float that JSON does not take.
        return value
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    if hasattr(value, "tolist"):
        return value.tolist()
    return [_plain(one) for one in value] if _is_nested(value) else value


def _is_nested(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes))


def _same_length(**columns: list[Any]) -> None:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InvalidPrediction(f"lengths differ: {told}")
