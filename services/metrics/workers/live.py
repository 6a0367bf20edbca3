"""Tells browsers what moved, at most once a second for each deployment."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import structlog
from opentelemetry.trace import SpanKind

from libs.bus.driver import BusUnavailable
from libs.schemas.envelope import Message, Meta, encode
from libs.schemas.events import SeriesAdvanced
from libs.schemas.ids import uuid7
from libs.store.faults import is_transient
from libs.store.leases import acquire
from libs.telemetry.tracing import current_traceparent, span
from services.metrics.parts import Metrics
from services.metrics.store import progress

FAMILIES = {
    "logged": ("volume", "latency", "labels", "heat_map"),
    "scored": ("outlier", "drift"),
    "reviewed": ("quality",),
    "referenced": ("reference",),
}

_SECONDS = 1.0
_LEASE = timedelta(seconds=10)
_OVERLAP = timedelta(seconds=30)  # a transaction may commit long after its clock was read
log = structlog.get_logger()


async def tell_browsers(parts: Metrics) -> None:
    """Publish what moved, for as long as the process runs; of several processes one does.

    Not through the outbox: a lost one is followed by the next, a late one is worth nothing.
    """
    holder = uuid4()
    told: dict[UUID, tuple[int, ...]] = {}
    since = parts.clock.now()
    while True:
        await asyncio.sleep(_SECONDS)
        now = parts.clock.now()
        try:
            async with parts.database.single() as read:
                rows = await progress.changed_since(read, since - _OVERLAP)
            if rows:
                async with parts.database.begin() as tx:
                    if not await acquire(tx, "live", holder=holder, duration=_LEASE):
                        continue
            messages = []
            for row in rows:
                counts = tuple(row[name] for name in FAMILIES)
                before = told.get(row["deployment"], (0,) * len(FAMILIES))
                moved = [
                    family
                    for families, count, was in zip(FAMILIES.values(), counts, before, strict=True)
                    if count != was
                    for family in families
                ]
                if moved:
                    told[row["deployment"]] = counts
                    event = SeriesAdvanced(
                        deployment=row["deployment"], families=moved, until=row["changed"]
                    )
                    messages.append(_message(parts, row["organization"], event))
            if messages:
                await parts.sink.publish(messages)
            since = now
        except Exception as error:
            if not (is_transient(error) or isinstance(error, BusUnavailable)):
                raise
            log.warning("browsers not told, will be", error=str(error))


def _message(parts: Metrics, organization: UUID, event: SeriesAdvanced) -> Message:
    now = parts.clock.now()
    cause = parts.traces.pop(event.deployment, None)
    with span("series advanced", traceparent=cause, kind=SpanKind.PRODUCER):
        meta = Meta(
            id=uuid7(now),
            source="/sightloop/metrics",
            time=now,
            organization=organization,
            traceparent=current_traceparent() if cause else None,
        )
    return encode(event, meta)
