"""Confusion matrix and what follows from it: support, precision, recall, F1, their means."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LabelScore:
    """One label's scores; a ratio of 0/0 is None. `support`: reviewed images with the label."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class Confusion:
    """`counts[i, j]`: images predicted as `classes[i]` and reviewed as `classes[j]`.

    `unanswered` (C,): images of each reviewed class that the model gave no answer for.
    """

    classes: tuple[int, ...]
    counts: Ints
    unanswered: Ints

    @classmethod
    def of(cls, pairs: Sequence[tuple[int, int | None]]) -> "Confusion":
        """From (reviewed, predicted) class indices; None: no answer."""
        classes = sorted({c for pair in pairs for c in pair if c is not None})
        size = len(classes)
        truth = np.searchsorted(classes, [t for t, p in pairs if p is not None]).astype(np.int64)
        said = np.searchsorted(classes, [p for _, p in pairs if p is not None]).astype(np.int64)
        silent = np.searchsorted(classes, [t for t, p in pairs if p is None]).astype(np.int64)
        counts = np.bincount(said * size + truth, minlength=size**2).reshape(size, size)
        return cls(tuple(classes), counts, np.bincount(silent, minlength=size))

    @property
    def support(self) -> Ints:
        """Reviewed images of each class (C,)."""
        total: Ints = self.counts.sum(axis=0) + self.unanswered
        return total

    def accuracy(self) -> float | None:
        """Share of images whose predicted class is the reviewed one; None without images."""
        return _ratio(int(np.trace(self.counts)), int(self.support.sum()))

    def per_label(self) -> list[LabelScore]:
        """Scores of each of `classes`."""
        right = np.diag(self.counts).tolist()
        predicted = self.counts.sum(axis=1).tolist()
        return [
            LabelScore(_ratio(tp, p), _ratio(tp, s), _ratio(2 * tp, p + s), s)
            for tp, p, s in zip(right, predicted, self.support.tolist(), strict=True)
        ]

    def macro_f1(self) -> float | None:
        """The mean of the labels' F1, where 0/0 counts 0; None without labels."""
        scores = [score.f1 or 0.0 for score in self.per_label()]
        return float(np.mean(scores)) if scores else None

    def weighted_f1(self) -> float | None:
        """The mean weighted by support; None without images."""
        weight = int(self.support.sum())
        total = sum((score.f1 or 0.0) * score.support for score in self.per_label())
        return total / weight if weight else None


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
