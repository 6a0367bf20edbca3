"""A dashboard's numbers from packed buckets: all columns, null where there is nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.metrics.core import heat, loghist
from services.metrics.core.agreement import confidence_sequence
from services.metrics.core.charts import Chart
from services.metrics.core.outlier.reference import ALARM
from services.metrics.core.rollup import Bucket
from services.metrics.core.series import (
    RATIO_NAMES,
    SCORE_BINS,
    Count,
    Role,
    Series,
    Sum,
)

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
AREA_BINS, SIZE_BINS = 40, 40
HEAT_MAPS = 16

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was read of a range. `chart`: (point, packed) of the buckets of its chart.

    `labels`: the champion's labelmap; `names`: the register, which `training` counts by too.
    """

    chart: Sequence[tuple[int, bytes]]
    points: int
    totals: Sequence[bytes]
    heats: Mapping[int, heat.Grid]
    names: Sequence[str]
    labels: Sequence[str]
    training: Mapping[str, int] | None
    compared: bool


def predictions_in(charted: Sequence[bytes]) -> int:
    """Predictions that packed buckets count."""
    chart = Chart.of(charted, [0] * len(charted), points=1)
    return int(chart.count(Count.PREDICTIONS)[0])


def document(facts: Facts) -> Document:
    """The columns that come from rollups."""
    chart = Chart.of(
        [packed for _, packed in facts.chart],
        [point for point, _ in facts.chart],
        points=facts.points,
    )
    total = Bucket.merged(facts.totals)
    order = _order(facts, total)
    shadowed = total.count(Count.PREDICTIONS, Role.SHADOW) > 0
    return {
        "predictions": total.count(Count.PREDICTIONS),
        "receive_lag_p95": _number(float(total.quantiles(Series.LAG, 0.95)[0])),
        "volume": chart.count(Count.PREDICTIONS).tolist(),
        "latency": {
            "champion": _latency(chart, Role.CHAMPION),
            "shadow": _latency(chart, Role.SHADOW) if shadowed else None,
            "unit": "s",
        },
        **_answers(facts, chart, total, order, role=Role.CHAMPION),
        "shadow": _answers(facts, chart, total, order, role=Role.SHADOW) if shadowed else None,
        "disagreement": _disagreement(chart, total) if shadowed else None,
        "image_size": {
            "width": _sizes(total, Series.WIDTH, 1.0, 1e5),
            "height": _sizes(total, Series.HEIGHT, 1.0, 1e5),
            "area": _sizes(total, Series.IMAGE_AREA, 1.0, 1e10),
            "ratio": _ratios(total),
        },
        "heat_map": _heat_maps(facts),
        "outlier": _outlier(chart) if facts.compared else None,
        "tone": _tone(chart) if facts.compared else None,
        "global_distribution": _distribution(facts, total, order),
    }


def _answers(
    facts: Facts, chart: Chart, total: Bucket, order: Sequence[int], *, role: Role
) -> Document:
    """What one model's answers are made of."""
    return {
        "labels": {
            "names": [facts.names[label] for label in order],
            "boxes": _by_label(chart, Series.LABEL_BOXES, order, role=role),
            "images": _by_label(chart, Series.LABEL_IMAGES, order, role=role),
        },
        "box_count": _box_counts(total, role),
        "scores": _scores(total, role),
        "box_area": logarithmic(
            *total.histogram(Series.BOX_AREA, role), low=1e-6, high=1.0, bins=AREA_BINS
        ),
    }


def _disagreement(chart: Chart, total: Bucket) -> Document:
    """Images on which champion and shadow differ, of those that both answered.

    `low`, `high`: the 95 % confidence sequence of all images from the range's start up to each
    bucket's end: it may be looked at at any time.
    """
    compared, apart = chart.count(Count.COMPARED), chart.count(Count.DISAGREEMENTS)
    with np.errstate(invalid="ignore"):
        share = np.where(compared > 0, apart / np.maximum(compared, 1), np.nan)
    low, high = confidence_sequence(apart.cumsum(), compared.cumsum())
    n, k = total.count(Count.COMPARED), total.count(Count.DISAGREEMENTS)
    (whole_low,), (whole_high,) = confidence_sequence([k], [n])
    return {
        "compared": compared.tolist(),
        "share": _numbers(share),
        "low": low.tolist(),
        "high": high.tolist(),
        "total": {
            "compared": n,
            "differ": k,
            "share": k / n if n else None,
            "low": float(whole_low),
            "high": float(whole_high),
        },
        "level": 0.95,
    }


def last_day(buckets: Sequence[tuple[datetime, bytes]], hours: Sequence[datetime]) -> Document:
    """A deployment's predictions in each of `hours`, and the p95 of its latency, seconds."""
    at = {hour: i for i, hour in enumerate(hours)}
    chart = Chart.of(
        [packed for _, packed in buckets], [at[hour] for hour, _ in buckets], points=len(hours)
    )
    whole = Chart(1, np.zeros_like(chart.point), chart.keys, chart.values)
    return {
        "last_24h": chart.count(Count.PREDICTIONS).tolist(),
        "latency_p95": _number(float(whole.latency([0.95])[0, 0])),
    }


