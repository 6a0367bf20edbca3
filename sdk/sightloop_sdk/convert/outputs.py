"""Outputs of other libraries, told apart by their attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sightloop_sdk.errors import InvalidPrediction
from sightloop_sdk.formats import (
    Labels,
    Prediction,
    classification,
    detections,
    from_wire,
    numbers,
    segmentation,
)

_WIRE = "detection_classes"
_BACKGROUND = ("background", "__background__")
_KNOWN = (
    "a Prediction (detections(…), classification(…), segmentation(…)), a dict of the wire format, "
    "Ultralytics Results, a torchvision dict, supervision Detections, or a Hugging Face pipeline's"
)


def to_prediction(
    output: Any, *, task: str | None = None, labels: Labels | None = None
) -> Prediction:
    """A prediction from the output of a model.

    `task`: CLASSIFICATION, OBJECT_DETECTION or SEGMENTATION, where the output alone does not say
    (an empty list; boxes and masks together). `labels`: the labelmap, for outputs with names.

    Takes a `Prediction`; a dict or an object with the fields of the wire format; Ultralytics
    `Results` (one, or a list of one); torchvision's dict of boxes, labels, scores; supervision's
    `Detections`; the lists of Hugging Face pipelines for object detection and classification.

    Raises:
        InvalidPrediction: it is none of these, or cannot be sent; the message says what to do.
        UnknownLabel: a name is not in `labels`.
    """
    try:
        return _converted(output, task=task, labels=labels)
    except InvalidPrediction:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        kind = type(output).__name__
        raise InvalidPrediction(f"a {kind} that is not what it seems: {error!r}") from error


def _converted(output: Any, *, task: str | None, labels: Labels | None) -> Prediction:
    if isinstance(output, Prediction):
        return output
    if isinstance(output, Mapping):
        return _of_mapping(output, labels)
    if isinstance(output, (list, tuple)):
        return _of_list(output, task=task, labels=labels)
    if hasattr(output, _WIRE):
        return _of_object(output)
    if hasattr(output, "orig_shape") and hasattr(output, "boxes"):
        return _of_ultralytics(output, task=task)
    if hasattr(output, "xyxy") and hasattr(output, "class_id"):
        return _of_supervision(output, task=task)
    raise InvalidPrediction(f"{type(output).__name__} is no prediction; log {_KNOWN} list")


def is_ready(output: Any) -> bool:
    """Whether an output says all by itself: neither labelmap nor task are needed."""
    return (
        isinstance(output, Prediction)
        or (isinstance(output, Mapping) and _WIRE in output)
        or hasattr(output, _WIRE)
    )


def from_torchvision(output: Mapping[str, Any], *, background: bool) -> Prediction:
    """A torchvision detector's dict. Its class 0 is the background.

    `background`: whether the deployment's labelmap has the background as its class 0, too;
    otherwise class 1 of the output is class 0 of the labelmap.
    """
    shift = 0 if background else 1
    classes = [one - shift for one in numbers(output["labels"])]
    return detections(output["boxes"], output["scores"], classes)


def _of_mapping(output: Mapping[str, Any], labels: Labels | None) -> Prediction:
    if _WIRE in output:
        return from_wire(output)
    if {"boxes", "labels", "scores"} <= output.keys():
        if labels is None:
            raise InvalidPrediction(
                "whether the labelmap has a background class is not known: use "
                "from_torchvision(output, background=…), or give labels=[…]"
            )
        background = bool(labels) and labels[0].lower() in _BACKGROUND
        return from_torchvision(output, background=background)
    raise InvalidPrediction(f"a dict of {', '.join(map(str, output))} is none; log {_KNOWN} list")


def _of_object(output: Any) -> Prediction:
    names = Prediction.__struct_fields__
    return from_wire({name: getattr(output, name, None) for name in names})


def _of_list(output: Sequence[Any], *, task: str | None, labels: Labels | None) -> Prediction:
    if not output:
        return _nothing(task)
    first = output[0]
    if isinstance(first, Mapping) and {"score", "label"} <= first.keys():
        return _of_pipeline(output, labels)
    if len(output) == 1:
        return to_prediction(first, task=task, labels=labels)
    raise InvalidPrediction(
        f"{len(output)} outputs at once: log each with its own picture, or use monitor_many"
    )


def _of_pipeline(output: Sequence[Mapping[str, Any]], labels: Labels | None) -> Prediction:
    scores = [one["score"] for one in output]
    classes = [one["label"] for one in output]
    if "box" in output[0]:
        boxes = [[one["box"][side] for side in _SIDES] for one in output]
        return detections(boxes, scores, classes, labels=labels)
    if "mask" in output[0]:
        raise InvalidPrediction(
            "masks of a pipeline are pictures: trace them to polygons and log segmentation(…)"
        )
    return classification(scores, classes, labels=labels)


def _of_ultralytics(output: Any, *, task: str | None) -> Prediction:
    if output.boxes is None:
        probabilities = getattr(output, "probs", None)
        if probabilities is None:
            raise InvalidPrediction("these Results have neither boxes nor probabilities")
        return classification(probabilities.data)
    boxes = output.boxes
    masks = getattr(output, "masks", None)
    if task == "SEGMENTATION" or (task is None and masks is not None):
        rings = [] if masks is None else masks.xy
        return _polygons(rings, boxes.conf, boxes.cls)
    return detections(boxes.xyxy, boxes.conf, boxes.cls)


def _polygons(rings: Any, scores: Any, classes: Any) -> Prediction:
    """Rings of fewer than three points are no areas and left out, with their scores."""
    kept = [
        (ring, score, one)
        for ring, score, one in zip(rings, numbers(scores), numbers(classes), strict=True)
        if len(ring) >= 3
    ]
    return segmentation([k[0] for k in kept], [k[1] for k in kept], [k[2] for k in kept])


def _of_supervision(output: Any, *, task: str | None) -> Prediction:
    if task == "SEGMENTATION":
        raise InvalidPrediction(
            "supervision keeps masks as pictures: trace them (supervision.mask_to_polygons) "
            "and log segmentation(polygons, scores, classes)"
        )
    if output.class_id is None or output.confidence is None:
        raise InvalidPrediction("these Detections have no class_id or no confidence")
    return detections(output.xyxy, output.confidence, output.class_id)


def _nothing(task: str | None) -> Prediction:
    match task:
        case "OBJECT_DETECTION":
            return detections([], [], [])
        case "SEGMENTATION":
            return segmentation([], [], [])
        case "CLASSIFICATION":
            return classification([])
    raise InvalidPrediction(
        "an empty list does not say what was looked for: log detections([], [], []), or give task=…"
    )


_SIDES = ("xmin", "ymin", "xmax", "ymax")
