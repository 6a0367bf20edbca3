"""Projects and experiments, as the existing client makes and finds them."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import RowMapping

from libs.api.app import part
from libs.api.caller import needs
from libs.api.compat import compat_router
from libs.api.compat_asked import ALL, Limit, NameOrId, Offset, Sought, mine
from libs.api.problems import conflict, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.events import ExperimentStatus
from libs.store.session import Cause
from services.trainer.dto import Name
from services.trainer.errors import ProjectExists
from services.trainer.parts import Trainer
from services.trainer.store import experiments, projects

router = compat_router()
Parts = Annotated[Trainer, part(Trainer)]
Reader = Annotated[Caller, needs(Scope.EXPERIMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.EXPERIMENTS_WRITE)]
_ORGANIZATION = "/api/organization/{organization}"
_STATUSES = {
    ExperimentStatus.PENDING: "WAITING",
    ExperimentStatus.RUNNING: "RUNNING",
    ExperimentStatus.SUCCESS: "SUCCESS",
    ExperimentStatus.FAILED: "FAILED",
    ExperimentStatus.CANCELED: "CANCELED",
}


class NewProject(BaseModel):
    """A project to be made; what describes it is not kept."""

    name: Name
    description: str = ""


@router.post(_ORGANIZATION + "/projects")
async def create_project(
    organization: UUID, body: NewProject, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Make a project."""
    mine(caller, organization)
    try:
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            return _project(await projects.add_project(tx, organization, body.name))
    except ProjectExists as error:
        raise conflict("project-exists", str(error)) from error


@router.get(_ORGANIZATION + "/projects")
async def list_projects(
    organization: UUID, parts: Parts, caller: Reader, limit: Limit = ALL, offset: Offset = 0
) -> dict[str, Any]:
    """The organisation's projects, newest first."""
    mine(caller, organization)
    async with parts.database.read() as read:
        rows = await projects.list_projects(read, organization, before=None, limit=ALL)
    some = rows[offset : offset + limit]
    return {"items": [_project(row) for row in some], "count": len(rows)}


@router.get(_ORGANIZATION + "/projects/find")
async def find_project(
    organization: UUID,
    parts: Parts,
    caller: Reader,
    sought: NameOrId,
) -> dict[str, Any]:
    """One project, by its name or its id."""
    mine(caller, organization)
    async with parts.database.read() as read:
        if sought.id is not None:
            row = await projects.find_project(read, organization, sought.id)
        else:
            row = await projects.project_named(read, organization, sought.name)
    if row is None:
        raise not_found(f"project {sought}")
    return _project(row)


@router.get("/api/project/{project}")
async def get_project(project: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """One project."""
    return await find_project(caller.organization, parts, caller, Sought("", project))


@router.get("/api/project/{project}/experiments")
async def list_experiments(
    project: UUID, parts: Parts, caller: Reader, limit: Limit = ALL, offset: Offset = 0
) -> dict[str, Any]:
    """A project's experiments, newest first."""
    rows = await _experiments(parts, caller, project)
    some = rows[offset : offset + limit]
    return {"items": [_experiment(row) for row in some], "count": len(rows)}


@router.get("/api/project/{project}/experiments/find")
async def find_experiment(
    project: UUID,
    parts: Parts,
    caller: Reader,
    sought: NameOrId,
) -> dict[str, Any]:
    """A project's experiment, by its name (the newest of it) or its id."""
    for row in await _experiments(parts, caller, project):
        if sought.id == row["id"] or (sought.id is None and sought.name == row["name"]):
            return _experiment(row)
    raise not_found(f"experiment {sought}")


@router.get(_ORGANIZATION + "/experiments/find")
async def find_any_experiment(
    organization: UUID,
    parts: Parts,
    caller: Reader,
    id: UUID,  # noqa: A002
) -> dict[str, Any]:
    """One experiment by its id."""
    mine(caller, organization)
    return _experiment(await _found(parts, caller, id))


@router.get("/api/experiment/{experiment}")
async def get_experiment(experiment: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """One experiment."""
    return _experiment(await _found(parts, caller, experiment))


async def _found(parts: Trainer, caller: Caller, experiment: UUID) -> RowMapping:
    async with parts.database.read() as read:
        row = await experiments.find_experiment(read, caller.organization, experiment)
    if row is None:
        raise not_found(f"experiment {experiment}")
    return row


async def _experiments(parts: Trainer, caller: Caller, project: UUID) -> list[RowMapping]:
    async with parts.database.read() as read:
        if await projects.find_project(read, caller.organization, project) is None:
            raise not_found(f"project {project}")
        rows = await experiments.list_experiments(
            read, caller.organization, project=project, deployment=None, before=None, limit=ALL
        )
    return list(rows)


def _project(row: RowMapping) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"]}


def _experiment(row: RowMapping) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "project_id": row["project"],
        "status": _STATUSES[ExperimentStatus(row["status"])],
        "base_model_version_id": row["base_version"],
        "base_experiment_id": None,
        "parameters": row["parameters"],
    }
