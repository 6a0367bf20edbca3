"""Predictions as they go: for good, and told to everybody who counted them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Uuid, any_, delete, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from libs.schemas.events import PredictionDeleted
from libs.schemas.values import Logged
from libs.store.session import Read, Tx
from services.review.store import content, draws
from services.review.store.locks import lock_data, lock_deployment, lock_prediction
from services.review.tables import payload, prediction, review, submission, tombstone

_DATA_DELETED = "its image was deleted"


async def was_deleted(
    read: Read, organization: UUID, deployment: UUID, prediction_id: UUID
) -> bool:
    """Whether there was such a prediction: it will not come any more."""
    stone = await read.first(
        select(tombstone.c.id).where(
            tombstone.c.organization == organization,
            tombstone.c.owner == deployment,
            tombstone.c.id == prediction_id,
        )
    )
    return stone is not None


async def remove(
    tx: Tx, organization: UUID, deployment: UUID, prediction_id: UUID, *, reason: str, erase: bool
) -> bool:
    """Delete a prediction for good and tell what it was; False where there is none."""
    await lock_deployment(tx, deployment)
    row = await lock_prediction(tx, organization, deployment, prediction_id)
    if row is None:
        return False
    logged = (await content.logged(tx, organization, deployment, [prediction_id]))[prediction_id]
    latest = await content.latest_review(tx, organization, deployment, prediction_id)
    await bury(tx, organization, prediction_id, owner=deployment, erase=erase)
    await draws.leave(tx, organization, deployment, prediction_id)
    for table in (payload, review, submission):
        await tx.execute(
            delete(table).where(
                table.c.organization == organization,
                table.c.deployment == deployment,
                table.c.prediction == prediction_id,
            )
        )
    await tx.execute(
        delete(prediction).where(
            prediction.c.organization == organization,
            prediction.c.deployment == deployment,
            prediction.c.id == prediction_id,
        )
    )
    await tx.emit(
        PredictionDeleted(logged=logged, review=latest, reason=reason, erase=erase),
        organization=organization,
    )
    return True


async def remove_data(tx: Tx, organization: UUID, data: UUID, *, erase: bool) -> None:
    """Delete the predictions of a Data, also those to come."""
    await lock_data(tx, organization, shared=False)
    await bury(tx, organization, data, owner=organization, erase=erase)
    rows = await tx.all(
        select(prediction.c.deployment, prediction.c.id)
        .where(prediction.c.organization == organization, prediction.c.data == data)
        .order_by(prediction.c.deployment, prediction.c.id)
    )
    for row in rows:
        await remove(
            tx, organization, row["deployment"], row["id"], reason=_DATA_DELETED, erase=erase
        )


async def bury(tx: Tx, organization: UUID, dead: UUID, *, owner: UUID, erase: bool) -> None:
    """Remember that an id was deleted."""
    stone = insert(tombstone).values(
        owner=owner, id=dead, organization=organization, erase=erase, deleted=tx.clock.now()
    )
    await tx.execute(stone.on_conflict_do_nothing())


async def remove_without_data(
    tx: Tx, organization: UUID, deployment: UUID, new: Sequence[Logged]
) -> None:
    """Delete what is new but of a Data that was deleted before it came."""
    of_data = {one.data: one.prediction for one in new}
    stones = await tx.all(
        select(tombstone.c.id, tombstone.c.erase).where(
            tombstone.c.owner == organization,
            tombstone.c.id == any_(literal(list(of_data), ARRAY(Uuid))),
        )
    )
    for row in stones:
        await remove(
            tx, organization, deployment, of_data[row["id"]],
            reason=_DATA_DELETED, erase=row["erase"],
        )  # fmt: skip