def _order(facts: Facts, total: Bucket) -> list[int]:
    """Register indices to show: the champion's labels, then others that have boxes."""
    at = {name: index for index, name in enumerate(facts.names)}
    first = [at[label] for label in facts.labels if label in at]
    others = [b for role in Role for b in total.histogram(Series.LABEL_BOXES, role)[0].tolist()]
    return list(dict.fromkeys([*first, *(b for b in others if b < len(facts.names))]))


def _latency(chart: Chart, role: Role) -> Document:
    rows = chart.latency(list(QUANTILES.values()), role)
    return {name: _numbers(row) for name, row in zip(QUANTILES, rows, strict=True)}


def _by_label(chart: Chart, series: Series, order: Sequence[int], *, role: Role) -> list[list[int]]:
    bins, counts = chart.bins(series, role)
    rows = dict(zip(bins.tolist(), counts.tolist(), strict=True))
    return [rows.get(label, [0] * chart.points) for label in order]


def _box_counts(total: Bucket, role: Role) -> Document:
    bins, values = total.histogram(Series.BOX_COUNT, role)
    most = int(bins[-1]) if len(bins) else 0
    counts = np.zeros(most + 1, dtype=np.int64)
    counts[bins] = values
    return {"edges": list(range(most + 2)), "counts": counts.tolist()}


def _scores(total: Bucket, role: Role) -> Document:
    bins, values = total.histogram(Series.SCORE, role)
    counts = np.zeros(SCORE_BINS, dtype=np.int64)
    counts[bins] = values
    return {"edges": [i / SCORE_BINS for i in range(SCORE_BINS + 1)], "counts": counts.tolist()}


def logarithmic(
    index: NDArray[np.int64],
    values: NDArray[np.int64],
    *,
    low: float,
    high: float,
    bins: int,
) -> Document:
    """`bins` bins of equal ratio from `low` to `high`, cut to those with something in them."""
    if not len(index):
        return {"edges": [], "counts": []}
    edges = np.geomspace(low, high, bins + 1)
    at = np.clip(np.searchsorted(edges, loghist.values(index), side="right") - 1, 0, bins - 1)
    counts = np.bincount(at, values, minlength=bins).astype(np.int64)
    first, last = int(at.min()), int(at.max())
    return {
        "edges": edges[first : last + 2].tolist(),
        "counts": counts[first : last + 1].tolist(),
    }


def _sizes(total: Bucket, series: Series, low: float, high: float) -> Document:
    return logarithmic(*total.histogram(series), low=low, high=high, bins=SIZE_BINS)


def _ratios(total: Bucket) -> Document:
    bins, values = total.histogram(Series.RATIO)
    counts = np.zeros(len(RATIO_NAMES), dtype=np.int64)
    counts[bins] = values
    return {"names": list(RATIO_NAMES), "counts": counts.tolist()}


def _heat_maps(facts: Facts) -> Document:
    """Shapes over each cell: covered area in cells, summed over the range's whole hours.

    Of many labels those that cover most; `more` names the others, in the order of the register.
    """
    grids = {
        label: grid
        for label, grid in sorted(facts.heats.items())
        if label < len(facts.names) and grid.any()
    }
    most = sorted(grids, key=lambda label: -int(grids[label].sum()))[:HEAT_MAPS]
    return {
        "size": heat.GRID,
        "labels": [
            {
                "label": facts.names[label],
                "grid": np.round(grids[label].ravel() / heat.ONE, 3).tolist(),
            }
            for label in sorted(most)
        ],
        "more": [facts.names[label] for label in grids if label not in most],
    }


def _outlier(chart: Chart) -> Document:
    scored = chart.count(Count.SCORED)
    middle, high = chart.outlier([0.5, 0.95])
    with np.errstate(invalid="ignore"):
        share = np.where(scored > 0, chart.count(Count.OUTLIERS) / np.maximum(scored, 1), np.nan)
    return {
        "p50": _numbers(middle),
        "p95": _numbers(high),
        "share_alarm": _numbers(share),
        "alarm": 1 - ALARM,
    }


def _tone(chart: Chart) -> Document:
    """Means over the scored images of each bucket."""
    scored = chart.count(Count.SCORED)
    sums = {
        "brightness": Sum.BRIGHTNESS,
        "contrast": Sum.CONTRAST,
        "sharpness": Sum.SHARPNESS,
    }
    return {
        name: _numbers(np.where(scored > 0, chart.sum(which) / np.maximum(scored, 1), np.nan))
        for name, which in sums.items()
    }


def _distribution(facts: Facts, total: Bucket, order: Sequence[int]) -> Document:
    """Shapes by label in production and in the training data: counts, and shares of each."""
    training = facts.training
    names = [facts.names[label] for label in order]
    if training is not None:
        names += [name for name in training if name not in names]
    bins, values = total.histogram(Series.LABEL_BOXES)
    counted = {
        facts.names[b]: v
        for b, v in zip(bins.tolist(), values.tolist(), strict=True)
        if b < len(facts.names)
    }
    return {
        "names": names,
        "training": None if training is None else _shares(training, names),
        "production": _shares(counted, names),
        "training_counts": None if training is None else [training.get(name, 0) for name in names],
        "production_counts": [counted.get(name, 0) for name in names],
    }


def _shares(counts: Mapping[str, int], names: Sequence[str]) -> list[float]:
    whole = sum(counts.values()) or 1
    return [counts.get(name, 0) / whole for name in names]


def _numbers(values: NDArray[np.floating[Any]]) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]


def _number(value: float) -> float | None:
    return None if value != value else value
