"""A detector's reviewed images by column: what each adds, and what follows for any weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from libs.vision.ap import RECALL_POINTS, ranked
from libs.vision.state import IOU_THRESHOLDS, RECORD, Columns

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_AT_HALF = np.uint64(1)  # the bit of all areas and IoU 0.5
_SLACK = 1e-9
CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Detections:
    """Reviewed images (N) at a score threshold; boxes of `classes` labels.

    `image`, `truth_image`: which image each detection, and each record of ground truths, is of.
    """

    images: int
    classes: int
    threshold: float
    columns: Columns
    image: Ints
    truth_image: Ints

    @classmethod
    def of(cls, states: Sequence[bytes], *, classes: int, threshold: float) -> "Detections":
        """From the packed states of each image, in the order of their ids."""
        columns = Columns.of(b"".join(states))
        lengths = np.array([len(state) for state in states], dtype=np.int64) // RECORD.itemsize
        of_record = np.repeat(np.arange(len(states)), lengths)
        return cls(
            len(states),
            classes,
            threshold,
            columns,
            of_record[columns.at],
            of_record[columns.truths_at],
        )

    @cached_property
    def hit(self) -> NDArray[np.bool_]:
        """Detections that match at IoU 0.5, of whatever score."""
        return (self.columns.tp & _AT_HALF).astype(bool)

    @cached_property
    def counted(self) -> NDArray[np.bool_]:
        """Detections that are not left out of the count at IoU 0.5, of whatever score."""
        counted: NDArray[np.bool_] = self.columns.ignored & _AT_HALF == 0
        return counted

    @cached_property
    def of_image(self) -> Floats:
        """True positives, detections and ground truths of each image at the threshold: (N, 3)."""
        shown = self.counted & (self.columns.scores >= self.threshold)
        return np.stack(
            [
                np.bincount(self.image[shown & self.hit], minlength=self.images),
                np.bincount(self.image[shown], minlength=self.images),
                np.bincount(self.truth_image, self.columns.truths[:, 0], minlength=self.images),
            ],
            axis=1,
        ).astype(np.float64)

    @cached_property
    def of_class(self) -> Ints:
        """True positives, detections and ground truths of each class: (classes, 3)."""
        shown = self.counted & (self.columns.scores >= self.threshold)
        labels, wanted = self.columns.classes, self.columns.truth_classes
        return np.stack(
            [
                np.bincount(labels[shown & self.hit], minlength=self.classes),
                np.bincount(labels[shown], minlength=self.classes),
                np.bincount(wanted, self.columns.truths[:, 0], minlength=self.classes),
            ],
            axis=1,
        ).astype(np.int64)

    @cached_property
    def image_f1(self) -> Floats:
        """F1 of each image at IoU 0.5: 1 − loss; 1 where nothing is there and nothing shown."""
        tp, shown, wanted = self.of_image.T
        whole = shown + wanted
        return np.where(whole > 0, 2 * tp / np.maximum(whole, 1), 1.0)

    def ratios(self, weights: Floats) -> Floats:
        """Precision, recall and F1 for image weights (B, N): (B, 3); 0/0 is NaN."""
        tp, shown, wanted = (weights @ self.of_image).T
        with np.errstate(invalid="ignore"):
            return np.stack([tp / shown, tp / wanted, 2 * tp / (shown + wanted)], axis=1)

    def average_precision(self, weights: Floats) -> Floats:
        """AP @[.50:.95] and AP @.50 for image weights (B, N): (B, 2); NaN without ground truth.

        COCO's, each image's boxes counted with its weight: 101 recall points, mean over classes
        with ground truth. Equal weights give COCO's own numbers.
        """
        order = ranked(
            self.columns.classes.astype(np.int64), self.columns.scores, classes=self.classes
        )
        image = self.image[order]
        ends = np.searchsorted(self.columns.classes[order], np.arange(self.classes + 1))
        bits = np.arange(len(IOU_THRESHOLDS), dtype=np.uint64)[:, None]
        hits = (self.columns.tp[order] >> bits & _AT_HALF).astype(np.float64)
        kept = 1.0 - (self.columns.ignored[order] >> bits & _AT_HALF)
        alike = bool((kept == kept[0]).all())
        found = np.full((len(weights), 2), np.nan)
        for b, w in enumerate(weights):
            wanted = np.bincount(
                self.columns.truth_classes,
                w[self.truth_image] * self.columns.truths[:, 0],
                minlength=self.classes,
            )
            present = np.flatnonzero(wanted > 0)
            if not len(present):
                continue
            of_row = w[image]
            tp = np.cumsum(hits * of_row, axis=1)
            rows = np.cumsum((kept[:1] if alike else kept) * of_row, axis=1)
            per = np.array(
                [
                    _class_ap(tp, rows, first=ends[c], end=ends[c + 1], wanted=wanted[c])
                    for c in present.tolist()
                ]
            )
            found[b] = per.mean(), per[:, 0].mean()
        return found

    def calibration(self) -> "Calibration":
        """Scores against hits at IoU 0.5, of all detections that count."""
        scores, hits = self.columns.scores[self.counted], self.hit[self.counted]
        return Calibration.of(scores, hits)


def _class_ap(tp: Floats, rows: Floats, *, first: int, end: int, wanted: float) -> Floats:
    """AP of one class at each threshold (10,), from sums over the rows of all classes."""
    if first == end:
        return np.zeros(len(tp))
    before_tp = tp[:, first - 1 : first] if first else 0.0
    before = rows[:, first - 1 : first] if first else 0.0
    hits, all_ = tp[:, first:end] - before_tp, rows[:, first:end] - before
    precision = np.divide(hits, all_, out=np.zeros_like(hits), where=all_ > 0)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    found = np.empty(len(tp))
    # Sums of weights are not exact: all that is there was found within their rounding.
    recall = np.where(hits >= wanted * (1 - _SLACK), 1.0, hits / wanted)
    for t in range(len(tp)):
        at = np.searchsorted(recall[t], RECALL_POINTS, side="left")
        reached = at < end - first
        found[t] = envelope[t, at[reached]].sum() / len(RECALL_POINTS)
    return found


@dataclass(frozen=True)
class Calibration:
    """Ten bins of score: detections, their mean score and the share that is right.

    `error`: `Σ_b n_b/n·|precision_b − mean score_b|`, D-ECE (Küppers et al. 2020) or for
    classifiers ECE; `by_chance`: what a calibrated model would show with so few detections,
    `Σ_b n_b/n·√(2 s_b(1 − s_b)/(π n_b))`. Both None without detections.
    """

    counts: Ints
    scores: Floats
    right: Floats
    error: float | None
    by_chance: float | None

    @classmethod
    def of(cls, scores: Floats, right: NDArray[np.bool_]) -> "Calibration":
        """From scores in [0, 1] and whether each was right, both (N,)."""
        n = len(scores)
        at = np.minimum((scores * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
        counts = np.bincount(at, minlength=CALIBRATION_BINS)
        some = np.maximum(counts, 1)
        mean = np.bincount(at, scores, minlength=CALIBRATION_BINS) / some
        share = np.bincount(at, right, minlength=CALIBRATION_BINS) / some
        chance = np.sqrt(2 * mean * (1 - mean) / (np.pi * some))
        return cls(
            counts,
            np.where(counts > 0, mean, np.nan),
            np.where(counts > 0, share, np.nan),
            float((counts * abs(share - mean)).sum() / n) if n else None,
            float((counts * chance).sum() / n) if n else None,
        )
