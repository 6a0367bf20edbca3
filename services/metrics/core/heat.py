"""Heat maps: how much of each cell of a 32 × 32 grid of the unit image boxes have covered.

Covered area is counted in whole numbers, `ONE` for a whole cell, so that a deleted prediction is
subtracted exactly. Sides are rounded to a 256th of a cell.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from libs.vision.boxes import as_boxes

GRID = 32
ONE = 1 << 16

_KINDS = ("<u2", "<u4")
_BY_WIDTH = {np.dtype(kind).itemsize: kind for kind in _KINDS}
_STEPS = 256
_ENDS = GRID + 2
_FINE = 8

Grid = NDArray[np.int64]


def heat(boxes: ArrayLike, *, width: float, height: float) -> Grid:
    """Covered area of boxes `x y w h` (N, 4) by cell, row by column: (32, 32)."""
    x, y, w, h = as_boxes(boxes).T
    across = _covered(x / width, (x + w) / width)
    down = _covered(y / height, (y + h) / height)
    grid: Grid = down.T @ across
    return grid


def heat_by_label(boxes: ArrayLike, labels: NDArray[np.int64]) -> dict[int, Grid]:
    """`heat` of the boxes of each label, on the unit image: no loop over boxes or labels.

    What an interval covers of the cells is, summed from the right, four numbers: at each end the
    part of a cell, and beside it the rest. A box is sixteen (summed-area tables: Crow, 1984).
    """
    x, y, w, h = as_boxes(boxes).T
    found, of = np.unique(labels, return_inverse=True)
    across, at_x = _ends(x, x + w)
    down, at_y = _ends(y, y + h)
    at = (of[:, None, None] * _ENDS + at_y[:, :, None]) * _ENDS + at_x[:, None, :]
    weights = down[:, :, None] * across[:, None, :]
    # Doubles hold these whole numbers exactly.
    points = np.bincount(at.ravel(), weights.ravel(), minlength=len(found) * _ENDS**2)
    turned = points.reshape(-1, _ENDS, _ENDS)[:, ::-1, ::-1]
    summed = turned.cumsum(axis=1).cumsum(axis=2)[:, ::-1, ::-1]
    grids = summed[:, 1 : GRID + 1, 1 : GRID + 1].astype(np.int64)
    return dict(zip(found.tolist(), grids, strict=True))


def heat_of_polygon(points: ArrayLike, *, width: float, height: float) -> Grid:
    """Covered area of one polygon (P, 2) by cell, drawn on a grid eight times as fine."""
    from PIL import Image, ImageDraw  # noqa: PLC0415

    side = GRID * _FINE
    scaled = np.asarray(points, dtype=np.float64) * [side / width, side / height]
    canvas = Image.new("L", (side, side))
    ImageDraw.Draw(canvas).polygon([(float(x), float(y)) for x, y in scaled], fill=1)
    fine = np.asarray(canvas, dtype=np.int64).reshape(GRID, _FINE, GRID, _FINE)
    grid: Grid = fine.sum(axis=(1, 3)) * (ONE // _FINE**2)
    return grid


def pack(grid: Grid) -> bytes:
    """The grid in the narrowest whole numbers that hold it; PostgreSQL compresses what is stored.

    A chart reads hundreds: unpacking takes 2 µs, where inflating took 35.
    """
    most = int(grid.max())
    kind = next((k for k in _KINDS if int(grid.min()) >= 0 and most <= np.iinfo(k).max), "<i8")
    return grid.astype(kind).tobytes()


def unpack(packed: bytes) -> Grid:
    """The grid that `pack` made."""
    kind = _BY_WIDTH.get(len(packed) // GRID**2, "<i8")
    return np.frombuffer(packed, dtype=kind).reshape(GRID, GRID).astype(np.int64)


def summed(packed: Iterable[tuple[int, bytes]]) -> dict[int, Grid]:
    """The sum of packed grids by label: those of one label and width in one go."""
    grouped: dict[tuple[int, int], list[bytes]] = {}
    for label, grid in packed:
        grouped.setdefault((label, len(grid)), []).append(grid)
    found: dict[int, Grid] = {}
    for (label, length), some in grouped.items():
        kind = _BY_WIDTH.get(length // GRID**2, "<i8")
        joined = np.frombuffer(b"".join(some), dtype=kind).reshape(len(some), GRID**2)
        total: Grid = joined.sum(axis=0, dtype=np.int64).reshape(GRID, GRID)
        found[label] = found[label] + total if label in found else total
    return found


def total(sums: Iterable[Mapping[int, Grid]]) -> dict[int, Grid]:
    """The sum of grids by label of several spans."""
    found: dict[int, Grid] = {}
    for some in sums:
        for label, grid in some.items():
            found[label] = found[label] + grid if label in found else grid
    return found


def _ends(
    low: NDArray[np.float64], high: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Weights and places (N, 4) whose sums from the right are `_covered`; place 0 is outside."""
    edges = _steps(low, high)
    cell, part = edges // _STEPS, (edges % _STEPS).astype(np.float64)
    (low_cell, high_cell), (low_part, high_part) = cell, part
    weights = [high_part, _STEPS - high_part, -low_part, low_part - _STEPS]
    places = [high_cell + 1, high_cell, low_cell + 1, low_cell]
    return np.stack(weights, axis=1), np.stack(places, axis=1)


def _steps(low: NDArray[np.float64], high: NDArray[np.float64]) -> Grid:
    """Both ends in 256ths of a cell of the unit: (2, N)."""
    steps: Grid = np.rint(np.clip(np.stack([low, high]), 0, 1) * (GRID * _STEPS)).astype(np.int64)
    return steps


def _covered(low: NDArray[np.float64], high: NDArray[np.float64]) -> Grid:
    """256ths of each of 32 cells that the intervals [low, high] of the unit cover: (N, 32)."""
    edges = _steps(low, high)
    cells = np.arange(GRID) * _STEPS
    low_steps, high_steps = edges[:, :, None]
    covered: Grid = np.clip(high_steps - cells, 0, _STEPS) - np.clip(low_steps - cells, 0, _STEPS)
    return covered
