"""Where the demo's pictures come from, and the truth about them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from libs.vision.images import decode_rgb
from sightloop.demo.scenes import LABELS, Split, camera_change, encoded, scene

Truth = dict[str, list[Any]]
_SEED = 7
# Numbers of pictures that are in no traffic.
HELD_BACK = 100_000


class BadWorld(Exception):
    """The pictures given to the demo cannot be used."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture and its truth: label names, and boxes x y w h in pixels."""

    filename: str
    content: bytes
    width: int
    height: int
    labels: list[str]
    boxes: list[list[float]]

    @property
    def shapes(self) -> Truth:
        """As a review says it."""
        return {"labels": self.labels, "boxes": self.boxes}


class World(Protocol):
    """Pictures to train on, and traffic that the training has not seen."""

    name: str
    labels: list[str]
    parameters: dict[str, Any]
    camera: float

    def training(self) -> Iterator[Shot]: ...

    def traffic(self, count: int, *, first: int, changed: bool) -> Iterator[Shot]:
        """`count` pictures from number `first` on, before or after the camera change."""


class Digits:
    """Scenes of handwritten digits; the demo's own."""

    name = "digits on a belt"
    labels = list(LABELS)
    # Digits have a way up.
    parameters: dict[str, Any] = {"flips": False, "quarter_turns": False}
    camera = 1.0
    pictures = 150

    def training(self) -> Iterator[Shot]:
        for number in range(self.pictures):
            yield self._shot(number, Split.TRAINING, changed=False)

    def traffic(self, count: int, *, first: int, changed: bool) -> Iterator[Shot]:
        for number in range(first, first + count):
            yield self._shot(number, Split.TRAFFIC, changed=changed)

    def _shot(self, number: int, split: Split, *, changed: bool) -> Shot:
        made = scene(number, seed=_SEED, split=split)
        rgb = camera_change(made.rgb, self.camera) if changed else made.rgb
        return Shot(
            filename=f"{split}-{number:05d}.jpg",
            content=encoded(rgb, "JPEG", quality=90),
            width=rgb.shape[1],
            height=rgb.shape[0],
            labels=[LABELS[index] for index in made.classes],
            boxes=made.boxes.tolist(),
        )


class CocoFolder:
    """A COCO data set: 45 % to train on, 42 % as traffic, again and again, the rest held back.

    Raises:
        BadWorld: a file is missing or is none, with its name.
    """

    camera = 0.6
    parameters: dict[str, Any] = {}

    def __init__(self, images: Path, annotations: Path) -> None:
        self.name = annotations.stem
        self._images = images
        try:
            document = json.loads(annotations.read_text())
            categories = sorted(document["categories"], key=lambda c: c["id"])
            entries = sorted(document["images"], key=lambda i: i["id"])
            drawn = document["annotations"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadWorld(f"{annotations} is no COCO file: {error}") from error
        self.labels = [str(category["name"]) for category in categories]
        named = {category["id"]: str(category["name"]) for category in categories}
        self._truth: dict[int, list[tuple[str, list[float]]]] = {i["id"]: [] for i in entries}
        for annotation in drawn:
            box = [float(value) for value in annotation["bbox"]]
            self._truth[annotation["image_id"]].append((named[annotation["category_id"]], box))
        order = np.random.default_rng(_SEED).permutation(len(entries))
        entries = [entries[index] for index in order]
        # A picture that the new model was trained on decides nothing: much traffic is needed.
        train, traffic = len(entries) * 45 // 100, len(entries) * 87 // 100
        self._train, self._rest = entries[:train], entries[train:traffic]
        self._held_back = entries[traffic:]
        if not self._train or not self._rest or not self._held_back:
            raise BadWorld(f"{annotations} has {len(entries)} images; the demo needs ten")

    def training(self) -> Iterator[Shot]:
        for entry in self._train:
            yield self._shot(entry, str(entry["file_name"]), changed=False)

    def traffic(self, count: int, *, first: int, changed: bool) -> Iterator[Shot]:
        for number in range(first, first + count):
            pictures = self._rest if number < HELD_BACK else self._held_back
            entry = pictures[number % len(pictures)]
            name = f"{number:05d}-{Path(str(entry['file_name'])).name}"
            yield self._shot(entry, name, changed=changed)

    def _shot(self, entry: dict[str, Any], filename: str, *, changed: bool) -> Shot:
        path = self._images / str(entry["file_name"])
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BadWorld(f"cannot read {path}: {error.strerror}") from error
        rgb = decode_rgb(content)
        if changed:
            content = encoded(camera_change(rgb, self.camera), "JPEG", quality=92)
        truth = self._truth[entry["id"]]
        return Shot(
            filename=Path(filename).name,
            content=content,
            width=rgb.shape[1],
            height=rgb.shape[0],
            labels=[label for label, _ in truth],
            boxes=[box for _, box in truth],
        )
