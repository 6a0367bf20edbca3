"""A deployment's numbers of one label, and of each model version, from hours and days."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.store.session import Read
from services.metrics.actions.dashboard import State
from services.metrics.actions.mirrors import refreshed
from services.metrics.core import details, heat
from services.metrics.core.buckets import Span
from services.metrics.core.mirror import Mirror, Packed
from services.metrics.core.ranges import Hours, Range
from services.metrics.core.rollup import Bucket
from services.metrics.core.series import Role
from services.metrics.errors import LabelUnknown
from services.metrics.parts import Metrics

Document = dict[str, Any]


async def of_label(
    parts: Metrics,
    read: Read,
    organization: UUID,
    deployment: UUID,
    asked: Range,
    *,
    state: State,
    label: str,
    role: Role,
) -> Document:
    """One label's numbers. Raises LabelUnknown."""
    if label not in state.names:
        raise LabelUnknown(label)
    index = state.names.index(label)
    spans = asked.hours.spans
    mirror = await refreshed(
        parts, read, organization, deployment, moved=state.moved, spans=spans, heat=spans
    )
    stored = _stored(mirror, spans)
    mine = [one for span in spans for one in mirror.heats(span) if one[0] == index]

    def put_together() -> Document:
        points, total = _points(stored, asked.hours)
        grid = heat.summed(mine).get(index) if role is Role.CHAMPION else None
        return details.of_label(
            points, total, grid, label=index, count=asked.hours.count, role=role
        )

    return {"label": label, **_axis(asked.hours), **await asyncio.to_thread(put_together)}


async def of_versions(
    parts: Metrics, read: Read, organization: UUID, deployment: UUID, asked: Range, *, state: State
) -> Document:
    """Each version that answered in the range."""
    spans = asked.hours.spans
    mirror = await refreshed(
        parts, read, organization, deployment, moved=state.moved, spans=spans, heat=[]
    )
    stored = _stored(mirror, spans)

    def put_together() -> list[Document]:
        points, total = _points(stored, asked.hours)
        return details.of_versions(
            points, total, versions=state.versions, names=state.names, count=asked.hours.count
        )

    return {**_axis(asked.hours), "versions": await asyncio.to_thread(put_together)}


def _stored(mirror: Mirror, spans: Sequence[Span]) -> list[tuple[datetime, Packed]]:
    return [one for span in spans for one in mirror.buckets(span)]


def _points(
    stored: Sequence[tuple[datetime, Packed]], hours: Hours
) -> tuple[list[tuple[int, Bucket]], Bucket]:
    """The point each bucket belongs to, and the sum of all."""
    points = [
        ((start - hours.first) // hours.width, Bucket.merged([packed.charted, packed.rest]))
        for start, packed in stored
    ]
    return points, Bucket.total([bucket for _, bucket in points])


def _axis(hours: Hours) -> Document:
    step = hours.width
    return {
        "bucket_seconds": int(step.total_seconds()),
        "t": [int((hours.first + i * step).timestamp()) for i in range(hours.count)],
    }
