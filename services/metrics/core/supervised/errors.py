"""Kinds of a detector's errors, whatever the threshold is.

The kinds and their order are those of Bolya et al., TIDE (ECCV 2020): a detection that matches no
ground truth of its class (greedily, best score first, at IoU ≥ .5) is, the first that holds,

- LOCATION: it overlaps one of its class at .1 ≤ IoU < .5;
- CLASSIFICATION: it lies on one of another class (IoU ≥ .5);
- DUPLICATE: it lies on one of its class that a better detection has;
- BACKGROUND: it overlaps nothing at IoU > .1;
- BOTH: the rest; it overlaps one of another class.

A ground truth is missed if nothing matches it and no LOCATION or CLASSIFICATION lies on it. As
matching goes by falling score, what a detection is does not depend on those below it: the items
of an image answer for every threshold.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

FOREGROUND, BACKGROUND = 0.5, 0.1

ITEM = np.dtype(
    [
        ("kind", "u1"),
        ("class", "<u2"),
        ("other", "<u2"),
        ("score", "<f8"),
        ("confused", "<f8"),
        ("near", "<f8"),
    ]
)
"""A detection: its class, of CLASSIFICATION the `other` class, its score. A ground truth: its class
and the best scores of what matches it, of what takes it for another class, and of what lies near
it (−1: none)."""

Ints = NDArray[np.int64]


class Kind(IntEnum):
    """What an item is. Numbers are stored: they never change their meaning."""

    HIT = 0
    CLASSIFICATION = 1
    LOCATION = 2
    BOTH = 3
    DUPLICATE = 4
    BACKGROUND = 5
    TRUTH = 6


ERRORS = (Kind.CLASSIFICATION, Kind.LOCATION, Kind.BOTH, Kind.DUPLICATE, Kind.BACKGROUND)


def items_of(
    overlap: ArrayLike, pred_classes: ArrayLike, pred_scores: ArrayLike, truth_classes: ArrayLike
) -> bytes:
    """The packed items of one image from the IoU (N, M) of every detection with every ground
    truth, of boxes or of masks. Items of many images can be joined."""
    scores = np.asarray(pred_scores, dtype=np.float64).reshape(-1)
    order = np.argsort(-scores, kind="stable")
    classes = np.asarray(pred_classes, dtype=np.int64).reshape(-1)[order]
    wanted = np.asarray(truth_classes, dtype=np.int64).reshape(-1)
    scores = scores[order]
    overlap = np.asarray(overlap, dtype=np.float64)[order]
    same = classes[:, None] == wanted[None, :]
    owner = _matched(np.where(same, overlap, 0.0))
    items = np.zeros(len(classes) + len(wanted), dtype=ITEM)
    found, truths = items[: len(classes)], items[len(classes) :]
    found["class"], found["score"] = classes, scores
    truths["kind"], truths["class"] = Kind.TRUTH, wanted
    for name in ("score", "confused", "near"):
        truths[name] = -1.0
    hit = np.flatnonzero(owner >= 0)
    truths["score"][hit] = scores[owner[hit]]
    hits = set(owner.tolist())
    for d in range(len(classes)):
        found["other"][d] = classes[d]
        if d in hits:
            continue
        kind, truth = _kind(overlap[d], same[d], taken=owner < d, free=owner < 0)
        found["kind"][d] = kind
        if kind is Kind.CLASSIFICATION:
            found["other"][d] = wanted[truth]
            truths["confused"][truth] = max(truths["confused"][truth], scores[d])
        elif kind is Kind.LOCATION:
            truths["near"][truth] = max(truths["near"][truth], scores[d])
    return items.tobytes()


def _matched(overlap: NDArray[np.float64]) -> Ints:
    """The detection that each ground truth is matched by, −1: none; rows by falling score."""
    owner = np.full(overlap.shape[1], -1, dtype=np.int64)
    rest = overlap.copy()
    for d in np.flatnonzero((overlap >= FOREGROUND).any(axis=1)).tolist():
        # the later of equal ones, as COCO's matching takes it
        best = rest.shape[1] - 1 - int(rest[d, ::-1].argmax())
        if rest[d, best] >= FOREGROUND:
            owner[best] = d
            rest[:, best] = 0.0
    return owner


def _kind(
    overlap: NDArray[np.float64],
    same: NDArray[np.bool_],
    *,
    taken: NDArray[np.bool_],
    free: NDArray[np.bool_],
) -> tuple[Kind, int]:
    """What an unmatched detection is, and the ground truth concerned (0 where there is none)."""
    if not len(overlap):
        return Kind.BACKGROUND, 0
    own, others = np.where(same, overlap, 0.0), np.where(same, 0.0, overlap)
    nearest = int(own.argmax())
    if BACKGROUND <= own[nearest] < FOREGROUND:
        return Kind.LOCATION, nearest
    confused = int(others.argmax())
    if others[confused] >= FOREGROUND:
        return Kind.CLASSIFICATION, confused
    if (np.where(taken & ~free, own, 0.0) >= FOREGROUND).any():
        return Kind.DUPLICATE, nearest
    if overlap.max() <= BACKGROUND:
        return Kind.BACKGROUND, 0
    return Kind.BOTH, confused


@dataclass(frozen=True)
class Errors:
    """The items of any number of images."""

    items: NDArray[np.void]

    @classmethod
    def of(cls, packed: bytes) -> "Errors":
        """From joined `items_of`. Raises NotItems."""
        if len(packed) % ITEM.itemsize:
            raise NotItems(len(packed))
        return cls(np.frombuffer(packed, dtype=ITEM))

    def counts(self, threshold: float) -> dict[str, int]:
        """Errors of each kind by name, in lower case, at a threshold; `missed` among them."""
        kinds = self.items["kind"][self._shown(threshold)]
        found = np.bincount(kinds, minlength=len(Kind))
        named = {kind.name.lower(): int(found[kind]) for kind in ERRORS}
        truths = self._truths()
        best = np.maximum.reduce([truths[name] for name in ("score", "confused", "near")])
        return named | {"missed": int(np.count_nonzero(best < threshold))}

    def confusion(self, threshold: float, *, classes: int) -> Ints:
        """Predicted × reviewed (classes + 1, classes + 1) at a threshold; background is last.

        A detection that lies on a ground truth of another class counts there, whether that is
        matched besides or not; every other error is against background. A ground truth that
        nothing matches or takes for another class is predicted as background.
        """
        side = classes + 1
        shown = self.items[self._shown(threshold)]
        on_truth = (shown["kind"] == Kind.HIT) | (shown["kind"] == Kind.CLASSIFICATION)
        reviewed = np.where(on_truth, shown["other"], classes).astype(np.int64)
        truths = self._truths()
        lost = truths[np.maximum(truths["score"], truths["confused"]) < threshold]
        cells = np.concatenate(
            [
                shown["class"].astype(np.int64) * side + reviewed,
                classes * side + lost["class"].astype(np.int64),
            ]
        )
        return np.bincount(cells, minlength=side * side).reshape(side, side)

    def _shown(self, threshold: float) -> NDArray[np.bool_]:
        shown: NDArray[np.bool_] = (self.items["kind"] != Kind.TRUTH) & (
            self.items["score"] >= threshold
        )
        return shown

    def _truths(self) -> NDArray[np.void]:
        truths: NDArray[np.void] = self.items[self.items["kind"] == Kind.TRUTH]
        return truths


class NotItems(ValueError):
    """Bytes whose length no packed items have."""

    def __init__(self, length: int) -> None:
        super().__init__(f"{length} bytes are no packed items: each has {ITEM.itemsize}")
