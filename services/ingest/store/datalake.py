"""Images."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.values import Picture
from libs.store.session import Read, Tx
from services.ingest.tables import data


async def add_data(tx: Tx, row: dict[str, Any]) -> RowMapping:
    """Store an uploaded image."""
    return (await tx.execute(insert(data).values(row).returning(data))).mappings().one()


async def list_data(
    read: Read, organization: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[RowMapping]:
    """Images of an organisation, newest first, one more than `limit`."""
    query = select(data).where(data.c.organization == organization)
    if before is not None:
        query = query.where(tuple_(data.c.event_time, data.c.id) < before)
    return await read.all(
        query.order_by(data.c.event_time.desc(), data.c.id.desc()).limit(limit + 1)
    )


async def find_data(read: Read, organization: UUID, data_id: UUID) -> RowMapping | None:
    """One image."""
    return await read.first(
        select(data).where(data.c.id == data_id, data.c.organization == organization)
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
