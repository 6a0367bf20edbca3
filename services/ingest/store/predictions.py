"""Predictions: stored as they are consumed, with their images, and counted in the books."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Integer,
    RowMapping,
    Uuid,
    bindparam,
    delete,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import TypeEngine

from libs.schemas.envelope import Received
from libs.schemas.events import PredictionLogged
from libs.schemas.values import Logged
from libs.store.session import Tx
from libs.store.tables import Timestamp
from services.ingest.core.counting import Counted
from services.ingest.store import counting
from services.ingest.tables import data, prediction

_COLUMNS: dict[str, TypeEngine[Any]] = {
    "ids": Uuid(),
    "data": Uuid(),
    "shadows": Boolean(),
    "widths": Integer(),
    "heights": Integer(),
    "events": Timestamp,
    "receipts": Timestamp,
}
# One parameter for a column: the statement is the same for every number of predictions.
_INSERT = text(
    "INSERT INTO prediction (deployment, organization, id, data, has_shadow, width, height, "
    "event_time, receive_time) "
    "SELECT :deployment, :organization, p.* "
    "FROM unnest(:ids, :data, :shadows, :widths, :heights, :events, :receipts) AS p "
    "ON CONFLICT DO NOTHING RETURNING id"
).bindparams(
    bindparam("deployment", type_=Uuid()),
    bindparam("organization", type_=Uuid()),
    *(bindparam(name, type_=ARRAY(kind)) for name, kind in _COLUMNS.items()),
)


async def store_logged(
    tx: Tx, organization: UUID, deployment: UUID, events: Sequence[Received[PredictionLogged]]
) -> Counted:
    """Store predictions of one deployment, in order, and count them.

    A record delivered again is not counted again. A prediction sent again is a duplicate: the
    first one stays.
    """
    books = await counting.open_books(tx, organization, deployment, events)
    fresh = [e.data for e in events if books.takes(e.data.boot, e.data.sequence, e.replayed)]
    if not fresh:
        return Counted()
    first = {event.logged.prediction: event for event in reversed(fresh)}
    new = await _insert(tx, organization, deployment, [event.logged for event in first.values()])
    pictures = [_data_row(organization, first[i]) for i in new if first[i].logged.picture]
    if pictures:
        await tx.execute(insert(data).on_conflict_do_nothing(), pictures)
    counted = Counted(stored=len(new), duplicate=len(fresh) - len(new))
    await counting.close_books(tx, organization, deployment, books, counted)
    return counted


async def take_shadow(
    tx: Tx, organization: UUID, deployment: UUID, prediction_id: UUID
) -> RowMapping | None:
    """Mark that a prediction has its shadow. None: no such prediction; else the row before."""
    row = await tx.first(
        select(prediction)
        .where(
            prediction.c.deployment == deployment,
            prediction.c.id == prediction_id,
            prediction.c.organization == organization,
        )
        .with_for_update()
    )
    if row is not None and not row["has_shadow"]:
        await tx.execute(
            update(prediction)
            .where(prediction.c.deployment == deployment, prediction.c.id == prediction_id)
            .values(has_shadow=True)
        )
    return row


async def delete_prediction(
    tx: Tx, organization: UUID, deployment: UUID, prediction_id: UUID
) -> None:
    await tx.execute(
        delete(prediction).where(
            prediction.c.deployment == deployment,
            prediction.c.id == prediction_id,
            prediction.c.organization == organization,
        )
    )


async def _insert(
    tx: Tx, organization: UUID, deployment: UUID, logged: Sequence[Logged]
) -> set[UUID]:
    """Store predictions, each id once; returns those that are new."""
    made = await tx.execute(
        _INSERT.bindparams(
            deployment=deployment,
            organization=organization,
            ids=[one.prediction for one in logged],
            data=[one.data for one in logged],
            shadows=[one.shadow is not None for one in logged],
            widths=[one.width for one in logged],
            heights=[one.height for one in logged],
            events=[one.event_time for one in logged],
            receipts=[one.receive_time for one in logged],
        )
    )
    return {row[0] for row in made}


def _data_row(organization: UUID, event: PredictionLogged) -> dict[str, Any]:
    logged = event.logged
    assert logged.picture is not None
    return {
        "id": logged.data,
        "organization": organization,
        "deployment": logged.deployment,
        "filename": logged.filename,
        "content_type": logged.content_type,
        "width": logged.width,
        "height": logged.height,
        "source": logged.source,
        "tags": logged.tags,
        "metadata": logged.metadata,
        "custom_metadata": logged.custom_metadata,
        "picture_key": logged.picture.key,
        "picture_sha256": logged.picture.sha256,
        "picture_size": logged.picture.size,
        "event_time": logged.event_time,
        "receive_time": logged.receive_time,
    }
