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

import numpy as np
from numpy.typing import ArrayLike, NDArray

from libs.vision.boxes import area, as_boxes
from libs.vision.boxes import iou as pairwise_iou
from libs.vision.masks import Compared
from libs.vision.state import (
    AREA_NAMES,
    AREA_RANGES,
    IOU_THRESHOLDS,
    MatchState,
    detection_records,
    truth_records,
)

MAX_DETECTIONS = 100
MAX_CLASSES = 1 << 16

_T = len(IOU_THRESHOLDS)
_ALL_T = (1 << _T) - 1
_REACHED = np.minimum(IOU_THRESHOLDS, 1 - 1e-10)


def match(
    pred_boxes: ArrayLike,
    pred_classes: ArrayLike,
    pred_scores: ArrayLike,
    truth_boxes: ArrayLike,
    truth_classes: ArrayLike,
    *,
    truth_areas: ArrayLike | None = None,
    crowd: ArrayLike | None = None,
) -> MatchState:
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
    overlaps = pairwise_iou(boxes, truths, crowd=crowds)
    return _state(overlaps, classes, scores, wanted, sizes=(area(boxes), sizes), crowds=crowds)


def match_masks(
    compared: Compared, pred_classes: ArrayLike, pred_scores: ArrayLike, truth_classes: ArrayLike
) -> MatchState:
    """`match` of masks instead of boxes: their IoU, and the areas of the masks.

    The source is `COCOeval` with `iouType="segm"`, which the tests compare with.
    """
    classes, wanted = _classes(pred_classes), _classes(truth_classes)
    scores = np.asarray(pred_scores, dtype=np.float64).reshape(-1)
    order = _best_of_each_class(classes, scores)
    return _state(
        compared.overlap[order],
        classes[order],
        scores[order],
        wanted,
        sizes=(compared.areas[order], compared.true_areas),
        crowds=np.zeros(len(wanted), bool),
    )


def f1_at(
    pred_boxes: ArrayLike,
    pred_classes: ArrayLike,
    pred_scores: ArrayLike,
    truth_boxes: ArrayLike,
    truth_classes: ArrayLike,
    *,
    threshold: float,
    iou: float = 0.5,
) -> float:
    """F1 of one image, `2·TP/(2·TP + FP + FN)`, of the detections with score ≥ `threshold`.

    Best score first, a detection takes the free ground truth of its class with the highest IoU,
    if that is at least `iou` (> 0). Nothing there and nothing predicted gives 1.
    """
    order = _shown(pred_scores, threshold)
    boxes, truths = as_boxes(pred_boxes)[order], as_boxes(truth_boxes)
    classes = _classes(pred_classes)[order]
    return _f1(pairwise_iou(boxes, truths), classes, _classes(truth_classes), iou=iou)


def f1_of(
    overlap: ArrayLike,
    pred_classes: ArrayLike,
    pred_scores: ArrayLike,
    truth_classes: ArrayLike,
    *,
    threshold: float,
    iou: float = 0.5,
) -> float:
    """`f1_at` where the IoU of detections with ground truths (N, M) is known, as that of masks."""
    order = _shown(pred_scores, threshold)
    overlaps = np.asarray(overlap, dtype=np.float64)[order]
    return _f1(overlaps, _classes(pred_classes)[order], _classes(truth_classes), iou=iou)


def loss(
    pred_boxes: ArrayLike | None,
    pred_classes: ArrayLike,
    pred_scores: ArrayLike,
    truth_boxes: ArrayLike,
    truth_classes: ArrayLike,
    *,
    threshold: float,
    iou: float = 0.5,
) -> float:
    """The bounded loss of a verdict: `1 − F1`; `pred_boxes` None, asked and no answer, costs 1."""
    if pred_boxes is None:
        return 1.0
    return 1.0 - f1_at(
        pred_boxes,
        pred_classes,
        pred_scores,
        truth_boxes,
        truth_classes,
        threshold=threshold,
        iou=iou,
    )


def classification_loss(predicted: int | None, reviewed: int) -> float:
    """0 if the predicted class is the reviewed one, else 1; no answer costs 1."""
    return 0.0 if predicted == reviewed else 1.0


def _classes(values: ArrayLike) -> NDArray[np.int64]:
    classes = np.asarray(values, dtype=np.int64).reshape(-1)
    if classes.size and (classes.min() < 0 or classes.max() >= MAX_CLASSES):
        raise ClassOutOfRange(int(classes.min()), int(classes.max()))
    return classes


def _shown(scores: ArrayLike, threshold: float) -> NDArray[np.intp]:
    """Indices of the scores ≥ `threshold`, best first."""
    values = np.asarray(scores, dtype=np.float64).reshape(-1)
    order = np.argsort(-values, kind="stable")
    return order[values[order] >= threshold]


def _f1(
    overlaps: NDArray[np.float64],
    classes: NDArray[np.int64],
    wanted: NDArray[np.int64],
    *,
    iou: float,
) -> float:
    """F1 of ranked detections (N,) from their IoU with the ground truths (N, M)."""
    if len(classes) + len(wanted) == 0:
        return 1.0
    overlaps = overlaps * (classes[:, None] == wanted[None, :])
    hits = 0
    for row in np.flatnonzero((overlaps >= iou).any(axis=1)):
        best = int(overlaps[row].argmax())
        if overlaps[row, best] >= iou:
            hits += 1
            overlaps[:, best] = 0.0
    return 2 * hits / (len(classes) + len(wanted))


def _state(
    overlaps: NDArray[np.float64],
    classes: NDArray[np.int64],
    scores: NDArray[np.float64],
    wanted: NDArray[np.int64],
    *,
    sizes: tuple[NDArray[np.float64], NDArray[np.float64]],
    crowds: NDArray[np.bool_],
) -> MatchState:
    """The state of ranked detections; `sizes`: areas of the detections and of the truths."""
    inside = _inside(sizes[1]) & ~crowds
    overlaps = overlaps * (classes[:, None] == wanted[None, :])
    regular = _area_bits(inside)
    tp, matched = _assign(overlaps, regular, [bool(c) for c in crowds])
    outside = _area_bits(~_inside(sizes[0]))
    ignored = [(m & ~t) | (o & ~m) for t, m, o in zip(tp, matched, outside, strict=True)]
    present, index = np.unique(wanted, return_inverse=True)
    counts = np.zeros((len(present), len(AREA_NAMES)), dtype=np.int64)
    np.add.at(counts, index, inside.T)
    return MatchState(
        detection_records(classes, scores, tp=tp, ignored=ignored),
        truth_records(present, counts),
    )


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
    inside: NDArray[np.bool_] = (sizes >= low) & (sizes <= high)
    return inside


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


class ClassOutOfRange(ValueError):
    """A class index below 0 or above 65,535."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__(f"class indices must lie in 0..{MAX_CLASSES - 1}, not {low}..{high}")
