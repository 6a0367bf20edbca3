"""Rollups and heat maps: added to under their rows' locks, read as bytes.

Several writers touch a bucket: live, deletes, scoring, re-scoring. Each makes the rows that are
missing, then locks all it needs in one order, so that no two wait for each other in a ring.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    false,
    or_,
    select,
    text,
)

from libs.store.session import Read, Tx
from libs.store.tables import Timestamp
from services.metrics.core import heat as heat_maps
from services.metrics.core.aggregate import Deltas, Heats
from services.metrics.core.buckets import Level, Span
from services.metrics.core.rollup import Bucket
from services.metrics.tables import heat, rollup

_PLACES = (
    bindparam("deployment", type_=Uuid()),
    bindparam("levels", type_=ARRAY(Text())),
    bindparam("buckets", type_=ARRAY(Timestamp)),
)
_OF = bindparam("organization", type_=Uuid())
_LABELS = bindparam("labels", type_=ARRAY(Integer()))

_MAKE = text(
    "INSERT INTO rollup (deployment, level, bucket, organization, charted, rest) "
    "SELECT :deployment, l, b, :organization, ''::bytea, ''::bytea "
    "FROM unnest(:levels, :buckets) AS p(l, b) ON CONFLICT DO NOTHING"
).bindparams(*_PLACES, _OF)
_LOCK = text(
    "SELECT r.level, r.bucket, r.charted, r.rest FROM unnest(:levels, :buckets) AS p(l, b) "
    "JOIN rollup r ON r.deployment = :deployment AND r.level = p.l AND r.bucket = p.b "
    "ORDER BY r.level, r.bucket FOR UPDATE OF r"
).bindparams(*_PLACES)
_WRITE = text(
    "UPDATE rollup r SET charted = p.c, rest = p.r "
    "FROM unnest(:levels, :buckets, :charted, :rest) AS p(l, b, c, r) "
    "WHERE r.deployment = :deployment AND r.level = p.l AND r.bucket = p.b"
).bindparams(
    *_PLACES,
    bindparam("charted", type_=ARRAY(LargeBinary())),
    bindparam("rest", type_=ARRAY(LargeBinary())),
)
_MAKE_HEAT = text(
    "INSERT INTO heat (deployment, level, bucket, label, organization, grid) "
    "SELECT :deployment, l, b, n, :organization, ''::bytea "
    "FROM unnest(:levels, :buckets, :labels) AS p(l, b, n) ON CONFLICT DO NOTHING"
).bindparams(*_PLACES, _OF, _LABELS)
_LOCK_HEAT = text(
    "SELECT h.level, h.bucket, h.label, h.grid "
    "FROM unnest(:levels, :buckets, :labels) AS p(l, b, n) JOIN heat h "
    "ON h.deployment = :deployment AND h.level = p.l AND h.bucket = p.b AND h.label = p.n "
    "ORDER BY h.level, h.bucket, h.label FOR UPDATE OF h"
).bindparams(*_PLACES, _LABELS)
_WRITE_HEAT = text(
    "UPDATE heat h SET grid = p.g FROM unnest(:levels, :buckets, :labels, :grids) AS p(l, b, n, g) "
    "WHERE h.deployment = :deployment AND h.level = p.l AND h.bucket = p.b AND h.label = p.n"
).bindparams(*_PLACES, _LABELS, bindparam("grids", type_=ARRAY(LargeBinary())))


async def add(tx: Tx, organization: UUID, deployment: UUID, deltas: Deltas) -> None:
    """Add to the buckets; what has its sign turned is subtracted."""
    places = sorted(deltas)
    if not places:
        return
    at = _columns(deployment, places)
    await tx.execute(_MAKE.bindparams(organization=organization, **at))
    rows = await tx.all(_LOCK.bindparams(**at))
    charted, rest = [], []
    found = {(row["level"], row["bucket"]): row for row in rows}
    for place in places:
        row = found[place]
        bucket = Bucket.merged([row["charted"], row["rest"]]) + deltas[place]
        over_time, others = bucket.split()
        charted.append(over_time.to_bytes())
        rest.append(others.to_bytes())
    await tx.execute(_WRITE.bindparams(charted=charted, rest=rest, **at))


async def add_heat(
    tx: Tx, organization: UUID, deployment: UUID, heats: Heats, *, sign: int = 1
) -> None:
    """Add covered area to the heat maps, or with sign −1 subtract it."""
    places = sorted(heats)
    if not places:
        return
    at = _columns(deployment, [place[:2] for place in places])
    at["labels"] = [place[2] for place in places]
    await tx.execute(_MAKE_HEAT.bindparams(organization=organization, **at))
    rows = await tx.all(_LOCK_HEAT.bindparams(**at))
    found = {(row["level"], row["bucket"], row["label"]): row["grid"] for row in rows}
    grids = []
    for place in places:
        grid = sign * heats[place]
        before = found[place]
        grids.append(heat_maps.pack(heat_maps.unpack(before) + grid if before else grid))
    await tx.execute(_WRITE_HEAT.bindparams(grids=grids, **at))


async def totals(
    read: Read, organization: UUID, deployment: UUID, spans: Sequence[Span]
) -> tuple[list[bytes], list[bytes]]:
    """The packed buckets of some spans: what is drawn over time, and the rest."""
    rows = await read.all(
        select(rollup.c.charted, rollup.c.rest).where(
            rollup.c.deployment == deployment,
            rollup.c.organization == organization,
            _within(rollup, spans),
        )
    )
    return [row["charted"] for row in rows], [row["rest"] for row in rows]


async def charted(
    read: Read, organization: UUID, deployments: Sequence[UUID], span: Span
) -> list[tuple[UUID, datetime, bytes]]:
    """Deployment, start and packed series over time of each bucket of a span."""
    rows = await read.all(
        select(rollup.c.deployment, rollup.c.bucket, rollup.c.charted).where(
            rollup.c.deployment.in_(deployments),
            rollup.c.organization == organization,
            rollup.c.level == str(span.level),
            rollup.c.bucket >= span.start,
            rollup.c.bucket < span.end,
        )
    )
    return [(row["deployment"], row["bucket"], row["charted"]) for row in rows]


async def heat_grids(
    read: Read, organization: UUID, deployment: UUID, spans: Sequence[Span]
) -> list[tuple[int, bytes]]:
    """Label and packed grid of every heat map of some spans of hours and days."""
    rows = await read.all(
        select(heat.c.label, heat.c.grid).where(
            heat.c.deployment == deployment,
            heat.c.organization == organization,
            _within(heat, spans),
        )
    )
    return [(row["label"], row["grid"]) for row in rows]


def _within(table: Table, spans: Sequence[Span]) -> ColumnElement[bool]:
    return or_(
        false(),
        *(
            and_(
                table.c.level == str(span.level),
                table.c.bucket >= span.start,
                table.c.bucket < span.end,
            )
            for span in spans
        ),
    )


def _columns(deployment: UUID, places: Sequence[tuple[Level, datetime]]) -> dict[str, object]:
    return {
        "deployment": deployment,
        "levels": [str(level) for level, _ in places],
        "buckets": [bucket for _, bucket in places],
    }
