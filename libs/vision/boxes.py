"""Boxes as float64 arrays (N, 4) of `x y w h` in pixels, the form used everywhere inside.

The monitor's wire form `[top, left, bottom, right]` is converted here, once, at the edge.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def as_boxes(values: ArrayLike) -> Floats:
    """`values` as a float64 array (N, 4); an empty sequence gives (0, 4)."""
    boxes = np.asarray(values, dtype=np.float64)
    if boxes.size == 0:
        return np.zeros((0, 4))
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise BoxesNotFourNumbers(boxes.shape)
    return boxes


def area(boxes: ArrayLike) -> Floats:
    """`w·h` of each box, square pixels, (N,)."""
    _, _, w, h = as_boxes(boxes).T
    sizes: Floats = w * h
    return sizes


def iou(a: ArrayLike, b: ArrayLike, *, crowd: ArrayLike | None = None) -> Floats:
    """Intersection over union of every box of `a` (N, 4) with every box of `b` (M, 4): (N, M).

    Where `crowd` (M,) is true the union is the area of the box of `a` alone, as COCO defines it
    for a region of many objects. The same floating-point steps as `bbIou` of the COCO tools, so
    the results are equal bit for bit.
    """
    a, b = as_boxes(a), as_boxes(b)
    ax, ay, aw, ah = a.T[:, :, None]
    bx, by, bw, bh = b.T[:, None, :]
    w = np.minimum(ax + aw, bx + bw) - np.maximum(ax, bx)
    h = np.minimum(ay + ah, by + bh) - np.maximum(ay, by)
    meet = (w > 0) & (h > 0)
    intersection = w * h
    union = aw * ah + bw * bh - intersection
    if crowd is not None:
        union = np.where(np.asarray(crowd, dtype=bool)[None, :], aw * ah, union)
    overlap: Floats = np.zeros_like(intersection)
    np.divide(intersection, union, out=overlap, where=meet)
    return overlap


def scale(boxes: ArrayLike, *, x: float, y: float) -> Floats:
    """Boxes of an image resized by the factors `x` and `y`."""
    return np.multiply(as_boxes(boxes), [x, y, x, y])


def from_monitor(boxes: ArrayLike, *, width: float, height: float) -> "FromMonitor":
    """Boxes of the monitor's wire form `[top, left, bottom, right]`, pixels, as `x y w h`.

    An inverted box (bottom < top or right < left) has its edges put in order; a box that leaves
    the image is cut at its border. Either is flagged, neither is refused. A box wholly outside
    becomes an empty box on the border.
    """
    wire = as_boxes(boxes)
    top, left, bottom, right = wire.T
    inverted = (bottom < top) | (right < left)
    corners = np.stack(
        [
            np.minimum(left, right),
            np.minimum(top, bottom),
            np.maximum(left, right),
            np.maximum(top, bottom),
        ],
        axis=1,
    )
    inside = np.clip(corners, 0.0, np.array([width, height, width, height], dtype=np.float64))
    clipped = (inside != corners).any(axis=1)
    return FromMonitor(
        boxes=np.concatenate([inside[:, :2], inside[:, 2:] - inside[:, :2]], axis=1),
        inverted=inverted,
        clipped=clipped,
    )


def to_monitor(boxes: ArrayLike) -> Floats:
    """Boxes `x y w h` in the monitor's wire form `[top, left, bottom, right]`."""
    x, y, w, h = as_boxes(boxes).T
    return np.stack([y, x, y + h, x + w], axis=1)


def polygon_box(points: ArrayLike) -> Floats:
    """The bounding box `x y w h` (4,) of a polygon's points (P, 2)."""
    vertices = _vertices(points)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return np.concatenate([low, high - low])


def polygon_area(points: ArrayLike) -> float:
    """Area of a polygon (P, 2) by the shoelace formula, whatever its direction; 0 for P < 3."""
    x, y = _vertices(points).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _vertices(points: ArrayLike) -> Floats:
    vertices = np.asarray(points, dtype=np.float64)
    if vertices.ndim != 2 or vertices.shape[1] != 2 or len(vertices) == 0:
        raise PolygonNotPairs(vertices.shape)
    return vertices


@dataclass(frozen=True)
class FromMonitor:
    """Converted boxes (N, 4) and, for each, whether it had to be changed (N,)."""

    boxes: Floats
    inverted: Flags
    clipped: Flags


class BoxesNotFourNumbers(ValueError):
    """A list of boxes in which not every box is four numbers."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(f"boxes must have the shape (N, 4), not {shape}")


class PolygonNotPairs(ValueError):
    """A polygon that is not a list of one or more pairs of numbers."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(f"a polygon must have the shape (P, 2) with P > 0, not {shape}")
