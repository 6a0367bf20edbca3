"""A world that a detector learns in seconds: coloured marks on grey, and a camera that darkens."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from sightloop.demo.world import Shot

WIDTH, HEIGHT = 192, 128
_COLOURS = {"disc": (220, 60, 40), "square": (40, 90, 220)}


class Marks:
    """One to four marks a picture, of two kinds."""

    name = "marks"
    labels = list(_COLOURS)
    parameters: dict[str, Any] = {"validate_every": 0, "jitter": 0.0}
    camera = 1.0

    def __init__(self, *, pictures: int = 24) -> None:
        self.pictures = pictures

    def training(self) -> Iterator[Shot]:
        for number in range(self.pictures):
            yield shot(number, changed=False, name=f"training-{number:04d}.png")

    def traffic(self, count: int, *, first: int, changed: bool) -> Iterator[Shot]:
        for number in range(first, first + count):
            yield shot(10_000 + number, changed=changed, name=f"traffic-{number:06d}.png")


def shot(number: int, *, changed: bool, name: str) -> Shot:
    """The picture of a number: the same whenever it is asked for."""
    rng = np.random.default_rng(number)
    grey = int(rng.integers(90, 170))
    image = Image.new("RGB", (WIDTH, HEIGHT), (grey, grey, grey))
    pen = ImageDraw.Draw(image)
    labels, boxes = [], []
    for column in range(int(rng.integers(1, 5))):
        label = str(rng.choice(list(_COLOURS)))
        side = int(rng.integers(26, 40))
        x, y = column * 48 + int(rng.integers(0, 48 - side)), int(rng.integers(0, HEIGHT - side))
        draw = pen.ellipse if label == "disc" else pen.rectangle
        draw([x, y, x + side, y + side], fill=_COLOURS[label])
        labels.append(label)
        boxes.append([float(x), float(y), float(side), float(side)])
    pixels = np.asarray(image, np.float32) + rng.normal(0, 4, (HEIGHT, WIDTH, 3))
    if changed:
        pixels = pixels * np.array([0.45, 0.4, 0.3]) + 10
    out = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(out, "PNG")
    return Shot(name, out.getvalue(), WIDTH, HEIGHT, labels, boxes)
