"""Reviews and skips."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import (
    PredictionReviewed,
    PredictionSkipped,
    PredictionSubmitted,
)
from libs.schemas.values import Review, ReviewShapes, Start
from libs.store.session import Tx
from services.review.core.lottery import coin, true_start
from services.review.errors import (
    AlreadyReviewed,
    PredictionUnknown,
    ReviewConflict,
    ReviewRefused,
)
from services.review.store import content, draws, submissions
from services.review.store.locks import lock_prediction
from services.review.tables import prediction, review


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a reviewer wants to save. `expected`: the revision he saw; 0: none."""

    shapes: ReviewShapes
    start: Start
    draw: UUID | None
    expected: int
    reviewer: str


async def save(
    tx: Tx, organization: UUID, deployment: UUID, prediction_id: UUID, *, saved: Saved
) -> Review:
    """Save the next revision and tell it; exactly one of several saves on one revision wins.

    A correction of a review that answered a draw stays that draw's, with the start of the
    first: an image is one step of the verdict, however often it is corrected.

    Raises:
        PredictionUnknown, ReviewConflict.
        ReviewRefused: the image is not in the draw that the review names.
    """
    row = await lock_prediction(tx, organization, deployment, prediction_id)
    if row is None:
        raise PredictionUnknown(prediction_id)
    current = await content.latest_review(tx, organization, deployment, prediction_id)
    if row["revision"] != saved.expected:
        raise ReviewConflict(current)
    place = await draws.place_of(tx, organization, deployment, prediction_id)
    if saved.draw is not None and (place is None or place.draw != saved.draw):
        raise ReviewRefused(
            "the image is not in this draw", [("draw", f"is not a draw of {prediction_id}")]
        )
    if current is not None and current.draw is not None:
        draw, pi, start = current.draw, current.pi, current.start
    elif saved.draw is not None and place is not None:
        tossed = coin(prediction_id, saved.draw, has_shadow=row["has_shadow"])
        draw, pi, start = saved.draw, place.pi, true_start(saved.start, tossed)
    else:
        draw, pi, start = None, None, true_start(saved.start, None)
    made = Review(
        shapes=saved.shapes,
        revision=saved.expected + 1,
        reviewer=saved.reviewer,
        reviewed_time=tx.clock.now(),
        start=start,
        draw=draw,
        pi=pi,
    )
    await _store(tx, organization, deployment, prediction_id, made, status=row["status"])
    if draw is not None:
        await draws.answer(tx, organization, deployment, prediction_id, how="REVIEWED")
    return made


async def skip(
    tx: Tx, organization: UUID, deployment: UUID, prediction_id: UUID, *, reason: str
) -> None:
    """Leave a drawn image out, once. An image in no draw is left out anyway: nothing is told.

    Raises:
        PredictionUnknown.
        AlreadyReviewed: its review answered the draw.
    """
    row = await lock_prediction(tx, organization, deployment, prediction_id)
    if row is None:
        raise PredictionUnknown(prediction_id)
    place = await draws.place_of(tx, organization, deployment, prediction_id)
    if place is None or place.answer == "SKIPPED":
        return
    if place.answer is not None:
        raise AlreadyReviewed(prediction_id)
    await draws.answer(tx, organization, deployment, prediction_id, how="SKIPPED")
    await tx.emit(
        PredictionSkipped(
            deployment=deployment,
            prediction=prediction_id,
            draw=place.draw,
            pi=place.pi,
            reason=reason,
        ),
        organization=organization,
    )


async def _store(
    tx: Tx,
    organization: UUID,
    deployment: UUID,
    prediction_id: UUID,
    made: Review,
    *,
    status: str,
) -> None:
    """Store a revision and tell it, also to the datasets that have an earlier one."""
    await tx.execute(
        insert(review).values(
            organization=organization,
            deployment=deployment,
            prediction=prediction_id,
            revision=made.revision,
            content=content.encode(made),
        )
    )
    await tx.execute(
        update(prediction)
        .where(prediction.c.deployment == deployment, prediction.c.id == prediction_id)
        .values(revision=made.revision, status="SUBMITTED" if status == "SUBMITTED" else "REVIEWED")
    )
    logged = (await content.logged(tx, organization, deployment, [prediction_id]))[prediction_id]
    await tx.emit(PredictionReviewed(logged=logged, review=made), organization=organization)
    sent = await submissions.find(tx, organization, deployment, prediction_id)
    if status == "SUBMITTED" or (sent is not None and sent["state"] == "pending"):
        targets = list(sent["targets"]) if sent is not None else []
        await submissions.put_pending(
            tx, organization, deployment, prediction_id, revision=made.revision, targets=targets
        )
        await tx.emit(
            PredictionSubmitted(logged=logged, review=made, targets=targets, correction=True),
            organization=organization,
        )
