"""The paired loss of one reviewed image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from libs.schemas.values import Box, Output, Point, ReviewShapes, TaskType
from libs.vision.boxes import Floats, as_boxes, polygon_box
from libs.vision.matching import loss as detection_loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How a model's answer is read: its class order and its own threshold."""

    labels: Sequence[str]
    threshold: float


def paired(
    champion: tuple[Reader, Output],
    shadow: tuple[Reader, Output],
    *,
    review: ReviewShapes,
    task: TaskType,
) -> tuple[float, float]:
    """(champion's loss, shadow's loss), each in [0, 1], against the review.

    Detection and segmentation: 1 − F1 at IoU 0.5 of the boxes (of a polygon its bounding box),
    over scores at or above each model's threshold; nothing there and nothing said costs 0.
    Classification: 0 or 1, whatever the score of the best label. Classes are compared by name,
    so two models may order them differently.
    """
    return _loss(champion, review, task), _loss(shadow, review, task)


def _loss(model: tuple[Reader, Output], review: ReviewShapes, kind: TaskType) -> float:
    reader, output = model
    if kind is TaskType.CLASSIFICATION:
        said = _name(reader, output.shapes.classes[0]) if output.shapes.classes else None
        true = review.labels[0] if review.labels else None
        return 0.0 if said == true else 1.0
    index = {name: number for number, name in enumerate(reader.labels)}
    unknown = len(index)
    for name in review.labels:
        if name not in index:
            index[name] = unknown
            unknown += 1
    return detection_loss(
        _boxes(output.shapes.boxes, output.shapes.polygons),
        output.shapes.classes,
        output.shapes.scores,
        _boxes(review.boxes, review.polygons),
        [index[name] for name in review.labels],
        threshold=reader.threshold,
    )


def _boxes(boxes: Sequence[Box], polygons: Sequence[Sequence[Point]]) -> Floats:
    if boxes or not polygons:
        return as_boxes(boxes)
    return np.stack([polygon_box(polygon) for polygon in polygons])


def _name(reader: Reader, index: int) -> str | None:
    return reader.labels[index] if 0 <= index < len(reader.labels) else None
