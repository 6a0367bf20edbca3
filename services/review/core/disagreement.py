"""How far champion and shadow disagree on one image."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import numpy as np

from libs.schemas.values import DeployedModel, Logged, Output, Shapes, TaskType
from libs.vision.boxes import Floats, as_boxes, polygon_box
from libs.vision.matching import loss

Models = Mapping[UUID, DeployedModel]


def disagreement(logged: Logged, models: Models) -> float | None:
    """In [0, 1]; None without a shadow, or where a version is none of `models` (by id).

    Detection and segmentation: 1 − F1 at IoU 0.5 of the boxes (of a polygon its bounding box),
    each model's at its own threshold. Classification: 0 or 1, the best labels. Classes are
    compared by name.
    """
    if logged.shadow is None:
        return None
    first, second = models.get(logged.champion.version), models.get(logged.shadow.version)
    if first is None or second is None:
        return None
    if logged.type is TaskType.CLASSIFICATION:
        return 0.0 if _best(logged.champion, first) == _best(logged.shadow, second) else 1.0
    theirs = logged.shadow.shapes
    kept = [i for i, score in enumerate(theirs.scores) if score >= second.threshold]
    index = {name: number for number, name in enumerate(first.labels)}
    ours = logged.champion.shapes
    return loss(
        _boxes(ours),
        ours.classes,
        ours.scores,
        _boxes(theirs)[kept],
        [_index_of(theirs.classes[i], second.labels, index) for i in kept],
        threshold=first.threshold,
    )


def _best(output: Output, model: DeployedModel) -> str | None:
    return _name(output.shapes.classes[0], model.labels) if output.shapes.classes else None


def _index_of(number: int, labels: Sequence[str], index: Mapping[str, int]) -> int:
    """A class as the champion numbers it; one that it does not know gets a number of its own."""
    name = _name(number, labels)
    return len(index) + number if name is None else index.get(name, len(index) + number)


def _name(number: int, labels: Sequence[str]) -> str | None:
    # A client may name a version whose labelmap is shorter than the one its answer was checked by.
    return labels[number] if number < len(labels) else None


def _boxes(shapes: Shapes) -> Floats:
    if shapes.boxes or not shapes.polygons:
        return as_boxes(shapes.boxes)
    return np.stack([polygon_box(polygon) for polygon in shapes.polygons])
