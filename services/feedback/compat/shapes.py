"""Shapes of annotations in the existing client's words, and the same in ours."""

import math
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import RowMapping

from libs.api.problems import invalid
from libs.schemas.ids import label_id
from libs.schemas.manifest import Annotation
from libs.schemas.values import Box, Point, TaskType
from libs.vision.boxes import polygon_box
from services.feedback.core.agreement import Labelled
from services.feedback.store.assets import annotation_of as stored_annotation

_SHOWN = 20


class Shape(BaseModel):
    """What each has; texts and attributes are not kept."""

    label_id: UUID


class Rectangle(Shape):
    """Pixels, from the left and the top."""

    x: float
    y: float
    w: float
    h: float


class Polygon(Shape):
    """A ring of x, y in pixels."""

    polygon: list[tuple[float, float]]


class Sent(BaseModel):
    """Shapes by kind."""

    rectangles: Annotated[list[Rectangle], Field(max_length=10_000)] = []
    polygons: Annotated[list[Polygon], Field(max_length=10_000)] = []
    classifications: Annotated[list[Shape], Field(max_length=10_000)] = []
    keypoints: list[Any] = []
    masks: list[Any] = []
    lines: list[Any] = []
    points: list[Any] = []


_KINDS = {
    TaskType.OBJECT_DETECTION: "rectangles",
    TaskType.SEGMENTATION: "polygons",
    TaskType.CLASSIFICATION: "classifications",
}


def annotation_of(
    sent: Sent,
    asset: RowMapping,
    of: Labelled,
    version: UUID,
    *,
    kept: Annotation | None,
    at: str,
) -> Annotation:
    """What is sent as an annotation of the version's type, behind what is kept.

    Raises Problem 422, naming up to 20 wrong elements.
    """
    kind = _KINDS[of.type]
    wrong = [
        (f"{at}.{name}", f"a version of type {of.type} has none")
        for name in Sent.model_fields
        if name != kind and getattr(sent, name)
    ]
    names = {label_id(version, name): name for name in of.labels}
    shapes: list[Any] = getattr(sent, kind)
    for index, shape in enumerate(shapes):
        where = f"{at}.{kind}[{index}]"
        if shape.label_id not in names:
            wrong.append((f"{where}.label_id", "is no label of the version"))
        elif problem := _problem(shape, asset["width"], asset["height"]):
            wrong.append((where, problem))
    if of.type is TaskType.CLASSIFICATION and len(shapes) > 1:
        wrong.append((f"{at}.classifications", "an image has one class"))
    if wrong:
        raise invalid("the annotations are wrong", wrong[:_SHOWN])
    boxes: list[Box] = [(s.x, s.y, s.w, s.h) for s in sent.rectangles]
    rings: list[list[Point]] = [shape.polygon for shape in sent.polygons]
    for ring in rings:
        x, y, w, h = polygon_box(ring).tolist()
        boxes.append((x, y, w, h))
    labels = [names[shape.label_id] for shape in shapes]
    if kept is None or of.type is TaskType.CLASSIFICATION:
        return Annotation(labels=labels, boxes=boxes, polygons=rings)
    return Annotation(
        labels=[*kept.labels, *labels],
        boxes=[*kept.boxes, *boxes],
        polygons=[*kept.polygons, *rings],
        crowd=kept.crowd,
    )


def annotation_json(row: RowMapping, task: TaskType, version: UUID) -> dict[str, Any]:
    """An asset's annotation; it has its asset's id."""
    annotation = stored_annotation(row)
    assert annotation is not None
    told: dict[str, Any] = {name: [] for name in Sent.model_fields}
    for index, name in enumerate(annotation.labels):
        shape: dict[str, Any] = {
            "label": name,
            "label_id": label_id(version, name),
            "text": None,
            "attributes": None,
        }
        if task is TaskType.OBJECT_DETECTION:
            shape |= dict(zip("xywh", annotation.boxes[index], strict=True))
        elif task is TaskType.SEGMENTATION:
            shape["polygon"] = annotation.polygons[index]
        told[_KINDS[task]].append(shape)
    return {
        "id": row["id"],
        "asset_id": row["id"],
        "duration": 0.0,
        "status": "ACCEPTED",
        "attributes": None,
        **told,
    }


def annotations_json(row: RowMapping, task: TaskType, version: UUID) -> list[dict[str, Any]]:
    """An asset's annotation, or none."""
    annotated = stored_annotation(row) is not None
    return [annotation_json(row, task, version)] if annotated else []


def _problem(shape: Shape, width: int, height: int) -> str | None:
    match shape:
        case Rectangle(x=x, y=y, w=w, h=h):
            if not all(map(math.isfinite, (x, y, w, h))):
                return "is not finite"
            if w <= 0 or h <= 0:
                return f"has no area: {w} × {h}"
            if x < 0 or y < 0 or x + w > width or y + h > height:
                return f"is not inside the picture of {width} × {height}"
        case Polygon(polygon=ring):
            if len(ring) < 3:
                return f"has {len(ring)} points, a polygon needs 3"
            if not all(0 <= x <= width and 0 <= y <= height for x, y in ring):
                return f"is not inside the picture of {width} × {height}"
    return None
