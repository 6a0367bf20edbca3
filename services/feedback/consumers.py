"""What feedback does with events: it writes jobs."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from libs.bus.consumer import OK, Drop, Outcome
from libs.schemas.envelope import Received
from libs.schemas.events import (
    AlertFired,
    DataDeleted,
    ExperimentFinished,
    PredictionDeleted,
    PredictionReviewed,
    PredictionSubmitted,
)
from libs.store import jobs
from libs.store.session import Tx
from services.feedback.core import loop
from services.feedback.store import alarms, assets, loops, trainings
from services.feedback.workers import erasures, submissions
from services.feedback.workers.submissions import Submission


async def on_submitted(tx: Tx, event: Received[PredictionSubmitted]) -> Outcome:
    """A reviewed prediction goes to the versions named, or to the loop's."""
    logged, review = event.data.logged, event.data.review
    targets: Sequence[UUID] = event.data.targets
    if not targets:
        settings = await loops.find_loop(tx, event.organization, logged.deployment)
        targets = settings.dataset_versions if settings.active else ()
        if not targets:
            why = (
                "the feedback loop names no dataset version"
                if settings.active
                else "the feedback loop is off"
            )
            refused = loop.Outcome(
                deployment=logged.deployment,
                prediction=logged.prediction,
                revision=review.revision,
                dataset_version=None,
                refused=why,
            )
            await loops.settle(tx, event.organization, refused)
            return OK
    await _enqueue(tx, event, targets)
    return OK


async def on_reviewed(tx: Tx, event: Received[PredictionReviewed]) -> Outcome:
    """With an automatic loop a review is a submission."""
    logged, review = event.data.logged, event.data.review
    settings = await loops.find_loop(tx, event.organization, logged.deployment)
    if not (settings.active and settings.automatic and settings.dataset_versions):
        return Drop("the loop is not automatic")
    done = await loops.accepted(
        tx, event.organization, logged.deployment, logged.prediction, revision=review.revision
    )
    if done.issuperset(settings.dataset_versions):
        return Drop("submitted already")
    await _enqueue(tx, event, settings.dataset_versions)
    return OK


async def on_alert_fired(tx: Tx, event: Received[AlertFired]) -> Outcome:
    """An alert of a rule that the training waits for is kept until it is answered."""
    fired = event.data
    if fired.rule is None:
        return Drop("the alert is no rule's")
    training = await trainings.find_training(tx, event.organization, fired.deployment)
    if not training.counter.active or fired.rule not in training.settings.alert_rules:
        return Drop("no training waits for it")
    kept = await alarms.keep(tx, event.organization, fired)
    return OK if kept else Drop("the firing was told before")


async def on_experiment_finished(tx: Tx, event: Received[ExperimentFinished]) -> Outcome:
    """A training that was asked for has ended: the next alert may ask for another."""
    done = event.data
    if done.deployment is None:
        return Drop("no deployment asked for it")
    ended = await trainings.end_crossing(tx, event.organization, done.deployment, done.experiment)
    return OK if ended else Drop("no crossing waits for it")


async def on_data_deleted(tx: Tx, event: Received[DataDeleted]) -> Outcome:
    """An erased image leaves the datasets; one that is only deleted stays in them."""
    if not event.data.erase:
        return Drop("not erased")
    await _erase(tx, event, event.data.data)
    return OK


async def on_prediction_deleted(tx: Tx, event: Received[PredictionDeleted]) -> Outcome:
    """As `on_data_deleted`: a prediction's image is erased with it."""
    if not event.data.erase:
        return Drop("not erased")
    await _erase(tx, event, event.data.logged.data)
    return OK


async def _enqueue(
    tx: Tx,
    event: Received[PredictionSubmitted] | Received[PredictionReviewed],
    targets: Sequence[UUID],
) -> None:
    versions = "a dataset version" if len(targets) == 1 else f"{len(targets)} dataset versions"
    await jobs.enqueue(
        tx,
        submissions.KIND,
        organization=event.organization,
        key=str(event.meta.id),
        subject=f"{event.data.logged.filename} into {versions}",
        payload=Submission.of(event, targets).payload(),
    )


async def _erase(tx: Tx, event: Received[Any], data: UUID) -> None:
    # Before the job runs: what is submitted from now on is refused.
    await assets.remember_erased(tx, event.organization, data)
    await jobs.enqueue(
        tx,
        erasures.KIND,
        organization=event.organization,
        key=str(event.meta.id),
        subject=f"image {data} out of the datasets",
        payload={"data": str(data)},
    )
