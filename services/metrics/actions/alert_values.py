"""What a rule looks at: a metric over windows, now and in all that was."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import RowMapping

from libs.schemas.events import DeploymentChanged
from libs.schemas.values import TaskType
from libs.store.session import Read
from services.metrics.core.alerting import supervised
from services.metrics.core.alerting import windows as sliding
from services.metrics.core.alerting.names import Family, Metric, metric_of, metrics_of
from services.metrics.core.alerting.rules import Condition, Firing, rehearse
from services.metrics.core.alerting.windows import WIDTHS, Windows, last_end
from services.metrics.core.series import Role
from services.metrics.store import alerts, progress, references, rollups

POINTS = 720
_LOOKS = 1_000_000
# Windows looked at in one go: a day of minutes and no more in memory.
_AT_ONCE = 1440

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a rule would have done at each of `checks` checks, from `start` to `end`.

    `times`, `values`: at most `POINTS`; each the worst of its neighbours, None without a value.
    """

    start: datetime
    end: datetime
    checks: int
    firings: list[Firing]
    times: list[datetime]
    values: list[float | None]


async def known_metrics(
    read: Read, organization: UUID, deployment: DeploymentChanged
) -> dict[str, Metric]:
    """The metrics of a deployment by name."""
    standing = await progress.standing(read, organization, deployment.deployment)
    return _metrics(standing, deployment)


async def measured(
    read: Read, organization: UUID, deployment: DeploymentChanged, name: str, windows: Windows
) -> Floats:
    """A metric over each window (N,), NaN where there is nothing to tell it by.

    Raises MetricUnknown.
    """
    standing = await progress.standing(read, organization, deployment.deployment)
    metric = metric_of(name, _metrics(standing, deployment))
    which, span = (organization, deployment.deployment), windows.span
    if metric.family is Family.DRIFT:
        return await _drift(read, organization, standing, metric, windows)
    if metric.family in (Family.QUALITY, Family.REVIEWED):
        rows = await alerts.reviewed_of(read, *which, span.start, span.end)
        return _reviewed(rows, deployment, metric, windows)
    if metric.family in (Family.COUNTED, Family.POOLED):
        model = deployment.champion if metric.role is Role.CHAMPION else deployment.shadow
        if model is None:
            return np.full(windows.count, np.nan)
        answers = await alerts.answers_of(read, *which, span.start, span.end, version=model.version)
        return await asyncio.to_thread(
            _answered, answers, metric, windows,
            classes=len(standing["names"] or []), threshold=model.threshold,
        )  # fmt: skip
    packed = await rollups.charted(read, organization, [deployment.deployment], span)
    buckets = [(at, charted) for _, at, charted in packed]
    return await asyncio.to_thread(
        lambda: sliding.of_buckets(windows.chart(buckets), metric, windows)
    )


async def rehearsed(
    read: Read,
    organization: UUID,
    deployment: DeploymentChanged,
    condition: Condition,
    *,
    now: datetime,
    days: int,
) -> Rehearsal:
    """What a rule would have done in the last days, by what is known of them today.

    It begins when there was a first whole window. Raises MetricUnknown.
    """
    level, width = condition.level, WIDTHS[condition.level]
    last = last_end(now, level)
    first = last_end(now - timedelta(days=days), level) + width
    counted = await alerts.first_bucket(read, organization, deployment.deployment)
    if counted is not None:
        first = max(first, last_end(counted, level) + condition.window)
    metric_of(condition.metric, await known_metrics(read, organization, deployment))
    found: list[tuple[datetime, float]] = []
    if counted is not None:
        at = first
        while at <= last:
            until = min(at + (_AT_ONCE - 1) * width, last)
            windows = Windows.ending(level, condition.window, at, until)
            values = await measured(read, organization, deployment, condition.metric, windows)
            found += zip(windows.ends, values.tolist(), strict=True)
            at = until + width
    return await asyncio.to_thread(_rehearsal, condition, found, first=min(first, last), last=last)


