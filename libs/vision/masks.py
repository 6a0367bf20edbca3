"""Masks of polygons, drawn and compared as the COCO tools do.

A mask is the ascending positions (column by column: `x·height + y`) at which it begins or ends:
pixels after an odd number of them are inside. That is COCO's run-length code, summed up. A polygon
is drawn at five times its size and read at each column's middle, so that masks, their areas and
their IoU equal those of `pycocotools.mask` to the last bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from libs.vision.boxes import Floats, PolygonNotPairs, polygon_box

Ints = NDArray[np.int64]
Polygon = Sequence[Sequence[float]] | NDArray[np.float64]

_FINE = 5
_MIDDLE = 2
_MOST_CROSSED = 4_000_000  # columns that all edges together may cross: 32 MB
_MOST_COMPARED = 200_000_000  # ends of one mask looked up in another: some ten seconds


def masks(polygons: Sequence[Polygon], *, width: int, height: int) -> list[Ints]:
    """The mask of each polygon, even-odd where it crosses itself, on a picture of that size."""
    return [_drawn(_vertices(ring), width=width, height=height) for ring in polygons]


def compared(
    found: Sequence[Polygon], truths: Sequence[Polygon], *, width: int, height: int
) -> "Compared":
    """IoU of every polygon found with every true one, by their masks, and the masks' areas.

    Polygons so many and so large that drawing them would take minutes are drawn smaller.
    """
    ours, theirs = [_vertices(ring) for ring in found], [_vertices(ring) for ring in truths]
    meet = _boxes_meet(ours, theirs)
    scale = _scale(ours, theirs, meet)
    w, h = max(round(width * scale), 1), max(round(height * scale), 1)
    drawn, wanted = (
        [_drawn(ring * scale, width=w, height=h) for ring in rings] for rings in (ours, theirs)
    )
    areas, true_areas = mask_areas(drawn), mask_areas(wanted)
    overlap = np.zeros(meet.shape)
    for g, truth in enumerate(wanted):
        near = np.flatnonzero(meet[:, g])
        shared = _intersections([drawn[d] for d in near.tolist()], truth)
        union = areas[near] + true_areas[g] - shared
        np.divide(shared, union, out=shared, where=shared > 0)
        overlap[near, g] = shared
    return Compared(overlap, areas / scale**2, true_areas / scale**2)


def mask_areas(of: Sequence[Ints]) -> Floats:
    """How many pixels each mask covers (N,)."""
    return np.array([(ends[1::2] - ends[::2]).sum() for ends in of], dtype=np.float64)


def _drawn(ring: Floats, *, width: int, height: int) -> Ints:
    """Where the mask of a polygon (P, 2) begins and ends, in pairs.

    Each edge goes, at five times the size, in whole steps along its longer side. Where a step
    leaves the middle of a column of pixels, the mask turns over at the upper end of the step.
    """
    start = np.trunc(ring * _FINE + 0.5).astype(np.int64)
    end = np.roll(start, -1, axis=0)
    turn = ((end < start) & _longer(np.abs(end - start))).any(axis=1).reshape(-1, 1)
    start, end = np.where(turn, end, start), np.where(turn, start, end)
    columns, edge = _columns_crossed(start[:, 0], end[:, 0])
    start, end = start[edge], end[edge]
    low, high = _heights(start, end, columns * _FINE + _MIDDLE)
    y = (np.minimum(low, high) + 0.5) / _FINE - 0.5
    rows = np.ceil(np.clip(y, 0, height)).astype(np.int64)
    inside = (columns >= 0) & (columns < width)
    ends = np.sort(columns[inside] * height + rows[inside])
    ends = np.concatenate([ends, [width * height]]) if len(ends) % 2 else ends
    return _without_empty_runs(ends)


def _longer(sides: Ints) -> NDArray[np.bool_]:
    """Which of an edge's two sides it goes along in whole steps: (P, 2)."""
    flat = sides[:, 0] >= sides[:, 1]
    return np.stack([flat, ~flat], axis=1)


