"""Greedy matching of detections to ground truth, at all thresholds and area ranges at once.

The matching of one (image, class) depends on nothing else, so it is done once, when a review
arrives. Its outcome is a `MatchState` of some 2 KB at 100 detections, from which `ap.pooled`
computes average precision over any set of images.

The ten IoU thresholds and four area ranges are forty bits of one integer: bit `10·area + t`. A
detection looks only at ground truths with IoU ≥ 0.5, best first, and takes each at all the bits
that are still free, which is the COCO loop over thresholds and areas run once instead of forty
times.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from libs.vision.boxes import area, as_boxes, iou

THRESHOLDS = np.linspace(0.5, 0.95, 10)
AREA_NAMES = ("all", "small", "medium", "large")
AREA_RANGES = np.array(
    [[0, 1e10], [0, 32.0**2], [32.0**2, 96.0**2], [96.0**2, 1e10]], dtype=np.float64
)
MAX_DETECTIONS = 100
MAX_CLASSES = 1 << 16

_T = len(THRESHOLDS)
_ALL_T = (1 << _T) - 1
_BYTES = _T * len(AREA_NAMES) // 8
_REACHED = np.minimum(THRESHOLDS, 1 - 1e-10)
_DETECTION, _TRUTH = 1, 2

RECORD = np.dtype(
    [
        ("kind", "u1"),
        ("class", "<u2"),
        ("score", "<f8"),
        ("tp", "u1", _BYTES),
        ("ignored", "u1", _BYTES),
    ]
)
"""One detection: at which bits it is a true positive, at which it is left out of the count. Or
the ground truths of one class: their counts by area range, four uint16 in the bytes of `tp` and
`ignored`. The kind is also the version: another layout takes another number."""


def match(
    pred_boxes: ArrayLike,
    pred_classes: ArrayLike,
    pred_scores: ArrayLike,
    truth_boxes: ArrayLike,
    truth_classes: ArrayLike,
    *,
    truth_areas: ArrayLike | None = None,
    crowd: ArrayLike | None = None,
) -> "MatchState":
    """Match one image's detections to its ground truth, class by class, as COCO does.

    Boxes are `x y w h`. Of each class the 100 best detections count; equal scores keep their
    order. `truth_areas` are the areas that the area ranges look at (of the mask, where there is
    one), by default those of the boxes; `crowd` marks regions of many objects. The source is
    `COCOeval.evaluateImg`, which the tests compare with.
    """
    boxes, truths = as_boxes(pred_boxes), as_boxes(truth_boxes)
    classes, wanted = _classes(pred_classes), _classes(truth_classes)
    scores = np.asarray(pred_scores, dtype=np.float64).reshape(-1)
    crowds = np.zeros(len(truths), bool) if crowd is None else np.asarray(crowd, dtype=bool)
    sizes = area(truths) if truth_areas is None else np.asarray(truth_areas, dtype=np.float64)
    order = _best_of_each_class(classes, scores)
    boxes, classes, scores = boxes[order], classes[order], scores[order]

    inside = _inside(sizes) & ~crowds
    overlaps = iou(boxes, truths, crowd=crowds) * (classes[:, None] == wanted[None, :])
    regular = _area_bits(inside)
    tp, matched = _assign(overlaps, regular, [bool(c) for c in crowds])
    outside = _area_bits(~_inside(area(boxes)))
    ignored = [(m & ~t) | (o & ~m) for t, m, o in zip(tp, matched, outside, strict=True)]

    present, index = np.unique(wanted, return_inverse=True)
    counts = np.zeros((len(present), len(AREA_NAMES)), dtype=np.int64)
    np.add.at(counts, index, inside.T)
    return MatchState(_records(classes, scores, tp=tp, ignored=ignored), _truths(present, counts))


def _classes(values: ArrayLike) -> NDArray[np.int64]:
    classes = np.asarray(values, dtype=np.int64).reshape(-1)
    if classes.size and (classes.min() < 0 or classes.max() >= MAX_CLASSES):
        raise ClassOutOfRange(int(classes.min()), int(classes.max()))
    return classes


def _best_of_each_class(
    classes: NDArray[np.int64], scores: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Indices by class, then by falling score, at most 100 of a class."""
    order = np.lexsort((-scores, classes))
    ranked = classes[order]
    rank = np.arange(len(order)) - np.searchsorted(ranked, ranked)
    return order[rank < MAX_DETECTIONS]