def _rehearsal(
    condition: Condition,
    found: Sequence[tuple[datetime, float]],
    *,
    first: datetime,
    last: datetime,
) -> Rehearsal:
    told = [(time, None if np.isnan(value) else value) for time, value in found]
    each = -(-len(told) // POINTS) or 1
    worst = max if condition.operator.upward else min
    groups = [told[i : i + each] for i in range(0, len(told), each)]
    return Rehearsal(
        start=first,
        end=last,
        checks=len(told),
        firings=rehearse(condition, told),
        times=[group[-1][0] for group in groups],
        values=[
            worst((value for _, value in group if value is not None), default=None)
            for group in groups
        ],
    )


def _metrics(standing: RowMapping, deployment: DeploymentChanged) -> dict[str, Metric]:
    deployed = [deployment.champion, *([deployment.shadow] if deployment.shadow else [])]
    return metrics_of(
        standing["names"] or [],
        list(dict.fromkeys(label for one in deployed for label in one.labels)),
        detection=deployment.type is not TaskType.CLASSIFICATION,
    )


async def _drift(
    read: Read, organization: UUID, standing: RowMapping, metric: Metric, windows: Windows
) -> Floats:
    if standing["id"] is None or standing["ready"] is None:
        return np.full(windows.count, np.nan)
    span = windows.span
    rows = await references.looks(
        read,
        organization,
        standing["deployment"],
        standing["id"],
        span.start,
        span.end,
        limit=_LOOKS,
    )
    times = np.array([row["time"].timestamp() for row in reversed(rows)])
    values = np.array([row["d"] for row in reversed(rows)], dtype=np.float64)
    if metric.which == "ratio":
        n, m = standing["compared"], standing["window"]
        values = values * np.sqrt(n * m / (n + m)) / standing["threshold"]
    return sliding.newest(times, values, windows)


def _reviewed(
    rows: Sequence[RowMapping], deployment: DeploymentChanged, metric: Metric, windows: Windows
) -> Floats:
    """Of the model that has the metric's role now, whichever it had when it answered."""
    times = np.array([row["event_time"].timestamp() for row in rows])
    if metric.family is Family.REVIEWED:
        return sliding.how_many(times, windows)
    deployed = deployment.champion if metric.role is Role.CHAMPION else deployment.shadow
    version = None if deployed is None else deployed.version
    values = [_quality(row, version, detection=metric.which == "ap") for row in rows]
    return sliding.mean(times, np.array(values, dtype=np.float64), windows)


def _answered(
    rows: Sequence[RowMapping],
    metric: Metric,
    windows: Windows,
    *,
    classes: int,
    threshold: float,
) -> Floats:
    """Of what one model answered to the reviewed images."""
    kept = "truth" if metric.which == "macro_f1" else "state"
    rows = [row for row in rows if row[kept] is not None]
    times = np.array([row["event_time"].timestamp() for row in rows])
    if metric.which == "macro_f1":
        pairs = [(row["truth"], row["said"]) for row in rows]
        return supervised.macro_f1(times, pairs, windows)
    states = [row["state"] for row in rows]
    if metric.family is Family.COUNTED:
        return supervised.counted(
            metric.which, times, states, windows, classes=classes, threshold=threshold
        )
    ids = [row["prediction"].bytes for row in rows]
    return supervised.pooled(metric.which, times, ids, states, windows, classes=classes)


def _quality(row: RowMapping, version: UUID | None, *, detection: bool) -> float:
    """An image's AP, or 1 or 0 for right or wrong; NaN where the version says nothing."""
    if version is None:
        return float("nan")
    for role in ("champion", "shadow"):
        if row[f"{role}_version"] == version:
            if detection:
                ap = row[f"{role}_ap"]
                return float("nan") if ap is None else float(ap)
            return float(row[f"{role}_class"] == row["truth"])
    return float("nan")
