"""A deployment's feedback loop and its continuous training."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from libs.api.app import part
from libs.api.caller import needs
from libs.api.problems import conflict, invalid, not_found, unavailable
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.events import DeploymentChanged
from libs.store.session import Cause, Read
from services.feedback.actions.trainings import fire_by_hand
from services.feedback.core.agreement import Labelled, disagreements
from services.feedback.core.loop import LoopSettings
from services.feedback.dto import (
    ExperimentAccepted,
    LoopDto,
    TrainingBody,
    TrainingDto,
    loop_dto,
    training_dto,
    training_settings,
)
from services.feedback.errors import DeploymentUnknown, NotSettled, TrainingNotSetUp
from services.feedback.parts import Feedback
from services.feedback.store import alarms, datasets, loops, trainings

_ALARMS = 5
router = APIRouter(prefix="/api/feedback/v1/deployments/{deployment}", tags=["feedback"])
Parts = Annotated[Feedback, part(Feedback)]
Reader = Annotated[Caller, needs(Scope.DEPLOYMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.DEPLOYMENTS_WRITE)]
Trainer = Annotated[Caller, needs(Scope.EXPERIMENTS_WRITE)]


@router.get("/feedback-loop")
async def get_loop(deployment: UUID, parts: Parts, caller: Reader) -> LoopDto:
    """Where the deployment's reviews go."""
    await _deployment(parts, caller, deployment)
    async with parts.database.read() as read:
        return loop_dto(await loops.find_loop(read, caller.organization, deployment))


@router.put("/feedback-loop")
async def put_loop(deployment: UUID, parts: Parts, caller: Writer, body: LoopDto) -> LoopDto:
    """Say where the deployment's reviews go; types and labels must agree with its champion's."""
    known = await _deployment(parts, caller, deployment)
    champion = known.champion
    model = Labelled(
        name=f"{champion.name} {champion.number}", type=known.type, labels=champion.labels
    )
    loop = LoopSettings(
        active=body.active,
        automatic=body.automatic,
        dataset_versions=tuple(body.dataset_versions),
    )
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        rows = await datasets.find_versions(tx, caller.organization, loop.dataset_versions)
        errors = []
        for at, version in enumerate(loop.dataset_versions):
            where = f"dataset_versions[{at}]"
            if version not in rows:
                errors.append((where, f"there is no dataset version {version}"))
                continue
            found = disagreements(model, datasets.labelled(rows[version]))
            errors += [(where, sentence) for sentence in found]
        _refuse("dataset versions do not agree with the deployment's champion", errors)
        await loops.put_loop(tx, caller.organization, deployment, loop)
    return loop_dto(loop)


@router.get("/training")
async def get_training(deployment: UUID, parts: Parts, caller: Reader) -> TrainingDto:
    """The deployment's continuous training as it stands."""
    await _deployment(parts, caller, deployment)
    async with parts.database.read() as read:
        return await _training(read, caller, deployment)


@router.put("/training")
async def put_training(
    deployment: UUID, parts: Parts, caller: Writer, body: TrainingBody
) -> TrainingDto:
    """Say what to train on, and when. What was counted stays."""
    known = await _deployment(parts, caller, deployment)
    settings = training_settings(body)
    errors = []
    if settings.active and settings.project is None:
        errors.append(("project", "an active training needs a project"))
    if settings.active and not settings.datasets:
        errors.append(("datasets", "an active training needs a dataset version"))
    aliases = Counter(one.alias for one in settings.datasets)
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        rows = await datasets.find_versions(
            tx, caller.organization, [one.dataset_version for one in settings.datasets]
        )
        for at, one in enumerate(settings.datasets):
            row = rows.get(one.dataset_version)
            if aliases[one.alias] > 1:
                errors.append((f"datasets[{at}].alias", f'"{one.alias}" is there twice'))
            if row is None:
                what = f"there is no dataset version {one.dataset_version}"
                errors.append((f"datasets[{at}].dataset_version", what))
            elif row["type"] != known.type:
                what = f"is for {row['type']}, the deployment for {known.type}"
                errors.append((f"datasets[{at}].dataset_version", what))
        _refuse("the training cannot be set up like this", errors)
        await trainings.put_training(tx, caller.organization, deployment, settings)
        return await _training(tx, caller, deployment)


@router.post("/training/run", status_code=202)
async def run_training(deployment: UUID, parts: Parts, caller: Trainer) -> ExperimentAccepted:
    """Ask for a training now."""
    try:
        experiment = await fire_by_hand(parts, caller.organization, deployment, actor=caller.actor)
    except DeploymentUnknown as unknown:
        raise not_found(f"deployment {deployment}") from unknown
    except TrainingNotSetUp as missing:
        raise conflict("training-not-set-up", str(missing)) from missing
    except NotSettled as changing:
        raise unavailable(str(changing)) from changing
    return ExperimentAccepted(experiment=experiment)


async def _training(read: Read, caller: Caller, deployment: UUID) -> TrainingDto:
    training = await trainings.find_training(read, caller.organization, deployment)
    shown = await alarms.latest(read, caller.organization, deployment, limit=_ALARMS)
    return training_dto(training, shown)


async def _deployment(parts: Feedback, caller: Caller, deployment: UUID) -> DeploymentChanged:
    try:
        return await parts.deployment(caller.organization, deployment)
    except DeploymentUnknown as unknown:
        raise not_found(f"deployment {deployment}") from unknown


def _refuse(detail: str, errors: Sequence[tuple[str, str]]) -> None:
    if errors:
        sentences = "; ".join(what for _, what in errors[:5])
        raise invalid(f"{detail}: {sentences}", errors)
