"""Everything that reviews say of one model, under two names.

*On reviewed images*: each reviewed image once. *Production estimate*: the images that a draw
chose, weighted by 1/π, with intervals; images picked by hand have no π and are in the first only.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.metrics.core.supervised import estimate, quality
from services.metrics.core.supervised.classification import Confusion
from services.metrics.core.supervised.detections import Calibration, Detections
from services.metrics.core.supervised.errors import Errors
from services.metrics.core.supervised.estimate import Estimate

Floats = NDArray[np.float64]
Document = dict[str, Any]

MOST_FOR_AP = 2000
MOST_SLICES = 20
SKIPS_SHOWN = 0.02
PRODUCTION, REVIEWED = "production estimate", "on reviewed images"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A reviewed image and one model's answer to it.

    `state`, `items`: what matching found (detection); `truth`, `said`, `score`: class indices and
    the best class's score (classification). `weight`: 1/π, None for one picked by hand. `hour`: of
    the day, UTC.
    """

    state: bytes | None
    items: bytes | None
    truth: int | None
    said: int | None
    score: float | None
    weight: float | None
    block: str | None
    source: str | None
    tags: Sequence[str]
    hour: int


def detection(
    images: Sequence[Reviewed],
    *,
    names: Sequence[str],
    threshold: float,
    skipped: Sequence[float] | None,
) -> Document:
    """A detector; `images` in the order of their ids.

    `skipped`: 1/π of drawn ones that were left out; None: not known of these.
    """
    states = [image.state or b"" for image in images]
    found = Detections.of(states, classes=len(names), threshold=threshold)
    items = [image.items for image in images if image.items is not None]
    errors = Errors.of(b"".join(items))
    confusion = errors.confusion(threshold, classes=len(names))
    present = np.flatnonzero(confusion.any(axis=0) | confusion.any(axis=1)).tolist()
    shown = [c for c in present if c < len(names)]
    cells = [*shown, len(names)]
    drawn, weights, blocks = _drawn(images)
    mine = Detections.of([states[i] for i in drawn], classes=len(names), threshold=threshold)
    named = dict(
        zip(
            ("precision", "recall", "f1"),
            estimate.bootstrapped(mine.ratios, weights, blocks=blocks),
            strict=True,
        )
    ) if len(drawn) else {}  # fmt: skip
    if len(drawn):
        named["image_f1"] = estimate.mean(mine.image_f1, weights)
        named |= _average_precision([states[i] for i in drawn], weights, blocks, names=names)
    tp, predicted, wanted = found.of_image.T.astype(np.int64)

    def of_slice(chosen: NDArray[np.bool_]) -> Document:
        counts = (int(c[chosen].sum()) for c in (tp, predicted, wanted))
        return {**quality.scores(*counts), "image_f1": float(found.image_f1[chosen].mean())}

    return {
        "on_reviewed": {
            "kind": REVIEWED,
            **quality.detection(states, names=names, threshold=threshold),
        },
        "estimate": _estimate(named, weights, skipped, y=mine.image_f1, name="image_f1"),
        "precision_recall": quality.precision_recall(states, names),
        "calibration": _calibration(found.calibration()),
        "confusion": {
            "labels": [*(names[c] for c in shown), "background"],
            "counts": confusion[np.ix_(cells, cells)].tolist(),
            "images": len(items),
        },
        "errors": {"images": len(items), **errors.counts(threshold)},
        "slices": _slices(images, of_slice),
    }


def classification(
    images: Sequence[Reviewed], *, names: Sequence[str], skipped: Sequence[float] | None | None
) -> Document:
    """A classifier; every image has a `truth`."""
    pairs = [(image.truth, image.said) for image in images if image.truth is not None]
    right = np.array([truth == said for truth, said in pairs], dtype=bool)
    answered = np.array([image.score is not None for image in images], dtype=bool)
    scores = np.array([image.score or 0.0 for image in images], dtype=np.float64)
    drawn, weights, blocks = _drawn(images)
    named = {}
    if len(drawn):
        named["accuracy"] = estimate.mean(right[drawn], weights)
        some = [pairs[i] for i in drawn]
        named["macro_f1"] = estimate.bootstrapped(_macro_f1(some), weights, blocks=blocks)[0]

    def of_slice(chosen: NDArray[np.bool_]) -> Document:
        return {"accuracy": float(right[chosen].mean())}

    return {
        "on_reviewed": {"kind": REVIEWED, **quality.classification(pairs, names)},
        "estimate": _estimate(named, weights, skipped, y=right[drawn], name="accuracy"),
        "precision_recall": None,
        "calibration": _calibration(Calibration.of(scores[answered], right[answered])),
        "confusion": None,
        "errors": None,
        "slices": _slices(images, of_slice),
    }


