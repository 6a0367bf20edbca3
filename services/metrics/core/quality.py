"""Quality on reviewed images from what was kept of each: match states, or class indices."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from libs.vision.ap import pooled
from libs.vision.state import Columns
from services.metrics.core.classification import Confusion

_AREAS = ("small", "medium", "large")
_AT_HALF = np.uint64(1)  # the bit of all areas and IoU 0.5


def detection(states: Sequence[bytes], *, classes: int, threshold: float) -> dict[str, Any]:
    """The twelve series over the images, in the order of their ids, and P, R, F1.

    P, R and F1 pool the boxes of all labels with score ≥ `threshold` at IoU 0.5; 0/0 is None.
    """
    quality = pooled(states, classes=classes)
    document: dict[str, Any] = {}
    for short, values in (("ap", quality.ap()), ("ar", quality.ar())):
        document |= {f"{short}_{name}": values[name] for name in ("50_95", "50", "75")}
        document |= {f"{short}_{area}": values[f"50_95_{area}"] for area in _AREAS}
    return document | _at_threshold(b"".join(states), threshold) | {"images": len(states)}


def classification(pairs: Sequence[tuple[int, int | None]], names: Sequence[str]) -> dict[str, Any]:
    """Of (reviewed, predicted) classes: accuracy, confusion, per label and means.

    An image without an answer is wrong, and is in no column of the confusion matrix.
    """
    confusion = Confusion.of(pairs)
    return {
        "accuracy": confusion.accuracy(),
        "confusion": {
            "labels": [names[c] for c in confusion.classes],
            "counts": confusion.counts.tolist(),
        },
        "per_label": [
            {
                "label": names[c],
                "precision": score.precision,
                "recall": score.recall,
                "f1": score.f1,
                "support": score.support,
            }
            for c, score in zip(confusion.classes, confusion.per_label(), strict=True)
        ],
        "macro_f1": confusion.macro_f1(),
        "weighted_f1": confusion.weighted_f1(),
        "images": len(pairs),
    }


def _at_threshold(states: bytes, threshold: float) -> dict[str, float | None]:
    found = Columns.of(states)
    kept = found.scores >= threshold
    tp = int((found.tp[kept] & _AT_HALF).sum())
    predicted = int((found.ignored[kept] & _AT_HALF == 0).sum())
    wanted = int(found.truths[:, 0].sum())
    return {
        "precision": tp / predicted if predicted else None,
        "recall": tp / wanted if wanted else None,
        "f1": 2 * tp / (predicted + wanted) if predicted + wanted else None,
    }
