"""The demo's own pixels: real handwritten digits on a pale belt, and a camera that changes.

The digits are the 1,797 of scikit-learn, 8 × 8 grey values each; the belt is cut from its two
bundled photographs. Nothing is downloaded and nothing lies in the repository. A scene depends on
its seed, split and number only.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 480
LABELS = tuple(str(digit) for digit in range(10))
FEWEST, MOST = 4, 14
SIDES = (44, 88)
TURN = 20.0
NOISE = 6.0
NOISE_MARGIN = 256
PALE = 0.72  # share of white in the belt
BRIM = 0.25  # ink above this share belongs to the box
CROWDING = 0.04  # of a digit that may lie under another
NETWORK_WIDTH = 256

RgbArray = NDArray[np.uint8]


class Split(StrEnum):
    """Which digits and seeds a scene draws from: those of traffic are in no training scene."""

    TRAINING = "training"
    TRAFFIC = "traffic"


@dataclass(frozen=True, slots=True)
class Scene:
    """`rgb` (480, 640, 3); `boxes` (N, 4) x y w h in pixels; `classes` (N,), the digits."""

    rgb: RgbArray
    boxes: NDArray[np.float64]
    classes: NDArray[np.int64]

    def jpeg(self, quality: int = 90) -> bytes:
        return encoded(self.rgb, "JPEG", quality=quality)

    def png(self) -> bytes:
        return encoded(self.rgb, "PNG", compress_level=1)


def encoded(rgb: RgbArray, kind: str, **options: int) -> bytes:
    """The picture as a file's bytes."""
    from PIL import Image  # noqa: PLC0415

    out = io.BytesIO()
    Image.fromarray(rgb).save(out, kind, **options)
    return out.getvalue()


def scenes(count: int, *, seed: int, split: Split, first: int = 0) -> Iterator[Scene]:
    """Scenes `first` to `first + count − 1`, made one at a time."""
    for number in range(first, first + count):
        yield scene(number, seed=seed, split=split)


def scene(number: int, *, seed: int, split: Split) -> Scene:
    """One scene: 4 to 14 digits, turned by up to 20°, of 44 to 88 px, in coloured ink."""
    rng = np.random.default_rng([seed, list(Split).index(split), number])
    canvas = _belt(rng)
    glyphs, values = _digits(split)
    boxes: list[tuple[int, int, int, int]] = []
    classes: list[int] = []
    for _ in range(int(rng.integers(FEWEST, MOST + 1))):
        chosen = int(rng.integers(len(glyphs)))
        ink = _turned(glyphs[chosen], int(rng.integers(*SIDES)), rng.uniform(-TURN, TURN))
        place = _free_place(ink.shape, boxes, rng)
        if place is None:
            continue
        x, y = place
        colour = rng.integers(0, 110, 3).astype(np.float32)
        area = canvas[y : y + ink.shape[0], x : x + ink.shape[1]]
        area += (colour - area) * (ink[:, :, None] * rng.uniform(0.75, 1.0))
        boxes.append((x, y, ink.shape[1], ink.shape[0]))
        classes.append(int(values[chosen]))
    down, right = rng.integers(NOISE_MARGIN, size=2)
    canvas += _noise()[down : down + HEIGHT, right : right + WIDTH]
    rgb = np.clip(canvas, 0, 255, out=canvas).astype(np.uint8)
    return Scene(rgb, np.array(boxes, np.float64).reshape(-1, 4), np.array(classes, np.int64))


def camera_change(rgb: RgbArray, k: float) -> RgbArray:
    """The same picture through another camera; `k` = 0 is none, 1 the full change.

    Brightness × (1 − .45k), red × (1 + .12k), blue × (1 − .25k), and a Gaussian blur of .5k pixels
    at the width the network sees.
    """
    from PIL import Image, ImageFilter  # noqa: PLC0415

    gains = (1 - 0.45 * k) * np.array([1 + 0.12 * k, 1.0, 1 - 0.25 * k])
    table = np.clip(np.rint(np.arange(256)[None, :] * gains[:, None]), 0, 255).astype(int)
    image = Image.fromarray(rgb).point([int(value) for value in table.ravel()])
    radius = 0.5 * k * rgb.shape[1] / NETWORK_WIDTH
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)) if radius > 0 else image)


@cache
def _photographs() -> tuple[Any, ...]:
    from PIL import Image  # noqa: PLC0415
    from sklearn.datasets import load_sample_images  # noqa: PLC0415

    return tuple(Image.fromarray(picture) for picture in load_sample_images().images)


@cache
def _noise() -> NDArray[np.float32]:
    """A field of Gaussian noise larger than a scene, plus the half that rounds.

    Scenes take a crop at random: drawing it anew each time is two thirds of a scene's cost.
    """
    rng = np.random.default_rng(0)
    shape = (HEIGHT + NOISE_MARGIN, WIDTH + NOISE_MARGIN, 3)
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(NOISE) + np.float32(0.5)


@cache
def _digits(split: Split) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(N, 8, 8) ink in 0..1 and their values; every second digit is kept for traffic."""
    from sklearn.datasets import load_digits  # noqa: PLC0415

    bundle = load_digits()
    half = slice(list(Split).index(split), None, 2)
    return (bundle.images[half] / 16).astype(np.float32), bundle.target[half].astype(np.int64)


def _belt(rng: np.random.Generator) -> NDArray[np.float32]:
    """A crop of a photograph, faded: (480, 640, 3), float."""
    from PIL import Image  # noqa: PLC0415

    photograph = _photographs()[int(rng.integers(2))]
    width = int(rng.integers(240, 520))
    height = width * HEIGHT // WIDTH
    left = int(rng.integers(photograph.width - width + 1))
    top = int(rng.integers(photograph.height - height + 1))
    crop = photograph.resize(
        (WIDTH, HEIGHT), Image.Resampling.BILINEAR, (left, top, left + width, top + height)
    )
    white = np.float32(rng.uniform(200, 250))
    faded: NDArray[np.float32] = np.asarray(crop, np.float32) * np.float32(1 - PALE)
    faded += white * np.float32(PALE)
    return faded


def _turned(glyph: NDArray[np.float32], side: int, degrees: float) -> NDArray[np.float32]:
    """Ink in 0..1 of a digit `side` pixels high before turning, cut to its edges."""
    from PIL import Image  # noqa: PLC0415

    image = Image.fromarray(np.pad((glyph * 255).astype(np.uint8), 1))
    full = side * 10 // 8
    image = image.resize((full, full), Image.Resampling.BICUBIC)
    ink = np.asarray(image.rotate(degrees, Image.Resampling.BILINEAR), np.float32)
    ink = ink / np.float32(255)
    rows, columns = np.flatnonzero((ink > BRIM).any(1)), np.flatnonzero((ink > BRIM).any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _free_place(
    shape: tuple[int, ...], boxes: list[tuple[int, int, int, int]], rng: np.random.Generator
) -> tuple[int, int] | None:
    """A corner where the digit covers next to nothing of another; None after thirty tries."""
    height, width = shape[:2]
    others = np.array(boxes, np.float64).reshape(-1, 4)
    for _ in range(30):
        x, y = int(rng.integers(WIDTH - width + 1)), int(rng.integers(HEIGHT - height + 1))
        across = np.minimum(x + width, others[:, 0] + others[:, 2]) - np.maximum(x, others[:, 0])
        down = np.minimum(y + height, others[:, 1] + others[:, 3]) - np.maximum(y, others[:, 1])
        covered = np.maximum(across, 0) * np.maximum(down, 0)
        if (covered <= CROWDING * width * height).all():
            return x, y
    return None
