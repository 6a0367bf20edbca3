"""Whether champion and shadow say the same, and how sure the share of disagreement is."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from libs.vision.boxes import as_boxes, iou
from libs.vision.masks import compared
from libs.vision.matching import f1_of
from services.metrics.core.content import Side

Floats = NDArray[np.float64]

_STEPS = 50


def disagree(
    champion: Side, shadow: Side, *, thresholds: tuple[float, float], size: tuple[int, int]
) -> bool:
    """Whether two answers differ: in the best class, or in a box or mask at IoU 0.5.

    What is below each model's own threshold is not shown and does not count: the answers agree
    where F1 of the one against the other is 1. `size`: width and height of the picture.
    """
    if not (champion.boxes or shadow.boxes or champion.polygons or shadow.polygons):
        return champion.classes[:1] != shadow.classes[:1]
    ours, theirs = (
        [i for i, score in enumerate(side.scores) if score >= threshold]
        for side, threshold in zip((champion, shadow), thresholds, strict=True)
    )
    if len(ours) != len(theirs):
        return True
    classes = [champion.classes[i] for i in ours], [shadow.classes[i] for i in theirs]
    if sorted(classes[0]) != sorted(classes[1]):
        return True
    if champion.polygons or shadow.polygons:
        rings = [shadow.polygons[i] for i in theirs], [champion.polygons[i] for i in ours]
        overlap = compared(*rings, width=size[0], height=size[1]).overlap
    else:
        overlap = iou(as_boxes(shadow.boxes)[theirs], as_boxes(champion.boxes)[ours])
    scores = [shadow.scores[i] for i in theirs]
    return f1_of(overlap, classes[1], scores, classes[0], threshold=0.0) < 1.0


def confidence_sequence(
    successes: ArrayLike, trials: ArrayLike, *, alpha: float = 0.05
) -> tuple[Floats, Floats]:
    """Ends of the beta-binomial confidence sequence of a share, each (N,); [0, 1] at n = 0.

    `{p : B(½ + S, ½ + n − S)/B(½, ½) < pˢ(1 − p)ⁿ⁻ˢ/α}` (Robbins 1970; Howard et al., Annals of
    Statistics 2021): it covers the share at all times at once with probability 1 − α, so it may be
    looked at whenever one likes.
    """
    s, n = np.atleast_1d(np.asarray(successes)), np.atleast_1d(np.asarray(trials))
    mixture = np.array([_log_beta(a, b) for a, b in zip(s.tolist(), n.tolist(), strict=True)])
    s, n = s.astype(np.float64), n.astype(np.float64)
    bound = mixture + math.log(alpha)
    best = np.where(n > 0, s / np.maximum(n, 1), 0.5)

    def inside(p: Floats) -> NDArray[np.bool_]:
        with np.errstate(divide="ignore", invalid="ignore"):
            likelihood = np.where(s > 0, s * np.log(p), 0.0)
            likelihood += np.where(n > s, (n - s) * np.log1p(-p), 0.0)
        found: NDArray[np.bool_] = likelihood > bound
        return found

    ends = []
    for end in (0.0, 1.0):
        outer, inner = np.full(len(s), end), best.copy()
        for _ in range(_STEPS):
            middle = (outer + inner) / 2
            within = inside(middle)
            inner, outer = np.where(within, middle, inner), np.where(within, outer, middle)
        ends.append(np.where(n > 0, np.where(inside(np.full(len(s), end)), end, outer), end))
    return ends[0], ends[1]


def _log_beta(s: int, n: int) -> float:
    """`log B(½ + s, ½ + n − s)/B(½, ½)`."""
    return math.lgamma(0.5 + s) + math.lgamma(0.5 + n - s) - math.lgamma(1 + n) - math.log(math.pi)
