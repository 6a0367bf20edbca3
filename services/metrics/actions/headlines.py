"""The headline numbers of an organisation's deployments."""

import asyncio
from datetime import timedelta
from uuid import UUID

import numpy as np
from sqlalchemy import RowMapping

from libs.schemas.events import DeploymentChanged, State
from libs.store.session import Read
from services.metrics.core.buckets import Level, Span, starts
from services.metrics.core.exposition import Headline
from services.metrics.core.rollup import Bucket
from services.metrics.core.series import Count, Series
from services.metrics.parts import Metrics
from services.metrics.store import progress, references, reviews, rollups

_HOUR = timedelta(hours=1)
_MONTH = timedelta(days=30)


async def headlines(parts: Metrics, read: Read, organization: UUID) -> list[Headline]:
    """Of every deployment that is there, by name."""
    known = sorted(
        (
            one.data
            for one in parts.deployments.values()
            if one.organization == organization and one.data.state is not State.DELETED
        ),
        key=lambda deployment: (deployment.name, deployment.deployment),
    )
    wanted = [deployment.deployment for deployment in known]
    now = parts.clock.now()
    this_hour = starts(now)[Level.HOUR]
    counted = await progress.counted(read, organization, wanted)
    span = Span(Level.HOUR, this_hour - _HOUR, this_hour + _HOUR)
    packed: dict[UUID, list[bytes]] = {}
    for of, _, charted in await rollups.charted(read, organization, wanted, span):
        packed.setdefault(of, []).append(charted)
    looks = await references.last_looks(read, organization)
    reviewed = await reviews.counted(read, organization, since=now - _MONTH)

    def put_together() -> list[Headline]:
        return [
            _headline(
                one,
                predictions=counted.get(one.deployment, (0, None))[0],
                recent=Bucket.merged(packed.get(one.deployment, [])),
                look=looks.get(one.deployment),
                reviewed=reviewed.get(one.deployment, 0),
            )
            for one in known
        ]

    return await asyncio.to_thread(put_together)


def _headline(
    deployment: DeploymentChanged,
    *,
    predictions: int,
    recent: Bucket,
    look: RowMapping | None,
    reviewed: int,
) -> Headline:
    p95 = float(recent.quantiles(Series.LATENCY, 0.95)[0])
    drift: dict[str, float | None] = {}
    if look is not None:
        n, m = look["compared"], look["window"]
        drift = {
            "drift_distance": look["d"],
            "drift_threshold": float(look["threshold"] / np.sqrt(n * m / (n + m))),
            "drift_alarm": 1 if look["alarm"] else 0,
        }
    return Headline(
        deployment=str(deployment.deployment),
        name=deployment.name,
        values={
            "predictions": predictions,
            "predictions_last_hour": recent.count(Count.PREDICTIONS),
            "latency_p95_seconds": None if p95 != p95 else p95,
            "outlier_share": _share(recent, Count.OUTLIERS, Count.SCORED),
            "disagreement_share": _share(recent, Count.DISAGREEMENTS, Count.COMPARED),
            "reviewed": reviewed,
            **drift,
        },
    )


def _share(bucket: Bucket, part: Count, whole: Count) -> float | None:
    total = bucket.count(whole)
    return bucket.count(part) / total if total else None
