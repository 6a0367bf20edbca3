"""Pictures whose image is gone."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, delete, select
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.values import Picture
from libs.store.session import Read, Tx
from services.ingest.store.datalake import delete_data, picture_in_use, picture_of
from services.ingest.tables import lost_picture

_PAGE = 100


async def lose_data(tx: Tx, organization: UUID, data_id: UUID) -> RowMapping | None:
    """Delete an image's row and remember its picture as lost; returns the row."""
    row = await delete_data(tx, organization, data_id)
    if row is not None and (picture := picture_of(row)) is not None:
        await _remember(tx, organization, picture)
    return row


async def lost_before(read: Read, time: datetime) -> Sequence[RowMapping]:
    """Some of the pictures that were lost before, longest first."""
    return await read.all(
        select(lost_picture)
        .where(lost_picture.c.since < time)
        .order_by(lost_picture.c.since)
        .limit(_PAGE)
    )


async def settle_lost(tx: Tx, lost: RowMapping) -> bool:
    """Forget that a picture was lost; whether no image has it."""
    await tx.execute(
        delete(lost_picture).where(
            lost_picture.c.organization == lost["organization"],
            lost_picture.c.sha256 == lost["sha256"],
        )
    )
    return not await picture_in_use(tx, lost["organization"], lost["sha256"])


async def _remember(tx: Tx, organization: UUID, picture: Picture) -> None:
    lost = insert(lost_picture).values(
        organization=organization, sha256=picture.sha256, key=picture.key, since=tx.clock.now()
    )
    await tx.execute(
        lost.on_conflict_do_update(
            index_elements=[lost_picture.c.organization, lost_picture.c.sha256],
            set_={"since": lost.excluded.since},
        )
    )
