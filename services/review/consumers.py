"""What review does with events.

Topics are read at their own pace: a score or a shadow's answer may come before its prediction.
It is kept until then (`early`), so nobody waits and nothing is lost.
"""

from collections.abc import Sequence
from itertools import groupby

from libs.bus.consumer import OK, Drop, Outcome
from libs.schemas.envelope import Received
from libs.schemas.events import (
    DataDeleted,
    DeploymentChanged,
    PredictionLogged,
    PredictionReviewed,
    PredictionShadowLogged,
    PredictionsScored,
    SubmissionSettled,
)
from libs.store.session import Tx
from services.review.parts import Reviews
from services.review.store import content, deletions, listing, predictions, submissions


async def on_logged(
    parts: Reviews, tx: Tx, events: Sequence[Received[PredictionLogged]]
) -> Sequence[Outcome]:
    """Store predictions; those with a picture wait for the next draw."""
    by_deployment = sorted(events, key=lambda e: (e.organization, e.data.deployment))
    for (organization, deployment), some in groupby(
        by_deployment, key=lambda e: (e.organization, e.data.deployment)
    ):
        await predictions.add(tx, organization, deployment, [e.data.logged for e in some])
    parts.arrivals.set()
    return [OK] * len(events)


async def on_shadow_logged(tx: Tx, event: Received[PredictionShadowLogged]) -> Outcome:
    """Add the shadow's answer; where the prediction is reviewed, say so again with it."""
    told = event.data
    logged = await predictions.add_shadow(
        tx, event.organization, told.deployment, told.prediction, shadow=told.shadow
    )
    if logged is None:
        return OK
    review = await content.latest_review(tx, event.organization, told.deployment, told.prediction)
    if review is not None:
        await tx.emit(
            PredictionReviewed(logged=logged, review=review), organization=event.organization
        )
    return OK


async def on_scored(tx: Tx, event: Received[PredictionsScored]) -> Outcome:
    """Store outlier scores."""
    await predictions.score(tx, event.organization, event.data.deployment, event.data.scores)
    return OK


async def on_settled(tx: Tx, event: Received[SubmissionSettled]) -> Outcome:
    """Note where a submission is, or why it was refused."""
    if await submissions.settle(tx, event.organization, event.data):
        return OK
    return Drop("prediction-deleted")


async def on_data_deleted(tx: Tx, event: Received[DataDeleted]) -> Outcome:
    """Delete the predictions of an image."""
    await deletions.remove_data(tx, event.organization, event.data.data, erase=event.data.erase)
    return OK


async def on_deployment_changed(tx: Tx, event: Received[DeploymentChanged]) -> Outcome:
    """Remember the labelmaps: predictions are filtered by names long after their version."""
    models = [event.data.champion, event.data.shadow]
    labelmaps = {model.version: model.labels for model in models if model is not None}
    await listing.learn_labels(tx, event.organization, event.data.deployment, labelmaps)
    return OK
