"""Average precision and recall of any set of images, from their packed match states.

Only true-positive rows can raise recall, and the maxima of the precision envelope lie on them.
So all (class, area, threshold) curves are laid end to end as runs of true positives: the k-th
of a run has recall k/truths, its precision needs the number of counted rows up to it, and the
101 recall points are break points in the run. The results equal those of `COCOeval.accumulate`
bit for bit, the whole precision tensor included.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from libs.vision.state import AREA_NAMES, IOU_THRESHOLDS, Columns

RECALL_POINTS = np.linspace(0.0, 1.0, 101)

_T, _A, _R = len(IOU_THRESHOLDS), len(AREA_NAMES), len(RECALL_POINTS)
_EVERY_T = np.uint16((1 << _T) - 1)
_ONE = np.float64(1.0).view(np.uint64)
_MOST_REPAIRS = 1000

SERIES = {
    "50_95": (slice(None), 0),
    "50": (slice(0, 1), 0),
    "75": (slice(5, 6), 0),
    "50_95_small": (slice(None), 1),
    "50_95_medium": (slice(None), 2),
    "50_95_large": (slice(None), 3),
}
"""The six series by name: which thresholds and which area range. The services write them with
`ap_` and `ar_` before."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Counts = NDArray[np.int32]
Words = NDArray[np.uint64]


def pooled(states: Iterable[bytes], *, classes: int) -> "Quality":
    """Quality over images, given the packed states of each in the order of their ids.

    `classes` is the length of the label map. Equal scores rank by image, then by rank within
    it. A class without ground truth has no precision: it counts in no mean.
    """
    columns = Columns.of(b"".join(states))
    truths = _truths(known_classes(columns.truth_classes, classes), columns.truths, classes=classes)
    of_class = known_classes(columns.classes, classes)
    order = ranked(of_class, columns.scores, classes=classes)
    of_class, tp = of_class.take(order), columns.tp.take(order)
    ignored = columns.ignored.take(order)
    firsts = np.searchsorted(of_class, np.arange(classes))
    precision = np.empty((_T, _R, classes, _A))
    recall = np.empty((_T, classes, _A))
    for a in range(_A):
        wanted = truths[:, a]
        points = first_reaching(wanted)
        curves = AreaCurves.of(tp, ignored, area=a, of_class=of_class, firsts=firsts)
        for t in range(_T):
            envelope, found = curves.envelope(t, points=points)
            precision[t, :, :, a] = np.where(wanted > 0, envelope.T, -1.0)
            recall[t, :, a] = np.where(wanted > 0, found / np.maximum(wanted, 1), -1.0)
    return Quality(precision, recall)


def average_precision(state: bytes, *, classes: int) -> float | None:
    """AP @[.50:.95] of one image; None if it has no ground truth that counts."""
    return pooled([state], classes=classes).ap()["50_95"]


def known_classes(indices: NDArray[np.uint16], classes: int) -> Ints:
    """Class indices as whole numbers. Raises ClassBeyondLabelMap."""
    found = indices.astype(np.int64)
    if found.size and found.max() >= classes:
        raise ClassBeyondLabelMap(int(found.max()), classes)
    return found


def _truths(of_class: Ints, counts: Ints, *, classes: int) -> Ints:
    """Ground truths by class and area range: (classes, 4)."""
    columns = [np.bincount(of_class, column, minlength=classes) for column in counts.T]
    return np.stack(columns, axis=1).astype(np.int64)


def ranked(of_class: Ints, scores: Floats, *, classes: int) -> Ints:
    """The stable order by (class, −score) of rows (N,).

    One sort of whole numbers, far faster than an argsort: class, falling score and position are
    packed in one. What bits remain for the score tell float32 scores apart exactly; scores that
    differ beyond are put in order afterwards, and where those are many all are sorted in full.
    """
    n = len(scores)
    for_position, for_class = n.bit_length(), (classes - 1).bit_length()
    for_score = 64 - for_position - for_class
    if n == 0 or for_score < 8 or scores.min() < 0 or scores.max() > 1:
        return np.lexsort((-scores, of_class))
    # Bits of a float in [0, 1] rise with it: 62 of them, taken from those of 1.
    falling = _ONE - (scores + 0.0).view(np.uint64)
    falling >>= np.uint64(max(62 - for_score, 0))
    falling <<= np.uint64(for_position)
    falling |= np.arange(n, dtype=np.uint64)
    if for_class:
        falling |= of_class.astype(np.uint64) << np.uint64(64 - for_class)
    falling.sort()
    order: Ints = (falling & np.uint64((1 << for_position) - 1)).astype(np.int64)
    return _repaired(order, falling >> np.uint64(for_position), of_class, scores)


def _repaired(order: Ints, keys: Words, of_class: Ints, scores: Floats) -> Ints:
    """The order with runs of equal keys sorted by the scores themselves."""
    ranked = scores.take(order)
    wrong = np.flatnonzero((ranked[1:] > ranked[:-1]) & (keys[1:] == keys[:-1]))
    if len(wrong) > _MOST_REPAIRS:
        return np.lexsort((-scores, of_class))
    for key in np.unique(keys[wrong]):
        run = slice(*np.searchsorted(keys, [key, key + np.uint64(1)]))
        order[run] = order[run][np.argsort(-ranked[run], kind="stable")]
    return order


