"""A deployment's feedback loop and continuous training, as the existing client sets them up."""

from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from libs.api.compat import compat_router
from libs.api.problems import conflict, invalid, not_found
from libs.api.tokens import Caller
from libs.schemas.events import DeploymentChanged
from libs.store.session import Cause, Tx
from services.feedback.api.pipeline import Parts, Reader, Writer, get_loop, put_loop
from services.feedback.compat.shown import version_json, versions_json
from services.feedback.core.training import (
    DEFAULT_THRESHOLD,
    Training,
    TrainingSet,
)
from services.feedback.dto import LoopDto, Name, training_dto
from services.feedback.errors import DeploymentUnknown
from services.feedback.parts import Feedback
from services.feedback.store import datasets, trainings

router = compat_router()
_PIPELINE = "/api/deployment/{deployment}/pipeline"
_LOOP = "/api/deployment/{deployment}/fl/datasets"
_TRAINING = "/api/deployment/{deployment}/ct/datasets"


class ActiveBody(BaseModel):
    """On or off."""

    active: bool


class VersionBody(BaseModel):
    """A dataset version."""

    dataset_version_id: UUID


class NamedVersionBody(VersionBody):
    """A dataset version under the alias that the training knows it by."""

    name: Name


class IdsBody(BaseModel):
    """Dataset versions to take out."""

    ids: Annotated[list[UUID], Field(max_length=50)]


class TrainingBody(BaseModel):
    """The client sends trigger and threshold together or not at all; without them nothing is
    counted, and a training begins by hand."""

    project_id: UUID
    training_type: Literal["EXPERIMENT"] = "EXPERIMENT"
    experiment_parameters: dict[str, Any]
    trigger: Literal["FEEDBACK_LOOP", "NONE"] = "NONE"
    threshold: Annotated[int, Field(ge=1, le=1_000_000_000)] = DEFAULT_THRESHOLD


@router.post(_PIPELINE + "/fl/setup")
async def set_loop_up(deployment: UUID, parts: Parts, caller: Writer) -> LoopDto:
    """Switch the loop on; the datasets that it has stay."""
    return await toggle_loop(deployment, ActiveBody(active=True), parts, caller)


@router.put(_PIPELINE + "/fl")
async def toggle_loop(deployment: UUID, body: ActiveBody, parts: Parts, caller: Writer) -> LoopDto:
    """Switch the loop on or off."""
    loop = await get_loop(deployment, parts, caller)
    changed = loop.model_copy(update={"active": body.active})
    return await put_loop(deployment, parts, caller, changed)


@router.post(_LOOP)
async def attach_to_loop(
    deployment: UUID, body: VersionBody, parts: Parts, caller: Writer
) -> LoopDto:
    """Reviews go into this version too; its type and labels must agree with the champion's."""
    loop = await get_loop(deployment, parts, caller)
    wanted = list(dict.fromkeys([*loop.dataset_versions, body.dataset_version_id]))
    changed = loop.model_copy(update={"dataset_versions": wanted})
    return await put_loop(deployment, parts, caller, changed)


@router.delete(_LOOP)
async def detach_from_loop(
    deployment: UUID, body: IdsBody, parts: Parts, caller: Writer
) -> LoopDto:
    """Reviews go into these versions no more."""
    loop = await get_loop(deployment, parts, caller)
    left = [one for one in loop.dataset_versions if one not in body.ids]
    changed = loop.model_copy(update={"dataset_versions": left})
    return await put_loop(deployment, parts, caller, changed)


@router.get(_LOOP)
async def list_loop(deployment: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """The versions that reviews go into."""
    loop = await get_loop(deployment, parts, caller)
    async with parts.database.read() as read:
        rows = await datasets.find_versions(read, caller.organization, loop.dataset_versions)
        some = [rows[one] for one in loop.dataset_versions if one in rows]
        items = [{"dataset_version": one} for one in await versions_json(read, some)]
    return {"items": items, "count": len(items)}


@router.post(_PIPELINE + "/ct")
async def set_training_up(
    deployment: UUID, body: TrainingBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """What to train with. It waits for its first dataset version."""
    known = await _deployment(parts, caller, deployment)
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        training = await trainings.find_training(tx, caller.organization, deployment, lock=True)
        settings = replace(
            training.settings,
            active=body.trigger == "FEEDBACK_LOOP",
            project=body.project_id,
            threshold=body.threshold,
            parameters=body.experiment_parameters,
        )
        await trainings.put_training(tx, caller.organization, known.deployment, settings)
        training = await trainings.find_training(tx, caller.organization, deployment)
    return training_dto(training, ()).model_dump()


@router.put(_PIPELINE + "/ct")
async def toggle_training(
    deployment: UUID, body: ActiveBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Switch it on or off."""
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        training = await _training(tx, parts, caller, deployment)
        settings = replace(training.settings, active=body.active)
        await trainings.put_training(tx, caller.organization, deployment, settings)
    return {"active": body.active}


@router.post(_TRAINING)
async def attach_to_training(
    deployment: UUID, body: NamedVersionBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Train with this version too; what had its alias is replaced."""
    known = await _deployment(parts, caller, deployment)
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        training = await trainings.find_training(tx, caller.organization, deployment, lock=True)
        rows = await datasets.find_versions(tx, caller.organization, [body.dataset_version_id])
        if body.dataset_version_id not in rows:
            raise not_found(f"dataset version {body.dataset_version_id}")
        row = rows[body.dataset_version_id]
        if row["type"] != known.type:
            what = f"is for {row['type']}, the deployment for {known.type}"
            raise invalid(f"the dataset version {what}", [("dataset_version_id", what)])
        new = TrainingSet(alias=body.name, dataset_version=body.dataset_version_id, replay=False)
        others = [one for one in training.settings.datasets if one.alias != body.name]
        settings = replace(training.settings, datasets=(*others, new))
        await trainings.put_training(tx, caller.organization, deployment, settings)
        return {"dataset_version": await version_json(tx, row), "name": body.name}


@router.delete(_TRAINING)
async def detach_from_training(
    deployment: UUID, body: IdsBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Train with these versions no more."""
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        training = await _training(tx, parts, caller, deployment)
        left = tuple(
            one for one in training.settings.datasets if one.dataset_version not in body.ids
        )
        settings = replace(training.settings, datasets=left)
        await trainings.put_training(tx, caller.organization, deployment, settings)
    return {"count": len(training.settings.datasets) - len(left)}


async def _deployment(parts: Feedback, caller: Caller, deployment: UUID) -> DeploymentChanged:
    try:
        return await parts.deployment(caller.organization, deployment)
    except DeploymentUnknown as unknown:
        raise not_found(f"deployment {deployment}") from unknown


async def _training(tx: Tx, parts: Feedback, caller: Caller, deployment: UUID) -> Training:
    """A training that was set up, held. Raises Problem 404 or 409."""
    await _deployment(parts, caller, deployment)
    training = await trainings.find_training(tx, caller.organization, deployment, lock=True)
    if training.settings.project is None:
        raise conflict("not-set-up", "set the continuous training up first")
    return training