def _drawn(images: Sequence[Reviewed]) -> tuple[list[int], Floats, list[str | None]]:
    """The images that a draw chose: positions, weights and blocks."""
    drawn = [i for i, image in enumerate(images) if image.weight is not None]
    weights = np.array([images[i].weight for i in drawn], dtype=np.float64)
    return drawn, weights, [images[i].block for i in drawn]


def _average_precision(
    states: Sequence[bytes],
    weights: Floats,
    blocks: Sequence[str | None],
    *,
    names: Sequence[str],
) -> dict[str, Estimate]:
    """AP over all images; its interval from 2,000 of them at most (m out of n, sd·√(m/n))."""
    n = len(states)
    whole = Detections.of(states, classes=len(names), threshold=0.0)
    (values,) = whole.average_precision(weights[None, :])
    at = np.arange(n)
    if n > MOST_FOR_AP:
        at = np.sort(np.random.default_rng(0).choice(n, MOST_FOR_AP, replace=False))
    some = Detections.of([states[i] for i in at.tolist()], classes=len(names), threshold=0.0)
    found = estimate.bootstrapped(
        some.average_precision, weights[at], blocks=[blocks[i] for i in at.tolist()]
    )
    named = {}
    for name, value, one in zip(("ap_50_95", "ap_50"), values.tolist(), found, strict=True):
        if value != value:
            named[name] = Estimate()
        elif one.value is None or one.low is None or one.high is None:
            named[name] = Estimate(value)
        else:
            half = max(one.high - one.value, one.value - one.low) * float(np.sqrt(len(at) / n))
            named[name] = Estimate(value, max(value - half, 0.0), min(value + half, 1.0))
    return named


def _macro_f1(pairs: Sequence[tuple[int, int | None]]) -> estimate.Statistic:
    """Macro F1 of a classifier for image weights (B, N): (B, 1)."""
    classes = Confusion.of(pairs).classes
    truth = np.array([[t == c for c in classes] for t, _ in pairs], dtype=np.float64)
    said = np.array([[p == c for c in classes] for _, p in pairs], dtype=np.float64)

    def statistic(weights: Floats) -> Floats:
        whole = weights @ (truth + said)
        f1 = np.divide(
            2 * (weights @ (truth * said)), whole, out=np.zeros_like(whole), where=whole > 0
        )
        mean: Floats = f1.mean(axis=1, keepdims=True)
        return mean

    return statistic


def _estimate(
    named: dict[str, Estimate],
    weights: Floats,
    skipped: Sequence[float] | None,
    *,
    y: NDArray[Any],
    name: str,
) -> Document | None:
    """None where no reviewed image was drawn. `if_skipped`: `name` were all that were skipped
    wrong, and were they all right; only where more than 2 % of the weight was skipped."""
    if not len(weights):
        return None
    left_out, whole = sum(skipped or ()), float(weights.sum())
    share = left_out / (whole + left_out)
    right = float((weights * y).sum())
    ends = [right / (whole + left_out), (right + left_out) / (whole + left_out)]
    return {
        "kind": PRODUCTION,
        "images": len(weights),
        "effective": estimate.effective(weights),
        "numbers": {key: asdict(value) for key, value in named.items()},
        "skipped": None if skipped is None else len(skipped),
        "skipped_share": None if skipped is None else share,
        "if_skipped": {"name": name, "low": ends[0], "high": ends[1]}
        if share > SKIPS_SHOWN
        else None,
    }


def _calibration(found: Calibration) -> Document:
    return {
        "edges": np.linspace(0, 1, len(found.counts) + 1).tolist(),
        "counts": found.counts.tolist(),
        "scores": [None if s != s else s for s in found.scores.tolist()],
        "right": [None if r != r else r for r in found.right.tolist()],
        "error": found.error,
        "by_chance": found.by_chance,
    }


def _slices(
    images: Sequence[Reviewed], of_slice: Callable[[NDArray[np.bool_]], Document]
) -> dict[str, list[Document]]:
    """By source, tag and hour of the day (UTC): the 20 with most images, largest first."""
    members: dict[str, dict[str, list[int]]] = {"source": {}, "tag": {}, "hour": {}}
    for i, image in enumerate(images):
        if image.source is not None:
            members["source"].setdefault(image.source, []).append(i)
        for tag in dict.fromkeys(image.tags):
            members["tag"].setdefault(tag, []).append(i)
        members["hour"].setdefault(f"{image.hour:02d}", []).append(i)
    found: dict[str, list[Document]] = {}
    for by, groups in members.items():
        most = sorted(groups.items(), key=lambda one: (-len(one[1]), one[0]))
        found[by] = []
        for value, some in most if by == "hour" else most[:MOST_SLICES]:
            chosen = np.zeros(len(images), dtype=bool)
            chosen[some] = True
            found[by].append({"name": value, "images": len(some), **of_slice(chosen)})
    return found
