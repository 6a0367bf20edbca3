"""What reviews say of one model over windows that slide, from what was kept of each image."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from libs.vision.groups import of_groups
from services.metrics.core.alerting.windows import Windows, edges
from services.metrics.core.supervised.detections import Detections

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Images of all windows together that are pooled in one go: a second's work or so.
MOST_POOLED = 100_000


def counted(
    which: str,
    times: Floats,
    states: Sequence[bytes],
    windows: Windows,
    *,
    classes: int,
    threshold: float,
) -> Floats:
    """`precision`, `recall` or `f1` of all boxes of each window's images (N,); 0/0 is NaN.

    `times`, ascending, and packed match `states` of the images.
    """
    of_image = Detections.of(states, classes=classes, threshold=threshold).of_image
    tp, shown, wanted = _sums(of_image, times, windows).T
    match which:
        case "precision":
            return _ratio(tp, shown)
        case "recall":
            return _ratio(tp, wanted)
        case _:
            return _ratio(2 * tp, shown + wanted)


def macro_f1(times: Floats, pairs: Sequence[tuple[int, int | None]], windows: Windows) -> Floats:
    """Mean F1 of the labels that each window has (N,), of (reviewed, predicted) classes.

    Labels that were reviewed or predicted in it; NaN without any.
    """
    truth = np.array([t for t, _ in pairs], dtype=np.int64)
    said = np.array([-1 if p is None else p for _, p in pairs], dtype=np.int64)
    total, present = np.zeros(windows.count), np.zeros(windows.count)
    for c in np.unique(np.concatenate([truth, said[said >= 0]])).tolist():
        there, shown = truth == c, said == c
        per = np.stack([there & shown, there, shown], axis=1).astype(np.float64)
        tp, wanted, predicted = _sums(per, times, windows).T
        total += np.nan_to_num(_ratio(2 * tp, wanted + predicted))
        present += wanted + predicted > 0
    return _ratio(total, present)


def pooled(
    which: str,
    times: Floats,
    ids: Sequence[bytes],
    states: Sequence[bytes],
    windows: Windows,
    *,
    classes: int,
) -> Floats:
    """AP or AR by its name (`ap_50_95`, `ar_small` …), pooled over each window's images (N,).

    Windows that hold the same images are pooled once. Where all windows together hold more than
    `MOST_POOLED` images, some are left out evenly and have the value of the one before.
    """
    low, high = edges(times, windows)
    rank = np.argsort(np.argsort(np.array(ids, dtype="S16"), kind="stable"))
    new = np.flatnonzero((np.diff(low, prepend=-1) != 0) | (np.diff(high, prepend=-1) != 0))
    each = max(-(-int((high - low)[new].sum()) // MOST_POOLED), 1)
    done = new[::each]
    groups = [a + np.argsort(rank[a:b]) for a, b in zip(low[done], high[done], strict=True)]
    kind: Literal["ap", "ar"] = "ap" if which.startswith("ap_") else "ar"
    series = which[3:] if which[3:].startswith(("50", "75")) else f"50_95_{which[3:]}"
    values = of_groups(states, groups, classes=classes, kind=kind, series=series)
    return values[np.searchsorted(done, np.arange(windows.count), side="right") - 1]


def _sums(of_image: Floats, times: Floats, windows: Windows) -> Floats:
    """Sums of the rows (I, K) of each window's images: (N, K)."""
    low, high = edges(times, windows)
    running = np.concatenate([np.zeros((1, of_image.shape[1])), np.cumsum(of_image, axis=0)])
    sums: Floats = running[high] - running[low]
    return sums


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
