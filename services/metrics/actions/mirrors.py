"""Rollups as this process holds them, brought up to date by what moved since."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import RowMapping

from libs.store.session import Read
from services.metrics.core.buckets import Level, Span
from services.metrics.core.heat import summed
from services.metrics.core.mirror import Mirror, Packed
from services.metrics.parts import Metrics
from services.metrics.store import rollups

# A process of an older release beside us writes without saying that it moved.
_SECONDS = 300.0


async def refreshed(
    parts: Metrics,
    read: Read,
    organization: UUID,
    deployment: UUID,
    *,
    moved: int,
    spans: Sequence[Span],
    heat: Sequence[Span],
) -> Mirror:
    """The deployment's mirror with these spans in it, heat maps summed, at move `moved` or later.

    Read from it before the next `await`: another request may bring it further.
    """
    now = parts.clock.monotonic()
    mirror = parts.mirrors.of(deployment, upto=moved, now=now, oldest=now - _SECONDS)
    which = organization, deployment
    async with mirror.lock:
        if moved > mirror.upto:
            moves = await rollups.moved_since(read, *which, mirror.upto)
            _put(mirror, [row for row in moves if row["grid"] is None])
            _put_heats(mirror, [row for row in moves if row["grid"] is not None])
            mirror.upto = moved
        missing = mirror.missing(spans)
        if missing:
            rows = await rollups.of_spans(read, *which, missing)
            mirror.hold(missing)
            _put(mirror, rows)
        missing = mirror.missing(heat, heat=True)
        if missing:
            rows = await rollups.heats_of_spans(read, *which, missing)
            mirror.hold(missing, heat=True)
            _put_heats(mirror, rows)
        for span in heat:
            if mirror.sum_of(span) is None:
                sums = await asyncio.to_thread(summed, mirror.heats(span))
                mirror.put_sum(span, sums)
    parts.mirrors.trim()
    return mirror


def _put(mirror: Mirror, rows: Sequence[RowMapping]) -> None:
    for row in rows:
        mirror.put(Level(row["level"]), row["bucket"], Packed(row["charted"], row["rest"]))


def _put_heats(mirror: Mirror, rows: Sequence[RowMapping]) -> None:
    for row in rows:
        mirror.put_heat(Level(row["level"]), row["bucket"], row["label"], grid=row["grid"])
