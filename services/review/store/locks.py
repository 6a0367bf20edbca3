"""What parts writers of one deployment.

Order of locks: Data of the organisation, deployment (both advisory), prediction, ticket, draw.
What writes to many predictions of a deployment, or adds and removes them, takes the deployment's
first; a review of one prediction takes its row only.
"""

from uuid import UUID

from sqlalchemy import RowMapping, func, select

from libs.store.session import Tx
from services.review.tables import prediction


async def lock_deployment(tx: Tx, deployment: UUID) -> None:
    """Wait for whoever adds, removes or scores predictions of the deployment; until commit."""
    key = int.from_bytes(deployment.bytes[8:], "big", signed=True)
    await tx.execute(select(func.pg_advisory_xact_lock(key)))


async def lock_data(tx: Tx, organization: UUID, *, shared: bool) -> None:
    """Part those who add predictions of Data (shared) from those who delete Data; until commit."""
    key = int.from_bytes(organization.bytes[8:], "big", signed=True)
    lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
    await tx.execute(select(lock(key)))


async def lock_prediction(
    tx: Tx, organization: UUID, deployment: UUID, prediction_id: UUID
) -> RowMapping | None:
    """The prediction's row, ours until commit; None where there is none."""
    return await tx.first(
        select(prediction)
        .where(
            prediction.c.organization == organization,
            prediction.c.deployment == deployment,
            prediction.c.id == prediction_id,
        )
        .with_for_update()
    )
