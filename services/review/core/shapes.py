"""Whether a review's shapes may be ground truth: every element is checked, none repaired."""

import math
from collections.abc import Collection, Sequence

from libs.schemas.values import Box, Point, ReviewShapes, TaskType
from libs.vision.boxes import polygon_area, polygon_box
from services.review.core.polygons import crosses_itself
from services.review.errors import ReviewRefused

SHAPES_LIMIT = 10_000
POINTS_LIMIT = 2_000
_SHOWN = 20
# Pixels. A right border computed as x + w may lie an ulp beyond the picture.
_SLACK = 1e-6

Errors = list[tuple[str, str]]


def check_shapes(
    shapes: ReviewShapes, task: TaskType, *, labels: Collection[str], width: int, height: int
) -> ReviewShapes:
    """The shapes in canonical form; no shapes at all means that nothing is there.

    A polygon's box is computed, whatever was sent. `width`, `height`: the picture's, pixels.

    Raises:
        ReviewRefused: naming up to 20 wrong elements.
    """
    errors: Errors = []
    _lengths(shapes, task, errors)
    _labels(shapes, labels, errors)
    if task is TaskType.OBJECT_DETECTION:
        for index, box in enumerate(shapes.boxes):
            _box(box, f"shapes.boxes[{index}]", width, height, errors)
    elif task is TaskType.SEGMENTATION:
        for index, ring in enumerate(shapes.polygons):
            _polygon(ring, f"shapes.polygons[{index}]", width, height, errors)
    if errors:
        raise ReviewRefused(f"{len(errors)} elements of the review are wrong", errors[:_SHOWN])
    if task is not TaskType.SEGMENTATION:
        return shapes
    around = [polygon_box(ring).tolist() for ring in shapes.polygons]
    return ReviewShapes(
        labels=shapes.labels,
        boxes=[(b[0], b[1], b[2], b[3]) for b in around],
        polygons=shapes.polygons,
    )


def _lengths(shapes: ReviewShapes, task: TaskType, errors: Errors) -> None:
    count = len(shapes.labels)
    if count > SHAPES_LIMIT:
        errors.append(("shapes.labels", f"has {count} shapes, at most {SHAPES_LIMIT} are taken"))
    if task is TaskType.CLASSIFICATION and count > 1:
        errors.append(("shapes.labels", f"has {count} labels, a classification has one or none"))
    needed = {
        TaskType.CLASSIFICATION: None,
        TaskType.OBJECT_DETECTION: "boxes",
        TaskType.SEGMENTATION: "polygons",
    }[task]
    columns = (("boxes", len(shapes.boxes)), ("polygons", len(shapes.polygons)))
    for name, length in columns:
        derived = name == "boxes" and needed == "polygons"
        if name != needed and length and not derived:
            errors.append((f"shapes.{name}", f"a review of type {task} has none"))
        elif (name == needed or (derived and length)) and length != count:
            errors.append((f"shapes.{name}", f"has {length} elements, labels has {count}"))


def _labels(shapes: ReviewShapes, labels: Collection[str], errors: Errors) -> None:
    for index, label in enumerate(shapes.labels):
        if label not in labels:
            known = ", ".join(labels)
            errors.append(
                (f"shapes.labels[{index}]", f"{label!r} is not in the labelmap: {known[:500]}")
            )


def _box(box: Box, where: str, width: int, height: int, errors: Errors) -> None:
    x, y, w, h = box
    if not all(map(math.isfinite, box)):
        errors.append((where, "is not finite"))
    elif w <= 0 or h <= 0:
        errors.append((where, f"has no area: {w} × {h}"))
    elif x < 0 or y < 0 or x + w > width + _SLACK or y + h > height + _SLACK:
        errors.append((where, f"is not inside the picture of {width} × {height}"))


def _polygon(ring: Sequence[Point], where: str, width: int, height: int, errors: Errors) -> None:
    if not 3 <= len(ring) <= POINTS_LIMIT:
        errors.append((where, f"has {len(ring)} points, not 3 to {POINTS_LIMIT}"))
        return
    for corner, (x, y) in enumerate(ring):
        if not (math.isfinite(x) and math.isfinite(y)):
            errors.append((f"{where}[{corner}]", "is not finite"))
            return
        if not (0 <= x <= width + _SLACK and 0 <= y <= height + _SLACK):
            errors.append(
                (f"{where}[{corner}]", f"is not inside the picture of {width} × {height}")
            )
            return
    if crosses_itself(ring):
        errors.append((where, "crosses itself"))
    elif polygon_area(ring) == 0:
        errors.append((where, "has no area"))
