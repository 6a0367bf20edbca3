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

from libs.vision.state import AREA_NAMES, BITS, IOU_THRESHOLDS, MatchState, bits, take, words

RECALL_POINTS = np.linspace(0.0, 1.0, 101)

_T, _A, _R = len(IOU_THRESHOLDS), len(AREA_NAMES), len(RECALL_POINTS)
_LOWEST = np.uint64(sum(1 << (_T * a) for a in range(_A)))
_EVERY_T = np.uint64((1 << _T) - 1)

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


def pooled(states: Iterable[bytes], *, classes: int) -> "Quality":
    """Quality over images, given the packed states of each in the order of their ids.

    `classes` is the length of the label map. Equal scores rank by image, then by rank within
    it. A class without ground truth has no precision: it counts in no mean.
    """
    state = MatchState.unpack(b"".join(states))
    truths = _truths(_known(state.truths["class"], classes), state.truth_counts(), classes=classes)
    rows = take(state.detections, _ranked(state.detections))
    of_class = _known(rows["class"], classes)
    starts = np.searchsorted(of_class, np.arange(classes))
    matched = np.flatnonzero(words(rows["tp"]))
    hits = bits(rows["tp"][matched]).view(np.bool_)
    counted = _Counted.of(rows["ignored"], before=np.concatenate([starts, matched + 1]))
    of_matched = of_class[matched]
    precision = np.empty((_T, _R, classes, _A))
    recall = np.empty((_T, classes, _A))
    for a in range(_A):
        wanted = truths[:, a]
        points = _first_reaching(wanted)
        for t in range(_T):
            found_at = np.flatnonzero(hits[_T * a + t])
            owner = of_matched.take(found_at)
            counts = counted.column(found_at + classes, a, t=t)
            counts -= counted.column(np.arange(classes), a, t=t).take(owner)
            envelope, found = _envelope(counts, owner, points=points)
            precision[t, :, :, a] = np.where(wanted > 0, envelope.T, -1.0)
            recall[t, :, a] = np.where(wanted > 0, found / np.maximum(wanted, 1), -1.0)
    return Quality(precision, recall)


def average_precision(state: bytes, *, classes: int) -> float | None:
    """AP @[.50:.95] of one image; None if it has no ground truth that counts."""
    return pooled([state], classes=classes).ap()["50_95"]


def _known(indices: NDArray[np.uint16], classes: int) -> Ints:
    found = indices.astype(np.int64)
    if found.size and found.max() >= classes:
        raise ClassBeyondLabelMap(int(found.max()), classes)
    return found


def _truths(of_class: Ints, counts: Ints, *, classes: int) -> Ints:
    """Ground truths by class and area range: (classes, 4)."""
    columns = [np.bincount(of_class, column, minlength=classes) for column in counts.T]
    return np.stack(columns, axis=1).astype(np.int64)


def _ranked(rows: NDArray[np.void]) -> Ints:
    """The stable order by (class, −score): quick sorts of plain keys instead of a merge sort.

    Runs of equal (class, score) are numbered and sorted again by (run, position).
    """
    if len(rows) == 0:
        return np.zeros(0, dtype=np.int64)
    falling = -np.ascontiguousarray(rows["score"])
    by_score = np.argsort(falling)
    keys = falling[by_score]
    run = np.concatenate([[0], np.cumsum(keys[1:] != keys[:-1])])
    stable = np.sort((run << 32) | by_score) & 0xFFFFFFFF
    by_class = np.argsort(np.ascontiguousarray(rows["class"])[stable], kind="stable")
    order: Ints = stable[by_class]
    return order


def _envelope(counted: Counts, of_class: Ints, *, points: Ints) -> tuple[Floats, Ints]:
    """One column's precision at the recall points (classes, 101), and its hits (classes,).

    `counted` (k,): for each true positive, by class and falling score, the rows of its class
    that count, up to and with itself. `points` (classes, 101): `_first_reaching`.
    """
    found = np.bincount(of_class, minlength=len(points))
    starts = np.cumsum(found) - found
    k = np.arange(1, len(counted) + 1) - starts[of_class]
    precision = k / (counted + np.spacing(1))
    reached = points <= found[:, None]
    envelope = np.zeros(points.shape)
    if len(precision):
        breaks = (points + (starts - 1)[:, None])[reached]
        envelope[reached] = np.maximum.reduceat(precision, breaks)
    return np.maximum.accumulate(envelope[:, ::-1], axis=1)[:, ::-1], found


def _first_reaching(truths: Ints) -> Ints:
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
class _Counted:
    """How many of the ranked rows each column counts before any of P chosen rows.

    Most rows are counted or ignored at all ten thresholds of an area alike: one cumulative sum
    an area does for those. The few mixed ones are summed by column.
    """

    alike: list[Counts]
    mixed_before: Ints
    of_mixed: Counts

    @classmethod
    def of(cls, ignored: NDArray[np.uint8], *, before: Ints) -> "_Counted":
        """From the bit sets (N, 5) of the ranked rows and the chosen rows (P,), 0 to N."""
        word = words(ignored)
        by_area = word & _LOWEST
        uniform = word == by_area * _EVERY_T
        mixed = np.flatnonzero(~uniform)
        alike = []
        for a in range(_A):
            sums = np.zeros(len(word) + 1, dtype=np.int32)
            np.cumsum(uniform & (by_area & np.uint64(1 << (_T * a)) == 0), out=sums[1:])
            alike.append(sums.take(before))
        of_mixed = np.zeros((BITS, len(mixed) + 1), dtype=np.int32)
        np.cumsum(1 - bits(ignored[mixed]), axis=1, dtype=np.int32, out=of_mixed[:, 1:])
        return cls(alike, np.searchsorted(mixed, before), of_mixed)

    def column(self, chosen: Ints, a: int, *, t: int) -> Counts:
        """Rows before each chosen one that count in area range `a` at threshold `t`."""
        sums: Counts = self.alike[a].take(chosen)
        if self.of_mixed.shape[1] > 1:
            sums += self.of_mixed[_T * a + t].take(self.mixed_before.take(chosen))
        return sums


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
