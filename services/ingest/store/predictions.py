"""Predictions: stored as they are consumed, with their images, and counted in the books."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.envelope import Received
from libs.schemas.events import PredictionLogged
from libs.store.session import Tx
from services.ingest.core.counting import Counted
from services.ingest.store import counting
from services.ingest.tables import data, prediction


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
    made = await tx.execute(
        insert(prediction).on_conflict_do_nothing().returning(prediction.c.id),
        [_prediction_row(organization, event) for event in first.values()],
    )
    new = {row[0] for row in made}
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


def _prediction_row(organization: UUID, event: PredictionLogged) -> dict[str, Any]:
    logged = event.logged
    return {
        "deployment": logged.deployment,
        "id": logged.prediction,
        "organization": organization,
        "data": logged.data,
        "has_shadow": logged.shadow is not None,
        "width": logged.width,
        "height": logged.height,
        "event_time": logged.event_time,
        "receive_time": logged.receive_time,
    }


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