def _columns_crossed(from_x: Ints, to_x: Ints) -> tuple[Ints, Ints]:
    """The columns whose middle each edge leaves, one after the other, and whose edge each is.

    A middle m is left between m and m + 1.
    """
    low, high = np.minimum(from_x, to_x), np.maximum(from_x, to_x)
    first = -((_MIDDLE - low) // _FINE)
    count = np.maximum((high - 1 - _MIDDLE) // _FINE - first + 1, 0)
    edge = np.repeat(np.arange(len(low)), count)
    before = np.cumsum(count) - count
    return first[edge] + np.arange(len(edge)) - before[edge], edge


def _heights(start: Ints, end: Ints, middle: Ints) -> tuple[Ints, Ints]:
    """The heights of each edge's points before and after it leaves a column's `middle`."""
    (xs, ys), (xe, ye) = start.T, end.T
    dx, dy = np.abs(xe - xs), np.abs(ye - ys)
    flat = dx >= dy
    slope = np.where(flat, ye - ys, xe - xs) / np.maximum(np.where(flat, dx, dy), 1)

    def point(at: Ints, step: Ints) -> Ints:
        whole: Ints = np.trunc(at + slope * step + 0.5).astype(np.int64)
        return whole

    # Steep: the step at which x passes from one side of the middle to the other; the division
    # may be off by one.
    rising = xe > xs
    steep = np.where(flat, 1.0, slope)
    step = np.ceil((middle + 0.5 - xs) / np.where(steep == 0, 1.0, steep)).astype(np.int64)
    step = np.clip(step - 1, 1, np.maximum(dy, 1))
    for _ in range(3):
        x = point(xs, step)
        passed = np.where(rising, x > middle, x <= middle)
        step += ~passed & (step < dy)
    low = np.where(flat, point(ys, middle - xs), ys + step - 1)
    high = np.where(flat, point(ys, middle + 1 - xs), ys + step)
    return low, high


def _without_empty_runs(ends: Ints) -> Ints:
    """Ends that come twice cancel out."""
    values, count = np.unique(ends, return_counts=True)
    once: Ints = values[count % 2 == 1]
    return once


def _intersections(some: Sequence[Ints], truth: Ints) -> Floats:
    """How many pixels each mask shares with `truth` (N,)."""
    lengths = np.array([len(ends) for ends in some], dtype=np.int64)
    shared = np.zeros(len(some))
    if not lengths.sum() or not len(truth):
        return shared
    ends = np.concatenate(some)
    before = np.concatenate([[0], np.cumsum(truth[1::2] - truth[::2])])
    at = np.searchsorted(truth, ends, side="right")
    covered = before[at // 2] + np.where(at % 2, ends - truth[np.maximum(at - 1, 0)], 0)
    signed = np.where(np.arange(len(ends)) % 2, covered, -covered).astype(np.float64)
    filled = np.flatnonzero(lengths)
    shared[filled] = np.add.reduceat(signed, (np.cumsum(lengths) - lengths)[filled])
    return shared


def _boxes_meet(ours: Sequence[Floats], theirs: Sequence[Floats]) -> NDArray[np.bool_]:
    """Whether bounding boxes come within a pixel of one another: (N, M)."""
    a, b = (
        np.array([polygon_box(ring) for ring in rings]).reshape(-1, 4) for rings in (ours, theirs)
    )
    meet = np.ones((len(a), len(b)), dtype=bool)
    for axis in (0, 1):
        low_a, low_b = a[:, axis, None], b[None, :, axis]
        high_a, high_b = low_a + a[:, axis + 2, None], low_b + b[None, :, axis + 2]
        meet &= (low_a <= high_b + 1) & (low_b <= high_a + 1)
    return meet


def _scale(ours: Sequence[Floats], theirs: Sequence[Floats], meet: NDArray[np.bool_]) -> float:
    """1, or how much smaller masks are drawn so that drawing and comparing end in time."""
    a, b = (
        np.array([np.abs(np.diff(ring[:, 0], append=ring[:1, 0])).sum() for ring in rings])
        for rings in (ours, theirs)
    )
    crossed, compared_ = a.sum() + b.sum(), float((a @ meet).sum()) if meet.size else 0.0
    return float(min(1.0, _MOST_CROSSED / max(crossed, 1.0), _MOST_COMPARED / max(compared_, 1.0)))


def _vertices(ring: ArrayLike) -> Floats:
    vertices = np.asarray(ring, dtype=np.float64)
    if vertices.ndim != 2 or vertices.shape[1] != 2 or len(vertices) == 0:
        raise PolygonNotPairs(vertices.shape)
    return vertices


@dataclass(frozen=True)
class Compared:
    """`overlap` (N, M); areas of what was found (N,) and of what is true (M,), in pixels."""

    overlap: Floats
    areas: Floats
    true_areas: Floats
