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

from libs.vision.state import AREA_NAMES, BITS, IOU_THRESHOLDS, MatchState

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
    truths = np.zeros((classes, _A), dtype=np.int64)
    np.add.at(truths, _known(state.truths["class"], classes), state.truth_counts())
    rows = state.detections[_ranked(state.detections)]
    of_class = _known(rows["class"], classes)
    matched, counted = _matched_and_counted(rows, np.searchsorted(of_class, np.arange(classes)))
    hits = _bits(rows["tp"][matched])
    return _quality(hits, counted, of_class[matched], truths=truths)


def average_precision(state: bytes, *, classes: int) -> float | None:
    """AP @[.50:.95] of one image; None if it has no ground truth that counts."""
    return pooled([state], classes=classes).ap()["50_95"]


def _known(indices: NDArray[np.uint16], classes: int) -> Ints:
    found = indices.astype(np.int64)
    if found.size and found.max() >= classes:
        raise ClassBeyondLabelMap(int(found.max()), classes)
    return found


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


def _bits(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bit sets (N, 5) as 0 and 1 by column: (40, N), contiguous along N."""
    rows = np.ascontiguousarray(packed)
    return np.ascontiguousarray(np.unpackbits(rows, axis=1, bitorder="little").T)


def _matched_and_counted(rows: NDArray[np.void], class_starts: Ints) -> tuple[Ints, Counts]:
    """Positions of the rows that need all forty columns, and what counts up to each.

    A row that matched nothing is counted or ignored by area alone, at all ten thresholds alike;
    four columns do for those. The rest (M) are the matched. The second result (40, M) is the
    number of rows of its class, up to and with itself, that each column counts.
    """
    ignored = np.zeros((len(rows), 8), dtype=np.uint8)
    ignored[:, : BITS // 8] = rows["ignored"]
    word = ignored.view("<u8")[:, 0]
    by_area = word & _LOWEST
    matched = (rows["tp"] != 0).any(axis=1) | (word != by_area * _EVERY_T)
    positions = np.flatnonzero(matched)
    of_class = np.searchsorted(class_starts, positions, side="right") - 1

    counted = np.zeros((BITS, len(positions) + 1), dtype=np.int32)
    np.cumsum(1 - _bits(rows["ignored"][positions]), axis=1, dtype=np.int32, out=counted[:, 1:])
    first = np.searchsorted(positions, class_starts)
    within = counted[:, 1:] - counted[:, first[of_class]]
    for a in range(_A):
        plain = np.zeros(len(rows) + 1, dtype=np.int32)
        np.cumsum(~matched & (by_area >> np.uint64(_T * a) & np.uint64(1) == 0), out=plain[1:])
        within[_T * a : _T * (a + 1)] += plain[positions] - plain[class_starts[of_class]]
    return positions, within


def _quality(
    hits: NDArray[np.uint8], counted: Counts, of_class: Ints, *, truths: Ints
) -> "Quality":
    """Curves of all columns (40, M) and classes, cut at the recall points."""
    classes = len(truths)
    wanted = truths.T[:, None, :]
    column, row = np.nonzero(hits)
    curve = column * classes + of_class[row]
    found = np.bincount(curve, minlength=BITS * classes)
    starts = np.cumsum(found) - found
    k = np.arange(1, len(curve) + 1) - starts[curve]
    precision = k / (counted[column, row] + np.spacing(1))

    points = np.repeat(_first_reaching(truths.T), _T, axis=0).reshape(BITS * classes, _R)
    reached = points <= found[:, None]
    envelope = np.zeros((BITS * classes, _R))
    if len(precision):
        breaks = (points + (starts - 1)[:, None])[reached]
        envelope[reached] = np.maximum.reduceat(precision, breaks)
    envelope = np.maximum.accumulate(envelope[:, ::-1], axis=1)[:, ::-1]

    by_area = envelope.reshape(_A, _T, classes, _R).transpose(1, 3, 2, 0)
    none = (truths == 0)[None, :, :]
    recall = (found.reshape(_A, _T, classes) / np.maximum(wanted, 1)).transpose(1, 2, 0)
    return Quality(
        precision=np.where(none[:, None], -1.0, by_area), recall=np.where(none, -1.0, recall)
    )


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
