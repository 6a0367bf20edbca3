"""How far champion and shadow disagree on one image."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from libs.schemas.values import DeployedModel, Logged, Output, TaskType
from libs.vision.boxes import as_boxes, iou
from libs.vision.masks import compared
from libs.vision.matching import f1_of

Models = Mapping[UUID, DeployedModel]


def disagreement(logged: Logged, models: Models) -> float | None:
    """In [0, 1]; None without a shadow, or where a version is none of `models` (by id).

    Detection and segmentation: 1 − F1 at IoU 0.5 of the boxes or of the polygons' masks (some ten
    milliseconds), each model's at its own threshold. Classification: 0 or 1, the best labels.
    Classes are compared by name.
    """
    if logged.shadow is None:
        return None
    first, second = models.get(logged.champion.version), models.get(logged.shadow.version)
    if first is None or second is None:
        return None
    if logged.type is TaskType.CLASSIFICATION:
        return 0.0 if _best(logged.champion, first) == _best(logged.shadow, second) else 1.0
    ours, theirs = logged.champion.shapes, logged.shadow.shapes
    shown = [i for i, score in enumerate(ours.scores) if score >= first.threshold]
    kept = [i for i, score in enumerate(theirs.scores) if score >= second.threshold]
    if logged.type is TaskType.SEGMENTATION:
        rings = [ours.polygons[i] for i in shown], [theirs.polygons[i] for i in kept]
        overlap = compared(*rings, width=logged.width, height=logged.height).overlap
    else:
        overlap = iou(as_boxes(ours.boxes)[shown], as_boxes(theirs.boxes)[kept])
    index = {name: number for number, name in enumerate(first.labels)}
    return 1.0 - f1_of(
        overlap,
        [ours.classes[i] for i in shown],
        [ours.scores[i] for i in shown],
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
