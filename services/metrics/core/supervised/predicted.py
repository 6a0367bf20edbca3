"""Boxes (or best classes) of images by column, with or without what reviews say of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.metrics.core.content import Side

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A prediction's own facts; None: not known."""

    side: Side
    outlier: float | None
    disagrees: bool | None


def predicted(images: Sequence[Image]) -> "Predicted":
    """By column, from what was counted of each image."""
    count = np.array([len(one.side.classes) for one in images], dtype=np.int64)
    return Predicted.of(
        image=np.repeat(np.arange(len(images)), count),
        label=np.array([c for one in images for c in one.side.classes], dtype=np.int64),
        score=np.array([s for one in images for s in one.side.scores], dtype=np.float64),
        outlier=np.array([_number(one.outlier) for one in images]),
        disagrees=np.array([_number(one.disagrees) for one in images]),
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


@dataclass(frozen=True)
class Predicted:
    """Images (N) and their boxes (B), image by image: which image, class and score.

    `features` (N, 4): box count, mean score, outlier score, disagreement; NaN: not known.
    """

    images: int
    image: Ints
    label: Ints
    score: Floats
    features: Floats

    @classmethod
    def of(
        cls, *, image: Ints, label: Ints, score: Floats, outlier: Floats, disagrees: Floats
    ) -> "Predicted":
        """`outlier` and `disagrees` (N,); boxes in any order."""
        n = len(outlier)
        order = np.argsort(image, kind="stable")
        image, label, score = image[order], label[order], score[order]
        count = np.bincount(image, minlength=n)
        with np.errstate(invalid="ignore"):
            mean = np.bincount(image, score, minlength=n) / count
        return cls(n, image, label, score, np.stack([count, mean, outlier, disagrees], axis=1))

    def part(self, images: slice) -> "Predicted":
        """Some consecutive images."""
        rows = self.rows(images)
        start, stop, _ = images.indices(self.images)
        return Predicted(
            stop - start,
            self.image[rows] - start,
            self.label[rows],
            self.score[rows],
            self.features[images],
        )

    def rows(self, images: slice) -> slice:
        """The boxes of consecutive images."""
        start, stop, _ = images.indices(self.images)
        first, last = np.searchsorted(self.image, [start, stop]).tolist()
        return slice(first, last)


@dataclass(frozen=True)
class Truth:
    """What reviews say: which boxes are right (B,); ground truths and weight 1/π of each image."""

    hits: NDArray[np.bool_]
    wanted: Floats
    weights: Floats

    def part(self, images: slice, boxes: Predicted) -> "Truth":
        """Of some consecutive images of `boxes`."""
        return Truth(self.hits[boxes.rows(images)], self.wanted[images], self.weights[images])
