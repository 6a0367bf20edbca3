"""One label's or one model version's part of a range: by whole hours, as rollups keep it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np

from services.metrics.core import heat, loghist
from services.metrics.core.rollup import Bucket
from services.metrics.core.series import (
    AREA_EDGES,
    SCORE_BINS,
    TWENTIETHS,
    Role,
    Series,
)

Document = dict[str, Any]
Points = Sequence[tuple[int, Bucket]]


def of_label(
    points: Points, total: Bucket, grid: heat.Grid | None, *, label: int, count: int, role: Role
) -> Document:
    """A label's boxes and images at each of `count` points, its scores, areas and heat map.

    `points`: of which point each bucket is; `total`: their sum.
    """
    scores, areas = (
        _dense(total, series, label, bins, role=role)
        for series, bins in (
            (Series.LABEL_SCORE, TWENTIETHS),
            (Series.LABEL_AREA, len(AREA_EDGES) - 1),
        )
    )
    return {
        "boxes": _over_time(points, Series.LABEL_BOXES, label, count, role=role),
        "images": _over_time(points, Series.LABEL_IMAGES, label, count, role=role),
        "scores": {"edges": np.linspace(0, 1, TWENTIETHS + 1).tolist(), "counts": scores},
        "box_area": {"edges": AREA_EDGES.tolist(), "counts": areas},
        "heat_map": None
        if grid is None or not grid.any()
        else np.round(grid.ravel() / heat.ONE, 3).tolist(),
    }


def of_versions(
    points: Points, total: Bucket, *, versions: Sequence[UUID], names: Sequence[str], count: int
) -> list[Document]:
    """Each version that answered, in either role: volume over time, latency, scores, labels."""
    found = []
    for role in Role:
        indices, _ = total.histogram(Series.VERSION_COUNT, role)
        for index in indices.tolist():
            if index >= len(versions):
                continue
            latency = loghist.quantiles(
                *total.of_each(Series.VERSION_LATENCY, index, role), [0.5, 0.95, 0.99]
            )
            volume = np.zeros(count, dtype=np.int64)
            for point, bucket in points:
                volume[point] += bucket.of_each(Series.VERSION_COUNT, index, role)[1].sum()
            labels, boxes = total.of_each(Series.VERSION_LABEL, index, role)
            found.append(
                {
                    "version": versions[index],
                    "role": role.name.lower(),
                    "predictions": int(volume.sum()),
                    "volume": volume.tolist(),
                    "latency": dict(
                        zip(("p50", "p95", "p99"), _numbers(latency.tolist()), strict=True)
                    ),
                    "scores": {
                        "edges": [i / SCORE_BINS for i in range(SCORE_BINS + 1)],
                        "counts": _dense(total, Series.VERSION_SCORE, index, SCORE_BINS, role=role),
                    },
                    "labels": [
                        {"label": names[label], "boxes": n}
                        for label, n in zip(labels.tolist(), boxes.tolist(), strict=True)
                        if label < len(names)
                    ],
                }
            )
    return found


def _over_time(points: Points, series: Series, label: int, count: int, *, role: Role) -> list[int]:
    row = np.zeros(count, dtype=np.int64)
    for point, bucket in points:
        bins, values = bucket.histogram(series, role)
        row[point] += values[bins == label].sum()
    return row.tolist()


def _dense(total: Bucket, series: Series, of: int, bins: int, *, role: Role) -> list[int]:
    counts = np.zeros(bins, dtype=np.int64)
    index, values = total.of_each(series, of, role)
    counts[index] = values
    return counts.tolist()


def _numbers(values: Sequence[float]) -> list[float | None]:
    return [None if value != value else value for value in values]
