"""The paired loss of one reviewed image."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.schemas.values import Output, ReviewShapes, TaskType
from libs.vision.masks import compared
from libs.vision.matching import f1_of
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
    size: tuple[int, int],
) -> tuple[float, float]:
    """(champion's loss, shadow's loss), each in [0, 1], against the review.

    Detection: 1 − F1 at IoU 0.5 of the boxes, over scores at or above each model's threshold;
    nothing there and nothing said costs 0. Segmentation: the same of the polygons' masks, on a
    picture of `size` (width, height); some ten milliseconds. Classification: 0 or 1, whatever the
    score of the best label. Classes are compared by name, so two models may order them
    differently.
    """
    first, second = (_loss(one, review, task, size=size) for one in (champion, shadow))
    return first, second


def _loss(
    model: tuple[Reader, Output], review: ReviewShapes, kind: TaskType, *, size: tuple[int, int]
) -> float:
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
    shapes, wanted = output.shapes, [index[name] for name in review.labels]
    if kind is TaskType.SEGMENTATION:
        shown = [i for i, score in enumerate(shapes.scores) if score >= reader.threshold]
        rings = [shapes.polygons[i] for i in shown]
        return 1.0 - f1_of(
            compared(rings, review.polygons, width=size[0], height=size[1]).overlap,
            [shapes.classes[i] for i in shown],
            [shapes.scores[i] for i in shown],
            wanted,
            threshold=reader.threshold,
        )
    return detection_loss(
        shapes.boxes,
        shapes.classes,
        shapes.scores,
        review.boxes,
        wanted,
        threshold=reader.threshold,
    )


def _name(reader: Reader, index: int) -> str | None:
    return reader.labels[index] if 0 <= index < len(reader.labels) else None
