"""Images."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from libs.query.tree import Expression
from libs.schemas.values import Picture
from libs.store.session import Read, Tx
from services.ingest.store.asking import condition
from services.ingest.tables import data, prediction

_MOST_TWINS = 100


async def add_data(tx: Tx, row: dict[str, Any]) -> RowMapping:
    """Store an uploaded image."""
    return (await tx.execute(insert(data).values(row).returning(data))).mappings().one()


async def list_data(
    read: Read,
    organization: UUID,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
    wanted: Expression | None = None,
) -> list[RowMapping]:
    """Images of an organisation that a query wants, newest first, one more than `limit`."""
    query = select(data).where(*_asked(organization, wanted))
    if before is not None:
        query = query.where(tuple_(data.c.event_time, data.c.id) < before)
    return await read.all(
        query.order_by(data.c.event_time.desc(), data.c.id.desc()).limit(limit + 1)
    )


async def count_data(read: Read, organization: UUID, wanted: Expression | None) -> int:
    """How many images a query wants."""
    found = select(func.count()).select_from(data).where(*_asked(organization, wanted))
    return int(await read.scalar(found) or 0)


async def find_ids(
    read: Read, organization: UUID, wanted: Expression | None, *, limit: int
) -> list[UUID]:
    """The newest images that a query wants, one more than `limit`."""
    found = select(data.c.id).where(*_asked(organization, wanted))
    rows = await read.all(
        found.order_by(data.c.event_time.desc(), data.c.id.desc()).limit(limit + 1)
    )
    return [row["id"] for row in rows]


async def prediction_of(read: Read, row: RowMapping) -> UUID | None:
    """The prediction that an image was logged with; None for an uploaded one."""
    if row["deployment"] is None:
        return None
    found: UUID | None = await read.scalar(
        select(prediction.c.id).where(
            prediction.c.organization == row["organization"],
            prediction.c.deployment == row["deployment"],
            # By the index: an image has its prediction's time.
            prediction.c.event_time == row["event_time"],
            prediction.c.data == row["id"],
        )
    )
    return found


async def twins_of(read: Read, row: RowMapping) -> list[UUID]:
    """The newest other images with the same bytes, at most a hundred."""
    if row["picture_sha256"] is None:
        return []
    rows = await read.all(
        select(data.c.id)
        .where(
            data.c.organization == row["organization"],
            data.c.picture_sha256 == row["picture_sha256"],
            data.c.id != row["id"],
        )
        .order_by(data.c.event_time.desc())
        .limit(_MOST_TWINS)
    )
    return [one["id"] for one in rows]


async def find_data(read: Read, organization: UUID, data_id: UUID) -> RowMapping | None:
    """One image."""
    return await read.first(
        select(data).where(data.c.id == data_id, data.c.organization == organization)
    )


async def data_of(tx: Tx, organization: UUID, sha256: str, *, lock: bool) -> RowMapping | None:
    """The newest image with these bytes. `lock`: nobody else who locks makes one meanwhile."""
    if lock:
        name = func.hashtextextended(f"data {organization} {sha256}", 0)
        await tx.execute(select(func.pg_advisory_xact_lock(name)))
    return await tx.first(
        select(data)
        .where(data.c.organization == organization, data.c.picture_sha256 == sha256)
        .order_by(data.c.event_time.desc(), data.c.id.desc())
        .limit(1)
    )


async def delete_data(tx: Tx, organization: UUID, data_id: UUID) -> RowMapping | None:
    """Delete an image's row; returns it."""
    gone = await tx.execute(
        delete(data)
        .where(data.c.id == data_id, data.c.organization == organization)
        .returning(data)
    )
    return gone.mappings().first()


async def picture_in_use(read: Read, organization: UUID, sha256: str) -> bool:
    """Whether any image of the organisation has this picture."""
    return (
        await read.scalar(
            select(data.c.id)
            .where(data.c.organization == organization, data.c.picture_sha256 == sha256)
            .limit(1)
        )
        is not None
    )


def picture_of(row: RowMapping) -> Picture | None:
    """The picture of an image, None where none was kept."""
    if row["picture_key"] is None:
        return None
    return Picture(
        key=row["picture_key"],
        sha256=row["picture_sha256"],
        size=row["picture_size"],
        content_type=row["content_type"],
    )


def _asked(organization: UUID, wanted: Expression | None) -> list[ColumnElement[bool]]:
    ours = [data.c.organization == organization]
    return ours if wanted is None else [*ours, condition(wanted)]
