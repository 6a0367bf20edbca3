"""What a model says about one picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Prediction:
    """Ordered by falling score.

    `boxes` (N, 4): x y w h in pixels of the source picture; of a classifier (0, 4). `classes` and
    `scores` (N,): of a classifier, the classes at or above the threshold, and always the best.
    """

    boxes: NDArray[np.float64]
    classes: NDArray[np.int64]
    scores: NDArray[np.float64]


def detections(
    corners: NDArray[np.floating],
    classes: NDArray[np.integer],
    scores: NDArray[np.floating],
    *,
    size: tuple[int, int],
) -> Prediction:
    """Corners (N, 4) x1 y1 x2 y2 px of a picture of `size` (width, height), cut at its border.

    Boxes with nothing inside the picture are left out.
    """
    width, height = size
    limits = np.array([width, height, width, height], np.float64)
    inside = np.clip(np.asarray(corners, np.float64).reshape(-1, 4), 0, limits)
    boxes = np.concatenate([inside[:, :2], inside[:, 2:] - inside[:, :2]], 1)
    kept = np.flatnonzero((boxes[:, 2:] > 0).all(1) & np.isfinite(boxes).all(1))
    order = kept[np.argsort(-np.asarray(scores, np.float64)[kept], kind="stable")]
    return Prediction(
        boxes[order],
        np.asarray(classes, np.int64)[order],
        np.asarray(scores, np.float64)[order],
    )


def ranked(probabilities: NDArray[np.floating], threshold: float) -> Prediction:
    """A classifier's answer from its probabilities (C,)."""
    order = np.argsort(-probabilities, kind="stable")
    count = max(1, int((probabilities >= threshold).sum()))
    order = order[:count]
    scores = probabilities[order].astype(np.float64)
    return Prediction(np.zeros((0, 4)), order.astype(np.int64), scores)


def suppressed(
    corners: NDArray[np.floating],
    classes: NDArray[np.integer],
    scores: NDArray[np.floating],
    *,
    overlap: float = 0.5,
    most: int = 300,
) -> NDArray[np.int64]:
    """Indices, best first, of what greedy suppression within each class keeps.

    At most `most` are kept, and only the best thousand are looked at.
    """
    from libs.vision.boxes import iou  # noqa: PLC0415

    order = np.argsort(-scores, kind="stable")[:1000]
    boxes = np.concatenate([corners[order, :2], corners[order, 2:] - corners[order, :2]], 1)
    same = classes[order][:, None] == classes[order][None, :]
    doubles = (iou(boxes, boxes) > overlap) & same
    alive = np.ones(len(order), bool)
    kept: list[int] = []
    for index in range(len(order)):
        if alive[index] and len(kept) < most:
            kept.append(index)
            alive &= ~doubles[index]
    return order[kept].astype(np.int64)
