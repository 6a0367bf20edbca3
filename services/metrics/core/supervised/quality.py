"""Quality on reviewed images from what was kept of each: match states, or class indices."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libs.vision.ap import RECALL_POINTS, Quality, pooled
from libs.vision.pool import Pool
from services.metrics.core.supervised.classification import Confusion
from services.metrics.core.supervised.detections import Detections

Document = dict[str, Any]

_AREAS = ("small", "medium", "large")


def detection(states: Sequence[bytes], *, names: Sequence[str], threshold: float) -> Document:
    """The twelve series over the images, in the order of their ids, and P, R, F1.

    P, R and F1 are of the boxes with score ≥ `threshold` at IoU 0.5: all labels together, by
    label, their mean over labels (macro; 0/0 counts 0) and weighted by support. 0/0 is None.
    """
    found = pooled(states, classes=len(names))
    detections = Detections.of(states, classes=len(names), threshold=threshold)
    return _detection(found, detections.of_class, images=len(states), names=names)


def of_pool(pool: Pool, *, names: Sequence[str], threshold: float) -> Document:
    """`detection` of the images in a pool."""
    of_class = pool.counts(threshold, classes=len(names))
    found = pool.quality(classes=len(names))
    return _detection(found, of_class, images=len(pool), names=names)


def _detection(
    found: Quality, of_class: NDArray[np.int64], *, images: int, names: Sequence[str]
) -> Document:
    document: Document = {}
    for short, values in (("ap", found.ap()), ("ar", found.ar())):
        document |= {f"{short}_{name}": values[name] for name in ("50_95", "50", "75")}
        document |= {f"{short}_{area}": values[f"50_95_{area}"] for area in _AREAS}
    tp, shown, wanted = of_class.sum(axis=0).tolist()
    ap_half = found.precision[0, :, :, 0].mean(axis=0)
    per_label = [
        {
            "label": names[c],
            **scores(*counts),
            "support": counts[2],
            "ap_50_95": ap,
            "ap_50": float(ap_half[c]) if counts[2] else None,
        }
        for c, (counts, ap) in enumerate(zip(of_class.tolist(), found.ap_of_classes(), strict=True))
        if counts[1] or counts[2]
    ]
    return {
        **document,
        **scores(tp, shown, wanted),
        "images": images,
        "per_label": per_label,
        **means(per_label),
    }


def precision_recall(states: Sequence[bytes], names: Sequence[str]) -> Document:
    """Precision at 101 recall points at IoU 0.5: mean over labels, and each with ground truth."""
    tensor = pooled(states, classes=len(names)).precision[0, :, :, 0]
    present = [c for c in range(len(names)) if tensor[0, c] > -1]
    return {
        "recall": RECALL_POINTS.tolist(),
        "mean": tensor[:, present].mean(axis=1).tolist() if present else None,
        "labels": [{"label": names[c], "precision": tensor[:, c].tolist()} for c in present],
    }


def scores(tp: int, shown: int, wanted: int) -> dict[str, float | None]:
    """Precision, recall and F1 of counts; 0/0 is None."""
    return {
        "precision": tp / shown if shown else None,
        "recall": tp / wanted if wanted else None,
        "f1": 2 * tp / (shown + wanted) if shown + wanted else None,
    }


def means(per_label: Sequence[dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """`macro`: mean over labels, 0/0 counts 0; `weighted`: by support. None without labels."""
    support = sum(one["support"] for one in per_label)
    documents: dict[str, dict[str, float | None]] = {"macro": {}, "weighted": {}}
    for name in ("precision", "recall", "f1"):
        values = [one[name] or 0.0 for one in per_label]
        total = sum(v * one["support"] for v, one in zip(values, per_label, strict=True))
        documents["macro"][name] = float(np.mean(values)) if values else None
        documents["weighted"][name] = total / support if support else None
    return documents


def classification(pairs: Sequence[tuple[int, int | None]], names: Sequence[str]) -> Document:
    """Of (reviewed, predicted) classes: accuracy, confusion, per label and means.

    An image without an answer is wrong, and is in no column of the confusion matrix.
    """
    confusion = Confusion.of(pairs)
    per_label = [
        {
            "label": names[c],
            "precision": score.precision,
            "recall": score.recall,
            "f1": score.f1,
            "support": score.support,
        }
        for c, score in zip(confusion.classes, confusion.per_label(), strict=True)
    ]
    return {
        "accuracy": confusion.accuracy(),
        "confusion": {
            "labels": [names[c] for c in confusion.classes],
            "counts": confusion.counts.tolist(),
        },
        "per_label": per_label,
        **means(per_label),
        "macro_f1": confusion.macro_f1(),
        "weighted_f1": confusion.weighted_f1(),
        "images": len(pairs),
    }
