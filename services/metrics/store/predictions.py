"""One row a prediction: what was counted, so that it is counted once and can be taken back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Double,
    Integer,
    LargeBinary,
    RowMapping,
    Text,
    Uuid,
    bindparam,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.values import Logged
from libs.store.session import Read, Tx
from libs.store.tables import Timestamp
from services.metrics.core.content import Content, pack
from services.metrics.tables import prediction

_COLUMNS: dict[str, Any] = {
    "ids": Uuid(),
    "data": Uuid(),
    "times": Timestamp,
    "latencies": Double(),
    "boxes": Integer(),
    "contents": LargeBinary(),
    "pictures": Text(),
    "pending": Boolean(),
}
_INSERT = text(
    "INSERT INTO prediction (deployment, organization, id, data, event_time, latency, boxes, "
    "content, picture, pending, deleted) "
    "SELECT :deployment, :organization, p.*, false "
    "FROM unnest(:ids, :data, :times, :latencies, :boxes, :contents, :pictures, :pending) AS p "
    "ON CONFLICT DO NOTHING RETURNING id"
).bindparams(
    bindparam("deployment", type_=Uuid()),
    bindparam("organization", type_=Uuid()),
    *(bindparam(name, type_=ARRAY(kind)) for name, kind in _COLUMNS.items()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A prediction with what it adds to the numbers."""

    logged: Logged
    content: Content


async def insert_counted(
    tx: Tx, organization: UUID, deployment: UUID, counted: Sequence[Counted]
) -> set[UUID]:
    """Store predictions of one deployment, each id once; returns those that are new."""
    logged = [one.logged for one in counted]
    made = await tx.execute(
        _INSERT.bindparams(
            deployment=deployment,
            organization=organization,
            ids=[one.prediction for one in logged],
            data=[one.data for one in logged],
            times=[one.event_time for one in logged],
            latencies=[one.champion.latency for one in logged],
            boxes=[len(one.content.champion.classes) for one in counted],
            contents=[pack(one.content) for one in counted],
            pictures=[one.picture and one.picture.key for one in logged],
            pending=[one.picture is not None for one in logged],
        )
    )
    return {row[0] for row in made}


async def lock(
    tx: Tx, organization: UUID, deployment: UUID, ids: Collection[UUID]
) -> list[RowMapping]:
    """Rows of predictions, tombstones left out, locked in one order."""
    return await tx.all(
        select(prediction)
        .where(
            prediction.c.deployment == deployment,
            prediction.c.organization == organization,
            prediction.c.id.in_(ids),
            prediction.c.deleted.is_(other=False),
        )
        .order_by(prediction.c.id)
        .with_for_update()
    )


async def bury(tx: Tx, organization: UUID, logged: Logged) -> RowMapping | None:
    """Make a prediction a tombstone; returns its row before, None where there was none."""
    emptied = {
        "deleted": True,
        "content": b"",
        "picture": None,
        "pending": False,
        "reference": None,
        "outlier": None,
        "alarm": None,
        "features": None,
        "embedding": None,
    }
    mine = prediction.c.deployment == logged.deployment, prediction.c.id == logged.prediction
    await tx.execute(
        insert(prediction)
        .values(
            deployment=logged.deployment,
            id=logged.prediction,
            organization=organization,
            data=logged.data,
            event_time=logged.event_time,
            latency=0.0,
            boxes=0,
            **emptied,
        )
        .on_conflict_do_nothing()
    )
    row = await tx.first(
        select(prediction).where(*mine, prediction.c.organization == organization).with_for_update()
    )
    if row is None or row["deleted"]:
        return None
    await tx.execute(update(prediction).where(*mine).values(emptied))
    return row


async def is_buried(read: Read, organization: UUID, deployment: UUID, prediction_id: UUID) -> bool:
    """Whether a prediction was deleted."""
    return bool(
        await read.scalar(
            select(prediction.c.deleted).where(
                prediction.c.deployment == deployment,
                prediction.c.id == prediction_id,
                prediction.c.organization == organization,
            )
        )
    )


async def replace_content(tx: Tx, deployment: UUID, prediction_id: UUID, content: Content) -> None:
    """Keep what is counted of a prediction now."""
    await tx.execute(
        update(prediction)
        .where(prediction.c.deployment == deployment, prediction.c.id == prediction_id)
        .values(content=pack(content))
    )


async def forget_picture(tx: Tx, organization: UUID, data: UUID, *, erase: bool) -> None:
    """An image is gone: it cannot be scored any more; `erase` takes its embedding too."""
    gone: dict[str, object] = {"picture": None, "pending": False}
    if erase:
        gone["embedding"] = None
    await tx.execute(
        update(prediction)
        .where(
            prediction.c.data == data,
            prediction.c.organization == organization,
            prediction.c.picture.is_not(None),
        )
        .values(gone)
    )


async def newest_contents(
    read: Read, organization: UUID, deployment: UUID, start: datetime, end: datetime, *, limit: int
) -> list[RowMapping]:
    """What was counted of the newest predictions of a range, newest first."""
    return await read.all(
        select(prediction.c.content, prediction.c.outlier)
        .where(
            prediction.c.deployment == deployment,
            prediction.c.organization == organization,
            prediction.c.deleted.is_(other=False),
            prediction.c.event_time >= start,
            prediction.c.event_time < end,
        )
        .order_by(prediction.c.event_time.desc(), prediction.c.id.desc())
        .limit(limit)
    )


async def newest(
    read: Read, organization: UUID, deployment: UUID, start: datetime, end: datetime, *, limit: int
) -> list[RowMapping]:
    """The newest predictions of a range, newest first: what points and cards show."""
    return await read.all(
        select(
            prediction.c.id,
            prediction.c.data,
            prediction.c.event_time,
            prediction.c.latency,
            prediction.c.boxes,
            prediction.c.outlier,
        )
        .where(
            prediction.c.deployment == deployment,
            prediction.c.organization == organization,
            prediction.c.deleted.is_(other=False),
            prediction.c.event_time >= start,
            prediction.c.event_time < end,
        )
        .order_by(prediction.c.event_time.desc(), prediction.c.id.desc())
        .limit(limit)
    )
