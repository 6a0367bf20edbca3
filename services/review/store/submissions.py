"""Submissions: reviewed predictions on their way to datasets."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import RowMapping, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import PredictionSubmitted, SubmissionSettled
from libs.store.session import Read, Tx
from services.review.store import content
from services.review.store.locks import lock_deployment, lock_prediction
from services.review.tables import prediction, submission

SUBMIT_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a prediction was not submitted."""

    prediction: UUID
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What became of a call to submit."""

    submitted: int
    refused: list[Refused]


async def all_reviewed(
    read: Read, organization: UUID, deployment: UUID, *, after: UUID | None
) -> list[UUID]:
    """Up to 500 reviewed predictions that are not submitted, nor on their way, by id."""
    on_its_way = (
        select(submission.c.prediction)
        .where(
            submission.c.organization == organization,
            submission.c.deployment == deployment,
            submission.c.prediction == prediction.c.id,
            submission.c.state == "pending",
        )
        .exists()
    )
    query = select(prediction.c.id).where(
        prediction.c.organization == organization,
        prediction.c.deployment == deployment,
        prediction.c.status == "REVIEWED",
        ~on_its_way,
    )
    if after is not None:
        query = query.where(prediction.c.id > after)
    rows = await read.all(query.order_by(prediction.c.id).limit(SUBMIT_AT_ONCE))
    return [row["id"] for row in rows]


async def submit(
    tx: Tx,
    organization: UUID,
    deployment: UUID,
    predictions: Sequence[UUID],
    *,
    targets: Sequence[UUID],
) -> Submitted:
    """Send reviewed predictions to the feedback loop; those that cannot go say why."""
    await lock_deployment(tx, deployment)
    rows = await tx.all(
        select(prediction)
        .where(
            prediction.c.organization == organization,
            prediction.c.deployment == deployment,
            prediction.c.id.in_(predictions),
        )
        .order_by(prediction.c.id)
        .with_for_update()
    )
    found = {row["id"]: row for row in rows}
    states = await _states(tx, organization, deployment, predictions)
    refused, going = [], []
    for one in dict.fromkeys(predictions):
        why = _why_not(found.get(one), states.get(one))
        if why is None:
            going.append(one)
        else:
            refused.append(Refused(prediction=one, why=why))
    contents = await content.logged(tx, organization, deployment, going)
    reviews = await content.latest_reviews(tx, organization, deployment, going)
    for one in going:
        await put_pending(
            tx, organization, deployment, one, revision=reviews[one].revision, targets=targets
        )
        await tx.emit(
            PredictionSubmitted(logged=contents[one], review=reviews[one], targets=list(targets)),
            organization=organization,
        )
    return Submitted(submitted=len(going), refused=refused)


async def settle(tx: Tx, organization: UUID, settled: SubmissionSettled) -> bool:
    """Note what the feedback loop made of a submission; False where the prediction is gone.

    One target that took it is enough to be SUBMITTED; a refusal of an earlier revision, or by
    a second target, changes nothing.
    """
    deployment, one = settled.deployment, settled.prediction
    row = await lock_prediction(tx, organization, deployment, one)
    if row is None:
        return False
    held = await find(tx, organization, deployment, one)
    late = held is not None and settled.revision < held["revision"]
    values: dict[str, object]
    if settled.asset is not None:
        await tx.execute(
            update(prediction)
            .where(prediction.c.deployment == deployment, prediction.c.id == one)
            .values(status="SUBMITTED")
        )
        values = {
            "state": "settled",
            "dataset_version": settled.dataset_version,
            "asset": settled.asset,
            "refused": None,
        }
    else:
        values = {"state": "refused", "refused": settled.refused or "refused without a reason"}
    taken = held is not None and held["state"] == "settled"
    if not late and not (taken and held is not None and held["revision"] == settled.revision):
        await _put_submission(
            tx, organization, deployment, one, values | {"revision": settled.revision}
        )
    return True


async def find(
    read: Read, organization: UUID, deployment: UUID, prediction_id: UUID
) -> RowMapping | None:
    """The latest submission of a prediction."""
    return await read.first(
        select(submission).where(
            submission.c.organization == organization,
            submission.c.deployment == deployment,
            submission.c.prediction == prediction_id,
        )
    )


async def put_pending(
    tx: Tx,
    organization: UUID,
    deployment: UUID,
    prediction_id: UUID,
    *,
    revision: int,
    targets: Sequence[UUID],
) -> None:
    """Note that a revision is on its way."""
    await _put_submission(
        tx,
        organization,
        deployment,
        prediction_id,
        {"revision": revision, "state": "pending", "targets": list(targets), "refused": None},
    )


async def _put_submission(
    tx: Tx, organization: UUID, deployment: UUID, prediction_id: UUID, values: dict[str, object]
) -> None:
    row = {"organization": organization, "deployment": deployment, "prediction": prediction_id}
    put = insert(submission).values({"targets": []} | row | values)
    await tx.execute(
        put.on_conflict_do_update(
            index_elements=[submission.c.deployment, submission.c.prediction], set_=values
        )
    )


async def _states(
    read: Read, organization: UUID, deployment: UUID, predictions: Sequence[UUID]
) -> dict[UUID, str]:
    rows = await read.all(
        select(submission.c.prediction, submission.c.state).where(
            submission.c.organization == organization,
            submission.c.deployment == deployment,
            submission.c.prediction.in_(predictions),
        )
    )
    return {row["prediction"]: row["state"] for row in rows}


def _why_not(row: RowMapping | None, state: str | None) -> str | None:
    if row is None:
        return "there is no such prediction"
    if not row["has_picture"]:
        return "its picture was not kept"
    if row["revision"] == 0:
        return "it has no review yet"
    if row["status"] == "SUBMITTED":
        return "it is submitted already"
    if state == "pending":
        return "it is on its way already"
    return None