def first_reaching(truths: Ints) -> Ints:
    """The first k ≥ 1 with k/truths ≥ each recall point, in floating point: (…, 101)."""
    n = np.maximum(truths, 1)[..., None]
    k = np.maximum(np.floor(RECALL_POINTS * n).astype(np.int64) - 1, 1)
    for _ in range(3):
        k += k / n < RECALL_POINTS
    return k


def _mean(values: Floats) -> float | None:
    defined = values[values > -1]
    return float(np.mean(defined)) if defined.size else None


@dataclass(frozen=True)
class AreaCurves:
    """Of one area range the M rows that are a true positive at some threshold, by class and score.

    `hits` (M,): at which of the ten thresholds. `counted` (M,): the rows of its class that count
    at all thresholds alike, up to and with the row. Few rows count at some thresholds only: of
    those `mixed_before` (M,) come before the row, and `of_mixed` (10, …) is how many of the first
    so many count. `firsts`, `mixed_firsts` (classes,): where each class begins.
    """

    hits: NDArray[np.uint16]
    counted: Floats
    firsts: Ints
    mixed_before: Ints
    of_mixed: Counts
    mixed_firsts: Ints

    @classmethod
    def of(
        cls, tp: Words, ignored: Words, *, area: int, of_class: Ints, firsts: Ints
    ) -> "AreaCurves":
        """From the ranked rows' bit sets and classes (N,) and where each class begins."""
        shift = np.uint64(_T * area)
        hits = (tp >> shift & _EVERY_T).astype(np.uint16)
        spared = (ignored >> shift & _EVERY_T).astype(np.uint16)
        rows = np.flatnonzero(hits)
        alike = np.zeros(len(hits) + 1, dtype=np.int32)
        np.cumsum(spared == 0, out=alike[1:])
        owner = of_class.take(rows)
        mixed = np.flatnonzero((spared != 0) & (spared != _EVERY_T))
        counts = spared[mixed] >> np.arange(_T, dtype=np.uint16)[:, None] & 1 ^ 1
        of_mixed = np.zeros((_T, len(mixed) + 1), dtype=np.int32)
        np.cumsum(counts, axis=1, dtype=np.int32, out=of_mixed[:, 1:])
        return cls(
            hits=hits.take(rows),
            counted=(alike.take(rows + 1) - alike.take(firsts).take(owner)).astype(np.float64),
            firsts=np.searchsorted(rows, firsts),
            mixed_before=np.searchsorted(mixed, rows + 1),
            of_mixed=of_mixed,
            mixed_firsts=np.searchsorted(mixed, firsts),
        )

    def envelope(self, t: int, *, points: Ints) -> tuple[Floats, Ints]:
        """Precision at the recall points (classes, 101), and the hits of each class (classes,).

        `points` (classes, 101): `first_reaching`.
        """
        rows = np.flatnonzero(self.hits & np.uint16(1 << t))
        starts = np.searchsorted(rows, self.firsts)
        found = np.diff(starts, append=len(rows))
        counted = self.counted.take(rows)
        if self.of_mixed.shape[1] > 1:
            counted += self.of_mixed[t].take(self.mixed_before.take(rows))
            counted -= np.repeat(self.of_mixed[t].take(self.mixed_firsts), found)
        k = np.arange(1.0, len(counted) + 1.0)
        k -= np.repeat(starts.astype(np.float64), found)
        counted += np.spacing(1)
        k /= counted
        reached = points <= found[:, None]
        envelope = np.zeros(points.shape)
        if len(k):
            breaks = (points + (starts - 1)[:, None])[reached]
            envelope[reached] = np.maximum.reduceat(k, breaks)
        return np.maximum.accumulate(envelope[:, ::-1], axis=1)[:, ::-1], found


@dataclass(frozen=True)
class Quality:
    """COCO's tensors and the means over them; a mean is None where no class has ground truth.

    `precision` (thresholds 10, recall points 101, classes, areas 4) and `recall` (10, classes, 4)
    hold −1 for a class and area without ground truth, as COCO's tensors do.
    """

    precision: Floats
    recall: Floats

    def ap(self) -> dict[str, float | None]:
        """Average precision by name of `SERIES`: mean over thresholds, recall points, classes."""
        return {name: _mean(self.precision[t, :, :, a]) for name, (t, a) in SERIES.items()}

    def ar(self) -> dict[str, float | None]:
        """Recall by name of `SERIES`, at most 100 detections of a class on an image."""
        return {name: _mean(self.recall[t, :, a]) for name, (t, a) in SERIES.items()}

    def ap_of_classes(self) -> list[float | None]:
        """AP @[.50:.95] of each class."""
        return [_mean(self.precision[:, :, c, 0]) for c in range(self.precision.shape[2])]


class ClassBeyondLabelMap(ValueError):
    """A match state with a class that the label map does not have."""

    def __init__(self, found: int, classes: int) -> None:
        super().__init__(f"class {found} in a match state, but the label map has {classes}")
