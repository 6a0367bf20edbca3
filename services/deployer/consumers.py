"""What the deployer does with events. One group reads the reviews topic: order is the draws'."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from libs.bus.consumer import OK, Drop, Outcome
from libs.schemas.envelope import Received
from libs.schemas.events import (
    DrawClosed,
    DrawOpened,
    ExperimentFinished,
    ExperimentStatus,
    PredictionDeleted,
    PredictionReviewed,
    PredictionSkipped,
    ServingLoaded,
)
from libs.store import jobs
from libs.store.session import Tx
from services.deployer.actions import judging
from services.deployer.actions.pairing import pair
from services.deployer.actions.trials import restart_with
from services.deployer.core.policy import LEAST_UNIFORM
from services.deployer.errors import DeploymentUnknown
from services.deployer.store import deployments, experiments, reviews, trials
from services.deployer.store.deployments import Deployment

ADOPT_JOB = "adopt"
_GONE = Drop("no such deployment")


async def on_experiment_finished(tx: Tx, event: Received[ExperimentFinished]) -> Outcome:
    """The model of a retraining becomes a version: a job, as its file is copied.

    What was trained by hand waits until somebody publishes it.
    """
    data = event.data
    if data.status is not ExperimentStatus.SUCCESS:
        return Drop("the experiment did not succeed")
    await experiments.keep(tx, event.organization, data)
    if data.deployment is None:
        return OK
    await jobs.enqueue(
        tx,
        ADOPT_JOB,
        organization=event.organization,
        key=str(data.experiment),
        subject=data.name,
        payload=msgspec.to_builtins(data),
    )
    return OK


async def on_reviewed(tx: Tx, events: Sequence[Received[PredictionReviewed]]) -> Sequence[Outcome]:
    """Keep the losses of both models, then look: once a deployment, however many came at once."""
    outcomes: dict[int, Outcome] = {}
    for organization, deployment_id in _in_order(events):
        mine = [
            (index, event.data)
            for index, event in enumerate(events)
            if (event.organization, event.data.deployment) == (organization, deployment_id)
        ]
        of = await _lock(tx, organization, deployment_id)
        if of is None:
            outcomes |= {index: _GONE for index, _ in mine}
            continue
        touched: set[UUID] = set()
        for index, data in mine:
            paired = await pair(tx, of, data)
            outcomes[index] = OK if paired.newer else Drop("an older review")
            if paired.trial is not None:
                touched.add(paired.trial)
        await _judge(tx, of, touched)
    return [outcomes[index] for index in range(len(events))]


async def on_skipped(tx: Tx, event: Received[PredictionSkipped]) -> Outcome:
    """A drawn image is left out."""
    data = event.data
    of = await _lock(tx, event.organization, data.deployment)
    if of is None:
        return _GONE
    await reviews.skip(tx, event.organization, data.deployment, data.prediction)
    await judging.judge_running(tx, of)
    return OK


async def on_deleted(tx: Tx, event: Received[PredictionDeleted]) -> Outcome:
    """A deleted prediction's losses go."""
    logged = event.data.logged
    of = await _lock(tx, event.organization, logged.deployment)
    if of is None:
        return _GONE
    held = await reviews.find_review(tx, event.organization, of.id, logged.prediction)
    await reviews.delete_review(tx, event.organization, of.id, logged.prediction)
    touched = set()
    if held is not None and held["candidate"] is not None:
        pairs = await trials.of_pair(
            tx, of.organization, of.id, champion=held["champion"], candidate=held["candidate"]
        )
        touched = {trial.id for trial in pairs if trial.ended is None or trial.promoted}
    await _judge(tx, of, touched)
    return OK


async def on_draw_opened(tx: Tx, event: Received[DrawOpened]) -> Outcome:
    """Keep the draw: its order is the order of the verdict."""
    data = event.data
    of = await _lock(tx, event.organization, data.deployment)
    if of is None:
        return _GONE
    if data.uniform < LEAST_UNIFORM:
        return Drop("the draw's weights have no bound")
    await reviews.open_draw(tx, event.organization, data)
    trial = await trials.running(tx, of.organization, of.id)
    if trial is not None and data.uniform < trial.policy.uniform:
        await restart_with(tx, of, trial, uniform=data.uniform, since=data.opened_time)
    await judging.judge_running(tx, of)
    return OK


async def on_draw_closed(tx: Tx, event: Received[DrawClosed]) -> Outcome:
    """What was not served is not waited for."""
    data = event.data
    of = await _lock(tx, event.organization, data.deployment)
    if of is None:
        return _GONE
    await reviews.close_draw(
        tx, event.organization, data.deployment, draw_id=data.draw, served=data.served
    )
    await judging.judge_running(tx, of)
    return OK


async def on_loaded(tx: Tx, event: Received[ServingLoaded]) -> Outcome:
    """Keep why a version could not be loaded, until it can."""
    data = event.data
    of = await _lock(tx, event.organization, data.deployment)
    if of is None:
        return _GONE
    await deployments.record_loading(
        tx,
        event.organization,
        data.deployment,
        role=data.role,
        version=data.version,
        error=data.error,
    )
    return OK


async def _judge(tx: Tx, of: Deployment, touched: set[UUID]) -> None:
    """Look at trials; a promotion ends the deployment's state that we hold, so it comes last."""
    present = await trials.running(tx, of.organization, of.id)
    for trial in sorted(touched - ({present.id} if present else set())):
        await judging.judge_trial(tx, of, trial)
    if present is not None:
        await judging.judge(tx, of, present)


async def _lock(tx: Tx, organization: UUID, deployment: UUID) -> Deployment | None:
    try:
        return await deployments.lock(tx, organization, deployment)
    except DeploymentUnknown:
        return None


def _in_order(events: Iterable[Received[PredictionReviewed]]) -> list[tuple[UUID, UUID]]:
    """Deployments by id: two transactions that lock several do so in one order."""
    return sorted({(event.organization, event.data.deployment) for event in events})
