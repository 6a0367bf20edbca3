"""Experiments, as the existing client finds and steers them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import RowMapping

from libs.api.app import part
from libs.api.caller import needs
from libs.api.compat import compat_router
from libs.api.compat_asked import mine
from libs.api.problems import not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.events import ExperimentStatus
from libs.store.session import Cause, Tx
from services.trainer.actions import artifacts, external, logging
from services.trainer.api.problems import answered
from services.trainer.compat.projects import DatasetBody, Ids
from services.trainer.compat.shown import STATUSES, attached, experiment_json
from services.trainer.dto import Name
from services.trainer.parts import Trainer
from services.trainer.store.artifacts import artifacts_of

router = compat_router()
Parts = Annotated[Trainer, part(Trainer)]
Reader = Annotated[Caller, needs(Scope.EXPERIMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.EXPERIMENTS_WRITE)]
_EXPERIMENT = "/api/experiment/{experiment}"
_Status = Literal["WAITING", "RUNNING", "SUCCESS", "FAILED", "CANCELED", "TERMINATED"]


class ExperimentChange(BaseModel):
    """What is given is changed."""

    name: Name | None = None
    description: Annotated[str, Field(max_length=10_000)] | None = None
    status: _Status | None = None


class StatusBody(BaseModel):
    """How far the client's own job is."""

    status: _Status


class NamedDataset(DatasetBody):
    """A dataset version under an alias."""

    name: Name


class BaseExperiment(BaseModel):
    """The experiment that this one goes on from."""

    base_experiment_id: UUID


class BaseVersion(BaseModel):
    """The model version that this one goes on from."""

    model_version_id: UUID
    attach_base_parameters: bool | None = None
    attach_model_files: bool | None = None


class Lines(BaseModel):
    """Lines of a script's output; its numbers and parts are not kept."""

    log: Annotated[str, Field(max_length=2**20)] | Annotated[list[Any], Field(max_length=1000)]


@router.get("/api/organization/{organization}/experiments/find")
async def find_any_experiment(
    organization: UUID,
    parts: Parts,
    caller: Reader,
    id: UUID,  # noqa: A002
) -> dict[str, Any]:
    """One experiment by its id."""
    mine(caller, organization)
    return experiment_json(await found(parts, caller, id))


@router.get(_EXPERIMENT)
async def get_experiment(experiment: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """One experiment."""
    return experiment_json(await found(parts, caller, experiment))


@router.patch(_EXPERIMENT)
async def change_experiment(
    experiment: UUID, body: ExperimentChange, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Rename and describe it; say how far it is."""
    given = body.model_dump(include={"name", "description"}, exclude_none=True)
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row: RowMapping | None = None
            if given:
                row = await external.open_one(tx, caller.organization, experiment)
                row = await external.changed(tx, row, **given)
            if body.status is not None:
                row = await _say(tx, caller, experiment, STATUSES[body.status], now=row)
            if row is None:
                row = await external.seen(tx, caller.organization, experiment)
    return experiment_json(row)


@router.patch(_EXPERIMENT + "/job/status")
async def change_job_status(
    experiment: UUID, body: StatusBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """The client's own job is the experiment."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await _say(tx, caller, experiment, STATUSES[body.status])
    return experiment_json(row)


@router.get(_EXPERIMENT + "/datasets")
async def list_datasets(experiment: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """The dataset versions that it learns from, by alias."""
    items = attached(parts, await found(parts, caller, experiment))
    return {"items": items, "count": len(items)}


@router.get(_EXPERIMENT + "/datasets/find")
async def find_dataset(experiment: UUID, name: str, parts: Parts, caller: Reader) -> dict[str, Any]:
    """One of them, by its alias."""
    for item in attached(parts, await found(parts, caller, experiment)):
        if item["name"] == name:
            return item
    raise not_found(f"dataset {name!r} of experiment {experiment}")


@router.post(_EXPERIMENT + "/datasets")
async def attach_dataset(
    experiment: UUID, body: NamedDataset, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Note what it learns from: the lineage of its model."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await external.open_one(tx, caller.organization, experiment)
            row = await external.attach(
                parts, tx, row, alias=body.name, version=body.dataset_version_id
            )
    return experiment_json(row)


@router.delete(_EXPERIMENT + "/datasets")
async def detach_datasets(
    experiment: UUID, body: Ids, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """It does not learn from these."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await external.open_one(tx, caller.organization, experiment)
            row = await external.detach(tx, row, body.ids)
    return experiment_json(row)


@router.post(_EXPERIMENT + "/experiment")
async def set_base_experiment(
    experiment: UUID, body: BaseExperiment, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Say which experiment it goes on from."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            base = await external.seen(tx, caller.organization, body.base_experiment_id)
            row = await external.open_one(tx, caller.organization, experiment)
            row = await external.changed(tx, row, base_experiment=base["id"])
    return experiment_json(row)


@router.post(_EXPERIMENT + "/model")
async def set_base_version(
    experiment: UUID, body: BaseVersion, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Say which model version it goes on from; parameters and files are copied where asked for."""
    organization = caller.organization
    with answered():
        base = await external.base_of(parts, organization, body.model_version_id)
        assert base is not None
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await external.open_one(tx, organization, experiment)
            row = await external.changed(tx, row, base_version=base.model_version)
            if body.attach_base_parameters and base.parameters:
                row = await external.give_parameters(tx, row, base.parameters)
        if body.attach_model_files:
            held = {one.name for one in artifacts_of(row)}
            files = [external.artifact_of(one) for one in base.files if one.name not in held]
            await artifacts.inherit(
                parts, organization, experiment, actor=caller.actor, files=files
            )
    return experiment_json(row)


@router.post(_EXPERIMENT + "/logging")
async def add_lines(experiment: UUID, body: Lines, parts: Parts, caller: Writer) -> dict[str, Any]:
    """Add to its log."""
    texts = body.log.splitlines() if isinstance(body.log, str) else [str(one) for one in body.log]
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await external.open_one(tx, caller.organization, experiment)
            await logging.lines(parts, tx, row, texts)
    return {"id": experiment}


async def found(parts: Trainer, caller: Caller, experiment: UUID) -> RowMapping:
    """An experiment of the caller's. Raises Problem 404."""
    with answered():
        async with parts.database.read() as read:
            return await external.seen(read, caller.organization, experiment)


async def _say(
    tx: Tx, caller: Caller, experiment: UUID, status: ExperimentStatus, *,
    now: RowMapping | None = None,
) -> RowMapping:  # fmt: skip
    if now is not None and now["status"] == status:
        return now
    return await external.say_status(tx, caller.organization, experiment, status, error=None)
