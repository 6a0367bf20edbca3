"""What each cell of the grid should say (TTFNet, Liu et al. 2019, with boxes as in FCOS)."""

from dataclasses import dataclass

import numpy as np

from services.trainer.recipes.base import FloatArray, IntArray
from services.trainer.recipes.detection.network import STRIDE

SPREAD = 0.10  # of the side
LEAST_SPREAD = 0.35  # of a cell
REGRESSED_ABOVE = 0.1


@dataclass(frozen=True, slots=True)
class Targets:
    """`heat` (h, w, C) in 0..1; `boxes` (h, w, 4) corners px; `weight` (h, w), 0 = none."""

    heat: FloatArray
    boxes: FloatArray
    weight: FloatArray


def cell_centres(height: int, width: int) -> tuple[FloatArray, FloatArray]:
    """Pixel coordinates of the cells' centres: x (w,), y (h,), of an input of that size."""
    x = (np.arange(width // STRIDE, dtype=np.float32) + 0.5) * STRIDE
    y = (np.arange(height // STRIDE, dtype=np.float32) + 0.5) * STRIDE
    return x, y


def targets(
    corners: FloatArray, classes: IntArray, *, size: tuple[int, int], labels: int
) -> Targets:
    """`corners`: (N, 4) x1 y1 x2 y2 px of the input; `size`: its height and width.

    A Gaussian per box with σ = max(.10·side, .35 cell), divided by its maximum over the grid, so
    that the nearest cell is exactly 1; the cell regresses the box of the highest weight.
    """
    height, width = size
    x, y = cell_centres(height, width)
    grid = (len(y), len(x))
    heat = np.zeros((*grid, labels), np.float32)
    if len(corners) == 0:
        return Targets(heat, np.zeros((*grid, 4), np.float32), np.zeros(grid, np.float32))
    along_x = _bell(x, corners[:, 0], corners[:, 2])
    along_y = _bell(y, corners[:, 1], corners[:, 3])
    weights = along_y[:, :, None] * along_x[:, None, :]
    for label in np.unique(classes):
        heat[:, :, label] = weights[classes == label].max(0)
    best = weights.argmax(0)
    weight = weights.max(0)
    weight[weight < REGRESSED_ABOVE] = 0
    return Targets(heat, corners[best].astype(np.float32), weight)


def _bell(cells: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    centre = (low + high)[:, None] / 2
    sigma = np.maximum(SPREAD * (high - low), LEAST_SPREAD * STRIDE)[:, None]
    exponent = -((cells[None, :] - centre) ** 2) / (2 * sigma**2)
    bell: FloatArray = np.exp(exponent - exponent.max(1, keepdims=True))
    return bell.astype(np.float32)
