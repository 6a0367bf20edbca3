"""Projects, and the experiments made in them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from libs.api.app import part
from libs.api.caller import needs
from libs.api.paging import CursorText, Limit, Page, page, read_time_cursor, write_cursor
from libs.api.problems import conflict, invalid, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.store.session import Cause
from services.trainer import actions
from services.trainer.dto import (
    ExperimentDto,
    NewExperiment,
    NewProject,
    ProjectDto,
    experiment_dto,
    project_dto,
)
from services.trainer.errors import (
    DatasetVersionNotSettled,
    ExperimentRefused,
    ProjectExists,
    ProjectUnknown,
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
    try:
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            return project_dto(await projects.add_project(tx, caller.organization, body.name))
    except ProjectExists as error:
        raise conflict("project-exists", str(error)) from error


@router.post("/{project}/experiments", status_code=201)
async def add_experiment(
    project: UUID, body: NewExperiment, parts: Parts, caller: Writer
) -> ExperimentDto:
    """Make an experiment; it runs as soon as a worker is free."""
    try:
        row = await actions.ask_for_experiment(
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
    except ProjectUnknown as error:
        raise not_found(f"project {project}") from error
    except ExperimentRefused as error:
        raise invalid(error.detail, error.errors) from error
    except DatasetVersionNotSettled as error:
        raise conflict("dataset-version-not-settled", str(error)) from error
    return experiment_dto(row)
