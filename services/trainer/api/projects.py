"""Projects, and the experiments made in them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from libs.api.app import part
from libs.api.caller import needs
from libs.api.paging import CursorText, Limit, Page, page, read_time_cursor, write_cursor
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.store.session import Cause
from services.trainer.actions import asking, external
from services.trainer.actions.external import Begun
from services.trainer.api.problems import answered
from services.trainer.api.shown import experiment_dto
from services.trainer.dto import (
    ExperimentDto,
    NewExperiment,
    NewExternal,
    NewProject,
    ProjectDto,
    project_dto,
)
from services.trainer.parts import Trainer
from services.trainer.store import projects

router = APIRouter(prefix="/api/trainer/v1/projects", tags=["trainer"])
Parts = Annotated[Trainer, part(Trainer)]
Reader = Annotated[Caller, needs(Scope.EXPERIMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.EXPERIMENTS_WRITE)]


@router.get("")
async def list_projects(
    parts: Parts, caller: Reader, limit: Limit = 50, cursor: CursorText = None
) -> Page[ProjectDto]:
    """The projects of the organisation, newest first."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        rows = await projects.list_projects(read, caller.organization, before=before, limit=limit)
    return page(rows, limit, project_dto, lambda row: write_cursor(row["created"], row["id"]))


@router.post("", status_code=201)
async def add_project(body: NewProject, parts: Parts, caller: Writer) -> ProjectDto:
    """Make a project; its name is unique in the organisation."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            return project_dto(await projects.add_project(tx, caller.organization, body.name))


@router.post("/{project}/experiments", status_code=201)
async def add_experiment(
    project: UUID, body: NewExperiment, parts: Parts, caller: Writer
) -> ExperimentDto:
    """Make an experiment; it runs as soon as a worker is free."""
    with answered():
        row = await asking.ask_for_experiment(
            parts,
            caller.organization,
            actor=caller.actor,
            project=project,
            name=body.name,
            datasets=[(one.alias, one.dataset_version) for one in body.datasets],
            replay=body.replay,
            base_version=body.base_version,
            parameters=body.parameters,
        )
    return experiment_dto(parts, row)


@router.post("/{project}/experiments/external", status_code=201)
async def add_external_experiment(
    project: UUID, body: NewExternal, parts: Parts, caller: Writer
) -> ExperimentDto:
    """Make an experiment that runs elsewhere: a script of the user's own logs to it and ends it."""
    begun = Begun(
        name=body.name,
        description=body.description,
        datasets=[(one.alias, one.dataset_version) for one in body.datasets],
        parameters=body.parameters,
        labels=body.labels,
        base_version=body.base_version,
        base_experiment=body.base_experiment,
    )
    with answered():
        row = await external.begin(
            parts, caller.organization, actor=caller.actor, project=project, begun=begun
        )
    return experiment_dto(parts, row)
