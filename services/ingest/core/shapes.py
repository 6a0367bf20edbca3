"""From the wire format to canonical shapes: every element checked, none silently repaired."""

import math

from libs.schemas.values import Shapes, TaskType
from libs.vision.boxes import from_monitor, polygon_box
from services.ingest.core.body import Format
from services.ingest.errors import PredictionRejected

INVERTED = "inverted_boxes"
CLIPPED = "clipped_boxes"
_OF_TYPE = {
    TaskType.CLASSIFICATION: None,
    TaskType.OBJECT_DETECTION: "detection_boxes",
    TaskType.SEGMENTATION: "detection_masks",
}
_SHOWN = 20

Errors = list[tuple[str, str]]


def to_shapes(
    sent: Format, task: TaskType, *, labels: int, width: int, height: int, at: str
) -> tuple[Shapes, list[str]]:
    """Canonical shapes and flags of an answer for a picture of `width` × `height` pixels.

    Inverted boxes are normalised and boxes outside the image clipped; both are flagged.
    `labels`: size of the labelmap. `at`: path of the answer in the request.

    Raises:
        PredictionRejected: naming up to 20 wrong elements.
    """
    errors: Errors = []
    _lengths(sent, task, errors)
    _elements(sent, labels, errors)
    if not errors:
        _geometry(sent, task, errors)
    if errors:
        placed = [(f"{at}.{where}" if where else at, what) for where, what in errors[:_SHOWN]]
        raise PredictionRejected(
            "invalid-prediction",
            f"{len(errors)} elements of the prediction are wrong",
            errors=placed,
        )
    return _canonical(sent, task, width=width, height=height)


def _lengths(sent: Format, task: TaskType, errors: Errors) -> None:
    count = len(sent.detection_classes)
    needed = _OF_TYPE[task]
    for name in ("detection_scores", "detection_texts", "detection_boxes", "detection_masks"):
        column = getattr(sent, name)
        if name == needed and column is None:
            errors.append((name, f"a prediction of type {task} needs it"))
        elif column is not None and name.endswith(("boxes", "masks")) and name != needed:
            errors.append((name, f"a prediction of type {task} has none"))
        elif column is not None and len(column) != count:
            errors.append((name, f"has {len(column)} elements, detection_classes has {count}"))


def _elements(sent: Format, labels: int, errors: Errors) -> None:
    for index, number in enumerate(sent.detection_classes):
        if not 0 <= number < labels:
            where = f"detection_classes[{index}]"
            errors.append((where, f"class {number} is not in the labelmap of {labels} labels"))
    for index, score in enumerate(sent.detection_scores):
        if not 0.0 <= score <= 1.0:
            errors.append((f"detection_scores[{index}]", f"{score} is not within 0 and 1"))


def _geometry(sent: Format, task: TaskType, errors: Errors) -> None:
    if task is TaskType.OBJECT_DETECTION:
        for index, box in enumerate(sent.detection_boxes or ()):
            where = f"detection_boxes[{index}]"
            if len(box) != 4:
                errors.append((where, f"has {len(box)} values, not top, left, bottom, right"))
            elif not all(map(math.isfinite, box)):
                errors.append((where, "is not finite"))
    elif task is TaskType.SEGMENTATION:
        for index, ring in enumerate(sent.detection_masks or ()):
            where = f"detection_masks[{index}]"
            if len(ring) < 3:
                errors.append((where, f"has {len(ring)} points, a polygon needs 3"))
            for corner, point in enumerate(ring):
                if len(point) != 2 or not all(map(math.isfinite, point)):
                    errors.append((f"{where}[{corner}]", "is no finite x, y"))


def _canonical(
    sent: Format, task: TaskType, *, width: int, height: int
) -> tuple[Shapes, list[str]]:
    classes, scores = sent.detection_classes, sent.detection_scores
    if task is TaskType.CLASSIFICATION:
        order = sorted(range(len(classes)), key=lambda i: -scores[i])
        return Shapes(classes=[classes[i] for i in order], scores=[scores[i] for i in order]), []
    if task is TaskType.OBJECT_DETECTION:
        read = from_monitor(sent.detection_boxes or [], width=width, height=height)
        flags = [INVERTED] * bool(read.inverted.any()) + [CLIPPED] * bool(read.clipped.any())
        boxes = [(b[0], b[1], b[2], b[3]) for b in read.boxes.tolist()]
        return Shapes(classes=classes, scores=scores, boxes=boxes), flags
    rings = [
        [(min(max(x, 0.0), width), min(max(y, 0.0), height)) for x, y in ring]
        for ring in sent.detection_masks or []
    ]
    outside = any(
        not (0 <= x <= width and 0 <= y <= height)
        for ring in sent.detection_masks or []
        for x, y in ring
    )
    around = [polygon_box(ring).tolist() for ring in rings]
    return (
        Shapes(
            classes=classes,
            scores=scores,
            boxes=[(b[0], b[1], b[2], b[3]) for b in around],
            polygons=rings,
        ),
        [CLIPPED] * outside,
    )
