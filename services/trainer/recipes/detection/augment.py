"""Random views of the training pictures: one affine warp and one colour table per view."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.trainer.recipes.base import FloatArray, IntArray, Item, RgbArray
from services.trainer.recipes.detection.parameters import DetectionParameters
from services.trainer.recipes.pictures import stretched

OVERSAMPLING = 1.25
LEAST_SHIFT = 0.05
LEAST_VISIBLE = 0.4
LEAST_SIDE = 2.0
GREY = (127, 127, 127)
MEMORY = 1 << 29


@dataclass(frozen=True, slots=True)
class View:
    """`pixels` (H, W, 3) and its boxes (N, 4) x1 y1 x2 y2 px of the input, classes (N,)."""

    pixels: RgbArray
    corners: FloatArray
    classes: IntArray


class Pictures:
    """Pictures at 1.25 × the input size: as many in memory as fit, the rest decoded each time."""

    def __init__(
        self, items: Sequence[Item], size: tuple[int, int], *, memory: int = MEMORY
    ) -> None:
        self._items = items
        self._size = (round(size[0] * OVERSAMPLING), round(size[1] * OVERSAMPLING))
        self._kept: dict[int, tuple[Any, FloatArray]] = {}
        self._most = memory // (self._size[0] * self._size[1] * 3)

    def __len__(self) -> int:
        return len(self._items)

    def read(self, index: int) -> tuple[Any, FloatArray, IntArray]:
        """(PIL image, corners (N, 4) in 0..1 of the picture, classes (N,))."""
        item = self._items[index]
        found = self._kept.get(index)
        if found is None:
            image, original = stretched(item.picture, self._size)
            found = image, unit_corners(item.boxes, original)
            if len(self._kept) < self._most:
                self._kept[index] = found
        return *found, np.asarray(item.classes, np.int64)


def unit_corners(boxes: FloatArray, size: tuple[int, int]) -> FloatArray:
    """x y w h px of a picture of `size` (w, h) → x1 y1 x2 y2 in 0..1, cut at its border."""
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)
    unit: FloatArray = np.clip(corners / np.array([*size, *size], np.float32), 0, 1)
    return unit


def view(
    image: Any,
    corners: FloatArray,
    classes: IntArray,
    *,
    parameters: DetectionParameters,
    rng: np.random.Generator,
) -> View:
    """One random view at the input size. `corners`: (N, 4) in 0..1 of `image`."""
    from PIL import Image  # noqa: PLC0415

    matrix, shift = _placement(image.size, parameters, rng)
    inverse = np.linalg.inv(matrix)
    offset = -inverse @ shift
    coefficients = (*inverse[0], offset[0], *inverse[1], offset[1])
    warped = image.transform(
        parameters.size,
        Image.Transform.AFFINE,
        coefficients,
        Image.Resampling.BILINEAR,
        fillcolor=GREY,
    )
    if parameters.jitter > 0:
        warped = warped.point(_colour_table(parameters.jitter, rng))
    placed, seen = _placed(
        corners * np.array([*image.size, *image.size], np.float32), matrix, shift
    )
    frame = np.array([*parameters.size, *parameters.size], np.float32)
    clipped = np.clip(placed, 0, frame)
    sides = clipped[:, 2:] - clipped[:, :2]
    keep = (sides.prod(1) >= LEAST_VISIBLE * seen) & (sides.min(1, initial=np.inf) >= LEAST_SIDE)
    return View(np.asarray(warped), clipped[keep].astype(np.float32), classes[keep])


def _placement(
    stored: tuple[int, int], parameters: DetectionParameters, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Matrix (2, 2) and shift (2,) from pixels of the stored picture to pixels of the view.

    Turns keep the shape of things: what leaves the frame is cut, what is missing is grey.
    """
    scale = rng.uniform(parameters.scale_min, parameters.scale_max)
    reach = max(abs(scale - 1) / 2, LEAST_SHIFT)
    jump = rng.uniform(-reach, reach, 2)
    mirror, turn = rng.integers(2), rng.integers(4)
    size = np.asarray(parameters.size, np.float64)
    matrix = np.diag(size / np.asarray(stored) * scale)
    if parameters.flips and mirror:
        matrix = np.diag([-1.0, 1.0]) @ matrix
    if parameters.quarter_turns:
        matrix = np.linalg.matrix_power(np.array([[0.0, -1.0], [1.0, 0.0]]), int(turn)) @ matrix
    elif parameters.flips and turn & 1:
        matrix = np.diag([1.0, -1.0]) @ matrix
    shift = size * (0.5 + jump) - matrix @ (np.asarray(stored) / 2)
    return matrix.astype(np.float32), shift.astype(np.float32)


def _placed(
    corners: FloatArray, matrix: FloatArray, shift: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Warped corners (N, 4), put in order, and their areas (N,)."""
    a = corners[:, :2] @ matrix.T + shift
    b = corners[:, 2:] @ matrix.T + shift
    low, high = np.minimum(a, b), np.maximum(a, b)
    return np.concatenate([low, high], 1), (high - low).prod(1)


def _colour_table(jitter: float, rng: np.random.Generator) -> list[int]:
    """768 entries: a gain common to the channels, one of each, and a shift of the dark end."""
    common = rng.uniform(1 - jitter, 1 + jitter)
    gains = rng.uniform(1 - jitter / 2, 1 + jitter / 2, 3) * common
    shift = rng.uniform(-jitter, jitter) * 64
    table = np.arange(256)[None, :] * gains[:, None] + shift
    return [int(value) for value in np.clip(np.rint(table), 0, 255).ravel()]
