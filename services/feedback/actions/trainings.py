"""Asking for a training: once per crossing, on contents that have settled."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import RowMapping

from libs.schemas.events import DeploymentChanged, RetrainingTriggered
from libs.schemas.ids import experiment_id
from libs.schemas.values import TrainingDataset
from libs.store.session import Cause, Tx
from services.feedback.actions.settling import settled_version
from services.feedback.core.training import AlarmOutcome, TrainingSettings
from services.feedback.core.trigger import (
    Crossing,
    Skipped,
    by_alert,
    by_hand,
    decide,
    experiment_name,
)
from services.feedback.errors import NotSettled, TrainingNotSetUp
from services.feedback.parts import Feedback
from services.feedback.store import alarms, datasets, trainings

_TRIES = 5


async def fire_if_due(parts: Feedback, organization: UUID, deployment: UUID) -> bool:
    """Ask for the training whose crossing is due; False where none is, or not yet.

    The lock on the training's row makes one crossing one training, whoever looks at it. What was
    counted was committed with its asset, so a version that is settled now holds it.
    """
    known = parts.find_deployment(organization, deployment)
    if known is None:
        return False
    async with parts.database.begin() as tx:
        training = await trainings.find_training(tx, organization, deployment, lock=True)
        crossing = decide(training.counter, parts.clock.now())
        if crossing is None:
            return False
        versions = await _settled(tx, organization, training.settings)
        if versions is None:
            return False
        await _fire(tx, organization, known, training.settings, crossing, versions=versions)
        return True


async def answer_alarm(parts: Feedback, organization: UUID, deployment: UUID, alert: UUID) -> bool:
    """Ask for the training that a firing leads to, or keep why none follows; True where it does.

    A firing is answered once, under its row's lock. While a version has not settled it waits.
    """
    known = parts.find_deployment(organization, deployment)
    if known is None:
        return False
    async with parts.database.begin() as tx:
        training = await trainings.find_training(tx, organization, deployment, lock=True)
        held = await alarms.lock(tx, organization, deployment, alert)
        if held is None:
            return False
        least = training.settings.least_reviewed
        found = by_alert(training.counter, parts.clock.now(), text=held["text"], least=least)
        if isinstance(found, Skipped):
            await alarms.answer(tx, held, AlarmOutcome.SKIPPED, why=found.why, experiment=None)
            return False
        versions = await _settled(tx, organization, training.settings)
        if versions is None:
            return False
        asked = await _fire(tx, organization, known, training.settings, found, versions=versions)
        await alarms.answer(tx, held, AlarmOutcome.STARTED, experiment=asked)
        return True


async def fire_by_hand(
    parts: Feedback, organization: UUID, deployment: UUID, *, actor: str
) -> UUID:
    """Ask for a training now, whatever was counted; returns its experiment.

    Raises:
        DeploymentUnknown, TrainingNotSetUp.
        NotSettled: the datasets change faster than they settle.
    """
    known = await parts.deployment(organization, deployment)
    for _ in range(_TRIES):
        async with parts.database.read() as read:
            training = await trainings.find_training(read, organization, deployment)
        if training.settings.project is None or not training.settings.datasets:
            raise TrainingNotSetUp("say first which project and which datasets to train with")
        for one in training.settings.datasets:
            await settled_version(parts, organization, one.dataset_version)
        async with parts.database.begin(Cause(actor=actor)) as tx:
            training = await trainings.find_training(tx, organization, deployment, lock=True)
            versions = await _settled(tx, organization, training.settings)
            if training.settings.project is not None and versions:
                crossing = by_hand(training.counter)
                return await _fire(
                    tx, organization, known, training.settings, crossing, versions=versions
                )
    raise NotSettled("the datasets of the training are being changed; try again")


async def _settled(
    tx: Tx, organization: UUID, settings: TrainingSettings
) -> Mapping[UUID, RowMapping] | None:
    """The versions of a training, None while one of them has not settled."""
    wanted = {one.dataset_version for one in settings.datasets}
    versions = await datasets.find_versions(tx, organization, wanted)
    if wanted - versions.keys():
        return None
    if any(row["settled"] != row["content"] for row in versions.values()):
        return None
    return versions


async def _fire(
    tx: Tx,
    organization: UUID,
    deployment: DeploymentChanged,
    settings: TrainingSettings,
    crossing: Crossing,
    *,
    versions: Mapping[UUID, RowMapping],
) -> UUID:
    assert settings.project is not None
    experiment = experiment_id(deployment.deployment, crossing.number)
    await trainings.cross(tx, organization, deployment.deployment, crossing, experiment=experiment)
    await tx.emit(
        RetrainingTriggered(
            experiment=experiment,
            deployment=deployment.deployment,
            crossing=crossing.number,
            why=crossing.why,
            name=experiment_name(deployment.name, tx.clock.now()),
            project=settings.project,
            datasets=[
                TrainingDataset(
                    alias=one.alias,
                    dataset_version=one.dataset_version,
                    digest=versions[one.dataset_version]["digest"],
                    manifest=versions[one.dataset_version]["manifest"],
                )
                for one in settings.datasets
            ],
            old=[one.alias for one in settings.datasets if one.replay],
            base_version=deployment.champion.version,
            target_model=deployment.champion.model,
            parameters=dict(settings.parameters),
        ),
        organization=organization,
    )
    return experiment
