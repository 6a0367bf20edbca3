"""Feedback loops, and what became of submissions."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import SubmissionSettled
from libs.store.session import Read, Tx
from services.feedback.core.loop import LoopSettings, Outcome
from services.feedback.tables import feedback_loop, submission

_NOWHERE = UUID(int=0)


async def find_loop(read: Read, organization: UUID, deployment: UUID) -> LoopSettings:
    """A deployment's loop; one that nobody has set up is off."""
    row = await read.first(
        select(feedback_loop).where(
            feedback_loop.c.organization == organization, feedback_loop.c.deployment == deployment
        )
    )
    if row is None:
        return LoopSettings()
    return LoopSettings(
        active=row["active"],
        automatic=row["automatic"],
        dataset_versions=tuple(row["dataset_versions"]),
    )


async def put_loop(tx: Tx, organization: UUID, deployment: UUID, loop: LoopSettings) -> None:
    """Replace a deployment's loop."""
    values = {
        "active": loop.active,
        "automatic": loop.automatic,
        "dataset_versions": list(loop.dataset_versions),
    }
    new = insert(feedback_loop).values(deployment=deployment, organization=organization, **values)
    await tx.execute(
        new.on_conflict_do_update(index_elements=[feedback_loop.c.deployment], set_=values)
    )


async def accepted(
    read: Read, organization: UUID, deployment: UUID, prediction: UUID, *, revision: int
) -> set[UUID]:
    """The versions in which this revision of a review has become an asset."""
    rows = await read.all(
        select(submission.c.dataset_version).where(
            submission.c.organization == organization,
            submission.c.deployment == deployment,
            submission.c.prediction == prediction,
            submission.c.revision == revision,
            submission.c.asset.is_not(None),
        )
    )
    return {row["dataset_version"] for row in rows}


async def settle(tx: Tx, organization: UUID, outcome: Outcome) -> None:
    """Store what became of a submission and tell it. A refusal may be followed by another try."""
    values = {
        "asset": outcome.asset,
        "refused": outcome.refused,
        "settled": tx.clock.now(),
    }
    new = insert(submission).values(
        organization=organization,
        deployment=outcome.deployment,
        prediction=outcome.prediction,
        revision=outcome.revision,
        dataset_version=outcome.dataset_version or _NOWHERE,
        **values,
    )
    await tx.execute(
        new.on_conflict_do_update(index_elements=list(submission.primary_key), set_=values)
    )
    await tx.emit(
        SubmissionSettled(
            deployment=outcome.deployment,
            prediction=outcome.prediction,
            revision=outcome.revision,
            dataset_version=outcome.dataset_version,
            asset=outcome.asset,
            refused=outcome.refused,
        ),
        organization=organization,
    )
