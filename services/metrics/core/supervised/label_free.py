"""Precision, recall and F1 (or accuracy) before any label, from scores calibrated on reviews.

`p_i = P(box i is a true positive at IoU .5)` is isotonic in the score, by class, fitted to earlier
reviewed images with weights 1/π. At a threshold τ the expected precision is
`Σ_{s≥τ} p / #{s≥τ}`, recall `Σ_{s≥τ} p / (Σ p + M)`, M the misses: of each image, by ridge
regression, at least 0. The estimate is tested backwards: each window of 100 reviewed images as it
would have been estimated from those before it. It is blind to a change of what boxes of a score
are (concept shift) until reviews show it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.metrics.core.supervised.predicted import Predicted, Truth

Floats = NDArray[np.float64]

WINDOW = 100
LEAST = 200
MOST = 2000
LEAST_BOXES = 100
LEAST_ERRORS, MOST_ERRORS = 19, 39
LATEST = 5
LIMIT = 0.05
SWEEP = np.linspace(0.0, 1.0, 101)

_RIDGE = 1.0


def fit(boxes: Predicted, truth: Truth) -> "Calibrated":
    """Curves of score to chance by class, and misses by an image's features.

    Classes with fewer than 100 boxes share the curve of all.
    """
    weights = truth.weights[boxes.image]
    hits = truth.hits.astype(np.float64)
    everything = _isotonic(boxes.score, hits, weights)
    of_label: dict[int, Curve] = {}
    for label in np.unique(boxes.label).tolist():
        mine = boxes.label == label
        if np.count_nonzero(mine) >= LEAST_BOXES:
            of_label[label] = _isotonic(boxes.score[mine], hits[mine], weights[mine])
    found = np.bincount(boxes.image, hits, minlength=boxes.images)
    return Calibrated(everything, of_label, _ridge(boxes.features, truth.wanted - found, truth))


def estimate(model: "Calibrated", boxes: Predicted, weights: Floats, thresholds: Floats) -> Floats:
    """Expected precision, recall and F1 of images with weights at thresholds (T,): (T, 3)."""
    of_box = weights[boxes.image]
    chance = model.chances(boxes) * of_box
    wanted = chance.sum() + float(weights @ model.misses(boxes.features))
    return _ratios(boxes.score, chance, of_box, wanted, thresholds)


def realised(boxes: Predicted, truth: Truth, thresholds: Floats) -> Floats:
    """What reviews say of the same: the production estimate (T, 3)."""
    of_box = truth.weights[boxes.image]
    wanted = float(truth.weights @ truth.wanted)
    return _ratios(boxes.score, truth.hits * of_box, of_box, wanted, thresholds)


def tested(boxes: Predicted, truth: Truth, threshold: float) -> "Tested":
    """The estimate of each whole window of the reviewed images, in their order, from the at most
    2,000 before it, and what reviews then said: the last 39 windows."""
    at = np.array([threshold])
    windows = range(LEAST, boxes.images - WINDOW + 1, WINDOW)[-MOST_ERRORS:]
    said, seen = np.full((len(windows), 3), np.nan), np.full((len(windows), 3), np.nan)
    for row, start in enumerate(windows):
        before, now = slice(max(start - MOST, 0), start), slice(start, start + WINDOW)
        model = fit(boxes.part(before), truth.part(before, boxes))
        mine, its = boxes.part(now), truth.part(now, boxes)
        said[row] = estimate(model, mine, its.weights, at)[0]
        seen[row] = realised(mine, its, at)[0]
    return Tested(np.array([start + WINDOW - 1 for start in windows], dtype=np.int64), said, seen)


def _ratios(
    scores: Floats, hits: Floats, of_box: Floats, wanted: float, thresholds: Floats
) -> Floats:
    order = np.argsort(-scores, kind="stable")
    shown = np.searchsorted(-scores[order], -thresholds, side="right")
    tp = np.concatenate([[0.0], np.cumsum(hits[order])])[shown]
    boxes = np.concatenate([[0.0], np.cumsum(of_box[order])])[shown]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([tp / boxes, tp / wanted, 2 * tp / (boxes + wanted)], axis=1)


def _isotonic(scores: Floats, hits: Floats, weights: Floats) -> "Curve":
    """The non-decreasing step function of least squares (Barlow et al. 1972), by equal scores."""
    from scipy.optimize import isotonic_regression  # noqa: PLC0415

    at, index = np.unique(scores, return_inverse=True)
    if not len(at):
        return Curve(np.zeros(1), np.zeros(1))
    total = np.bincount(index, weights)
    mean = np.bincount(index, weights * hits) / total
    fitted = isotonic_regression(mean, weights=total)
    return Curve(at, np.asarray(fitted.x, dtype=np.float64))


def _ridge(features: Floats, misses: Floats, truth: Truth) -> "Misses":
    """Weighted ridge regression on standardised features; what is not known is the mean."""
    w = truth.weights / truth.weights.mean()
    known = ~np.isnan(features)
    total = np.maximum((w[:, None] * known).sum(axis=0), 1e-12)
    filled = np.where(known, features, 0.0)
    mean = (w[:, None] * filled).sum(axis=0) / total
    spread = np.sqrt((w[:, None] * known * (filled - mean) ** 2).sum(axis=0) / total)
    scale = np.where(spread > 0, spread, 1.0)
    x = np.where(known, (features - mean) / scale, 0.0)
    level = float((w @ misses) / w.sum())
    gram = (x * w[:, None]).T @ x + _RIDGE * np.eye(x.shape[1])
    slopes = np.linalg.solve(gram, (x * w[:, None]).T @ (misses - level))
    return Misses(mean, scale, level, slopes)


@dataclass(frozen=True)
class Curve:
    """Chance by score: straight between the scores seen, level beyond them."""

    scores: Floats
    chances: Floats

    def at(self, scores: Floats) -> Floats:
        return np.interp(scores, self.scores, self.chances)


@dataclass(frozen=True)
class Misses:
    """`level + x·slopes` of features standardised by `mean` and `scale`, at least 0."""

    mean: Floats
    scale: Floats
    level: float
    slopes: Floats

    def of(self, features: Floats) -> Floats:
        x = np.where(np.isnan(features), 0.0, (features - self.mean) / self.scale)
        found: Floats = np.maximum(self.level + x @ self.slopes, 0.0)
        return found


@dataclass(frozen=True)
class Calibrated:
    """What earlier reviews say of scores and misses."""

    everything: Curve
    of_label: dict[int, Curve]
    missed: Misses

    def chances(self, boxes: Predicted) -> Floats:
        """`P(true positive)` of each box (B,)."""
        found = self.everything.at(boxes.score)
        for label, curve in self.of_label.items():
            mine = boxes.label == label
            found[mine] = curve.at(boxes.score[mine])
        return found

    def misses(self, features: Floats) -> Floats:
        """Expected missed ground truths of each image (N,)."""
        return self.missed.of(features)


@dataclass(frozen=True)
class Tested:
    """Back-test windows (K): the image each ends with, what was estimated and what reviews said,
    precision, recall and F1 each (K, 3), NaN where undefined."""

    ends: NDArray[np.int64]
    said: Floats
    seen: Floats

    def errors(self, number: int) -> Floats:
        """|estimate − realised| of a number, oldest first; windows without either left out."""
        found = np.abs(self.said[:, number] - self.seen[:, number])
        known: Floats = found[~np.isnan(found)]
        return known

    def half_width(self, number: int) -> float | None:
        """Of the 95 % interval: the ⌈.95 (K + 1)⌉-th smallest of K ≥ 19 errors; fewer: None."""
        errors = np.sort(self.errors(number))
        k = len(errors)
        return float(errors[-(-19 * (k + 1) // 20) - 1]) if k >= LEAST_ERRORS else None

    def latest(self, number: int) -> float | None:
        """The mean of the last five errors; None with fewer."""
        errors = self.errors(number)[-LATEST:]
        return float(errors.mean()) if len(errors) == LATEST else None