def _inside(sizes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each size lies in each area range, both ends included: (areas, N)."""
    low, high = AREA_RANGES.T[:, :, None]
    return (sizes >= low) & (sizes <= high)


def _area_bits(inside: NDArray[np.bool_]) -> list[int]:
    """For each column the ten bits of every area range that is true."""
    weights = np.array([_ALL_T << (_T * a) for a in range(len(inside))], dtype=np.int64)
    bits: list[int] = (weights @ inside).tolist()
    return bits


def _assign(
    overlaps: NDArray[np.float64], regular: Sequence[int], crowds: Sequence[bool]
) -> tuple[list[int], list[int]]:
    """Bits at which each detection, in order, matches a counted truth, and any truth at all.

    A truth that counts in an area range is preferred to one that does not; among equals the
    higher IoU wins and, at equal IoU, the later truth. Only a crowd can be taken twice.
    """
    n, m = overlaps.shape
    tp, matched, taken = [0] * n, [0] * n, [0] * m
    rows, columns = np.nonzero(overlaps >= _REACHED[0])
    values = overlaps[rows, columns]
    best_first = np.lexsort((-columns, -values, rows))
    rows, columns, values = rows[best_first], columns[best_first], values[best_first]
    level = np.searchsorted(_REACHED, values, side="right")
    every_area = sum(1 << (_T * a) for a in range(len(AREA_NAMES)))
    reach = [((1 << int(k)) - 1) * every_area for k in range(_T + 1)]
    starts = np.searchsorted(rows, np.arange(n + 1)).tolist()
    candidates = list(zip(columns.tolist(), level.tolist(), strict=True))
    for d in range(n):
        mine = candidates[starts[d] : starts[d + 1]]
        hit = 0
        for g, k in mine:
            take = reach[k] & regular[g] & ~taken[g] & ~hit
            hit |= take
            taken[g] |= take
        tp[d] = hit
        for g, k in mine:
            take = reach[k] & ~regular[g] & ~hit
            if not crowds[g]:
                take &= ~taken[g]
                taken[g] |= take
            hit |= take
        matched[d] = hit
    return tp, matched


def _records(
    classes: NDArray[np.int64],
    scores: NDArray[np.float64],
    *,
    tp: Sequence[int],
    ignored: Sequence[int],
) -> NDArray[np.void]:
    records = np.zeros(len(classes), dtype=RECORD)
    records["kind"], records["class"], records["score"] = _DETECTION, classes, scores
    records["tp"], records["ignored"] = _bytes(tp), _bytes(ignored)
    return records


def _bytes(bits: Sequence[int]) -> NDArray[np.uint8]:
    words = np.array(bits, dtype="<u8").reshape(-1, 1)
    return words.view(np.uint8)[:, :_BYTES]


def _truths(classes: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.void]:
    records = np.zeros(len(classes), dtype=RECORD)
    records["kind"], records["class"] = _TRUTH, classes
    if counts.size and counts.max() >= 1 << 16:
        raise TooManyTruths(int(counts.max()))
    packed = counts.astype("<u2").view(np.uint8).reshape(len(classes), -1)
    records["tp"], records["ignored"][:, :3] = packed[:, :_BYTES], packed[:, _BYTES:]
    return records


@dataclass(frozen=True)
class MatchState:
    """What average precision needs of one image; `pack` makes it bytes of 21 per record.

    `detections` are `RECORD`s ordered by (class, −score); `truths` one `RECORD` a class.
    """

    detections: NDArray[np.void]
    truths: NDArray[np.void]

    def pack(self) -> bytes:
        """The records' bytes. Packed states joined are the packed state of all their images."""
        return self.truths.tobytes() + self.detections.tobytes()

    @classmethod
    def unpack(cls, data: bytes) -> "MatchState":
        """The state, or the joined states, that `data` holds."""
        if len(data) % RECORD.itemsize:
            raise NotAMatchState("its length is no multiple of a record's")
        records = np.frombuffer(data, dtype=RECORD)
        detections, truths = records["kind"] == _DETECTION, records["kind"] == _TRUTH
        if not (detections | truths).all():
            raise NotAMatchState("it has a record of an unknown kind")
        return cls(records[detections], records[truths])

    def truth_counts(self) -> NDArray[np.int64]:
        """Ground truths by record of `truths` and area range: (len(truths), 4)."""
        joined = np.concatenate([self.truths["tp"], self.truths["ignored"][:, :3]], axis=1)
        counts: NDArray[np.int64] = np.ascontiguousarray(joined).view("<u2").astype(np.int64)
        return counts


class ClassOutOfRange(ValueError):
    """A class index below 0 or above 65,535."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__(f"class indices must lie in 0..{MAX_CLASSES - 1}, not {low}..{high}")


class TooManyTruths(ValueError):
    """More ground truths of one class on one image than the state can count."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} ground truths of one class on one image; the limit is 65535")


class NotAMatchState(ValueError):
    """Bytes that no `MatchState.pack` of a known layout made."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a packed match state: {reason}")
