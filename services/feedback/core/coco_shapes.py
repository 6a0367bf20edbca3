"""One COCO annotation's geometry, checked number by number."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from libs.schemas.values import Box, Point, TaskType


class ShapeWrong(ValueError):
    """An element that cannot be read: where it is, and what is wrong with it."""

    def __init__(self, where: str, what: str) -> None:
        self.where = where
        self.what = what
        super().__init__(f"{where}: {what}")


@dataclass(frozen=True, slots=True)
class CocoObject:
    """One annotation: no box in a classification, a ring in a segmentation only."""

    label: str
    box: Box | None
    ring: list[Point]
    crowd: bool


def read_object(where: str, item: Mapping[str, Any], label: str, *, task: TaskType) -> CocoObject:
    """The annotation at `where`. Raises ShapeWrong."""
    crowd = item.get("iscrowd", 0)
    if not isinstance(crowd, int) or crowd not in (0, 1):
        raise ShapeWrong(f"{where}.iscrowd", f"{show(crowd)} is neither 0 nor 1")
    box: Box | None = None
    ring: list[Point] = []
    if task is TaskType.SEGMENTATION:
        ring = _ring(where, item, crowd=bool(crowd))
        box = _box(where, item["bbox"]) if "bbox" in item else _around(where, ring)
    elif task is TaskType.OBJECT_DETECTION:
        box = _box(where, item.get("bbox"))
    return CocoObject(label, box, ring, bool(crowd))


def show(value: object) -> str:
    """A value of the file as a message may quote it."""
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _box(where: str, value: object) -> Box:
    at = f"{where}.bbox"
    if value is None:
        raise ShapeWrong(at, "is missing")
    if not isinstance(value, list) or len(value) != 4:
        raise ShapeWrong(at, f"needs four numbers: x, y, width, height, not {show(value)}")
    for number, side in enumerate(value):
        _check_finite(f"{at}[{number}]", side)
    x, y, width, height = map(float, value)
    for name, size in (("width", width), ("height", height)):
        if size <= 0:
            raise ShapeWrong(at, f"the {name} must be above 0, not {size:g}")
    return x, y, width, height


def _ring(where: str, item: Mapping[str, Any], *, crowd: bool) -> list[Point]:
    at = f"{where}.segmentation"
    value = item.get("segmentation")
    if isinstance(value, dict) and crowd:
        # A crowd is only ever ignored; the outline of its box says where.
        return _outline(_box(where, item.get("bbox")))
    if isinstance(value, dict):
        raise ShapeWrong(at, "is a run-length mask; polygons are needed")
    if not isinstance(value, list) or not value:
        raise ShapeWrong(at, "needs a list of polygons")
    rings: list[list[Point]] = []
    for number, flat in enumerate(value):
        if not isinstance(flat, list) or len(flat) < 6 or len(flat) % 2:
            raise ShapeWrong(f"{at}[{number}]", "needs x and y of at least three points")
        for position, part in enumerate(flat):
            _check_finite(f"{at}[{number}][{position}]", part)
        numbers = [float(part) for part in flat]
        rings.append(list(zip(numbers[::2], numbers[1::2], strict=True)))
    return _one_ring(rings)


def _one_ring(rings: list[list[Point]]) -> list[Point]:
    """The parts of one object as one ring, joined by bridges that enclose nothing."""
    if len(rings) == 1:
        return rings[0]
    start = rings[0][0]
    joined: list[Point] = []
    for ring in rings:
        turned = ring if _area(ring) >= 0 else ring[::-1]
        joined += [*turned, turned[0], start]
    return joined


def _area(ring: list[Point]) -> float:
    turned = [*ring[1:], ring[0]]
    return sum(x * v - u * y for (x, y), (u, v) in zip(ring, turned, strict=True)) / 2


def _around(where: str, ring: list[Point]) -> Box:
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    width, height = max(xs) - min(xs), max(ys) - min(ys)
    if width <= 0 or height <= 0:
        raise ShapeWrong(f"{where}.segmentation", "encloses nothing")
    return min(xs), min(ys), width, height


def _outline(box: Box) -> list[Point]:
    x, y, width, height = box
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def _check_finite(where: str, value: object) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            if math.isfinite(value):
                return
        except OverflowError:
            pass
    raise ShapeWrong(where, f"{show(value)} is no finite number")
