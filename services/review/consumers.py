"""What review does with events.

Topics are read at their own pace: a score or a shadow's answer may come before its prediction.
It is kept until then (`early`), so nobody waits and nothing is lost.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import TypeVar
from uuid import UUID

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
from services.review.core.disagreement import Models
from services.review.parts import Reviews
from services.review.store import content, deletions, draws, listing, predictions, submissions

E = TypeVar("E", PredictionLogged, PredictionShadowLogged, PredictionsScored)


async def on_logged(
    parts: Reviews, tx: Tx, events: Sequence[Received[PredictionLogged]]
) -> Sequence[Outcome]:
    """Store predictions; those with a picture wait for the next draw."""
    for (organization, deployment), some in groupby(_by_deployment(events), key=_owner):
        await predictions.add(
            tx,
            organization,
            deployment,
            [e.data.logged for e in some],
            models=_models(parts, deployment),
        )
    parts.arrivals.set()
    return [OK] * len(events)


async def on_shadow_logged(
    parts: Reviews, tx: Tx, events: Sequence[Received[PredictionShadowLogged]]
) -> Sequence[Outcome]:
    """Add shadows' answers; where the prediction is reviewed, say so again with the shadow."""
    for event in _by_deployment(events):
        owner, one = _owner(event), event.data.prediction
        models = _models(parts, event.data.deployment)
        logged = await predictions.add_shadow(
            tx, *owner, one, shadow=event.data.shadow, models=models
        )
        review = await content.latest_review(tx, *owner, one) if logged is not None else None
        if logged is not None and review is not None:
            await tx.emit(
                PredictionReviewed(logged=logged, review=review), organization=event.organization
            )
    return [OK] * len(events)


async def on_scored(tx: Tx, events: Sequence[Received[PredictionsScored]]) -> Sequence[Outcome]:
    """Store outlier scores."""
    for event in _by_deployment(events):
        await predictions.score(tx, *_owner(event), event.data.scores)
    return [OK] * len(events)


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
    """Remember the labelmaps: predictions are filtered by names long after their version.

    A version that was not there before begins the queue anew: what was drawn earlier was not
    looked at by it, and its reviews could not decide about it.
    """
    models = [event.data.champion, event.data.shadow]
    labelmaps = {model.version: model.labels for model in models if model is not None}
    deployment = event.data.deployment
    if await listing.learn_labels(tx, event.organization, deployment, labelmaps):
        await draws.close_all(tx, event.organization, deployment)
    return OK


def _models(parts: Reviews, deployment: UUID) -> Models:
    """What is deployed, by version. None at all: the deployment is not known here yet."""
    found = parts.deployments.get(str(deployment))
    both = () if found is None else (found.data.champion, found.data.shadow)
    return {model.version: model for model in both if model is not None}


def _by_deployment(events: Sequence[Received[E]]) -> list[Received[E]]:
    """Deployments one after the other, each one's events in their order: all who lock several
    deployments lock them in the same order."""
    return sorted(events, key=_owner)


def _owner(event: Received[E]) -> tuple[UUID, UUID]:
    return event.organization, event.data.deployment
