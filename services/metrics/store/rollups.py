"""Rollups and heat maps: added to under their rows' locks, read as bytes.

Several writers touch a bucket: live, deletes, scoring, re-scoring. Each makes the rows that are
missing, then locks all it needs in one order, so that no two wait for each other in a ring.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    LargeBinary,
    RowMapping,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    false,
    null,
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
_MOVED = bindparam("moved", type_=BigInteger())
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
    "UPDATE rollup r SET charted = p.c, rest = p.r, moved = :moved "
    "FROM unnest(:levels, :buckets, :charted, :rest) AS p(l, b, c, r) "
    "WHERE r.deployment = :deployment AND r.level = p.l AND r.bucket = p.b"
).bindparams(
    *_PLACES,
    _MOVED,
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
    "UPDATE heat h SET grid = p.g, moved = :moved "
    "FROM unnest(:levels, :buckets, :labels, :grids) AS p(l, b, n, g) "
    "WHERE h.deployment = :deployment AND h.level = p.l AND h.bucket = p.b AND h.label = p.n"
).bindparams(*_PLACES, _LABELS, _MOVED, bindparam("grids", type_=ARRAY(LargeBinary())))


_BUCKETS = select(rollup.c.level, rollup.c.bucket, rollup.c.charted, rollup.c.rest)
_HEATS = select(heat.c.level, heat.c.bucket, heat.c.label, heat.c.grid)


async def add(tx: Tx, organization: UUID, deployment: UUID, deltas: Deltas, *, moved: int) -> None:
    """Add to the buckets; what has its sign turned is subtracted. `moved`: `progress.advance`."""
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
        # Totals are made of days, hours and minutes: five minutes need no more than charts do.
        rest.append(b"" if place[0] is Level.FIVE_MINUTES else others.to_bytes())
    await tx.execute(_WRITE.bindparams(charted=charted, rest=rest, moved=moved, **at))


async def add_heat(
    tx: Tx, organization: UUID, deployment: UUID, heats: Heats, *, moved: int, sign: int = 1
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
    await tx.execute(_WRITE_HEAT.bindparams(grids=grids, moved=moved, **at))


async def of_spans(
    read: Read, organization: UUID, deployment: UUID, spans: Sequence[Span]
) -> list[RowMapping]:
    """The buckets of some spans."""
    return await read.all(
        _BUCKETS.where(_of(rollup, organization, deployment), _within(rollup, spans))
    )


async def moved_since(
    read: Read, organization: UUID, deployment: UUID, since: int
) -> list[RowMapping]:
    """The buckets and the heat maps (`label`, `grid`; null of a bucket) that moved after a move.

    One statement: a dashboard that is asked for again waits for little else.
    """
    buckets = _BUCKETS.add_columns(
        null().cast(Integer).label("label"), null().cast(LargeBinary).label("grid")
    ).where(_of(rollup, organization, deployment), rollup.c.moved > since)
    maps = select(
        heat.c.level,
        heat.c.bucket,
        null().cast(LargeBinary).label("charted"),
        null().cast(LargeBinary).label("rest"),
        heat.c.label,
        heat.c.grid,
    ).where(_of(heat, organization, deployment), heat.c.moved > since)
    return await read.all(buckets.union_all(maps))


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


async def heats_of_spans(
    read: Read, organization: UUID, deployment: UUID, spans: Sequence[Span]
) -> list[RowMapping]:
    """The heat maps of some spans of hours and days."""
    return await read.all(_HEATS.where(_of(heat, organization, deployment), _within(heat, spans)))


def _of(table: Table, organization: UUID, deployment: UUID) -> ColumnElement[bool]:
    return and_(table.c.deployment == deployment, table.c.organization == organization)


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
