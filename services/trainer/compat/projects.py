"""Projects, as the existing client makes and finds them, and the experiments in them."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field
from sqlalchemy import RowMapping

from libs.api.app import part
from libs.api.caller import needs
from libs.api.compat import compat_router
from libs.api.compat_asked import ALL, Limit, NameOrId, Offset, Sought, mine
from libs.api.problems import not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.values import Artifact
from libs.store.session import Cause, Read
from services.trainer.actions import artifacts, external
from services.trainer.actions.asking import known
from services.trainer.actions.external import Begun
from services.trainer.api.problems import answered
from services.trainer.compat.shown import dataset_versions_json, experiment_json, project_json
from services.trainer.dto import Name, storable
from services.trainer.parts import Trainer
from services.trainer.store import experiments, projects
from services.trainer.store.artifacts import artifacts_of

router = compat_router()
Parts = Annotated[Trainer, part(Trainer)]
Reader = Annotated[Caller, needs(Scope.EXPERIMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.EXPERIMENTS_WRITE)]
_ORGANIZATION = "/api/organization/{organization}"


class ProjectChange(BaseModel):
    """What is given is changed."""

    name: Name | None = None


class DatasetBody(BaseModel):
    """A dataset version."""

    dataset_version_id: UUID


class Ids(BaseModel):
    """Several of a kind."""

    ids: Annotated[list[UUID], Field(max_length=1000)]


class NewExperiment(BaseModel):
    """An experiment that the client runs."""

    name: Name
    description: Annotated[str, Field(max_length=10_000)] = ""
    parameters: Annotated[dict[str, Any], AfterValidator(storable)] = {}
    base_experiment_id: UUID | None = None
    base_model_version_id: UUID | None = None


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
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            return project_json(await projects.add_project(tx, organization, body.name))


@router.get(_ORGANIZATION + "/projects")
async def list_projects(
    organization: UUID, parts: Parts, caller: Reader, limit: Limit = ALL, offset: Offset = 0
) -> dict[str, Any]:
    """The organisation's projects, newest first."""
    mine(caller, organization)
    async with parts.database.read() as read:
        rows = await projects.list_projects(read, organization, before=None, limit=ALL)
    some = rows[offset : offset + limit]
    return {"items": [project_json(row) for row in some], "count": len(rows)}


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
    return project_json(row)


@router.get("/api/project/{project}")
async def get_project(project: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """One project."""
    return await find_project(caller.organization, parts, caller, Sought("", project))


@router.patch("/api/project/{project}")
async def change_project(
    project: UUID, body: ProjectChange, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Rename a project; what describes it is not kept."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            if body.name is not None:
                await projects.rename_project(tx, caller.organization, project, body.name)
            return project_json(await _project(tx, caller, project))


@router.get("/api/project/{project}/datasets")
async def list_datasets(project: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """The dataset versions that a project names."""
    async with parts.database.read() as read:
        row = await _project(read, caller, project)
    items = dataset_versions_json(parts, caller.organization, row["dataset_versions"])
    return {"items": items, "count": len(items)}


@router.post("/api/project/{project}/datasets")
async def attach_dataset(
    project: UUID, body: DatasetBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """A project names a dataset version; its experiments attach what they learn from."""
    version = body.dataset_version_id
    if await known(parts, parts.dataset_versions, caller.organization, version) is None:
        raise not_found(f"dataset version {version}")
    return await _name_datasets(parts, caller, project, add=[version], take=[])


@router.delete("/api/project/{project}/datasets")
async def detach_datasets(project: UUID, body: Ids, parts: Parts, caller: Writer) -> dict[str, Any]:
    """A project names dataset versions no more."""
    return await _name_datasets(parts, caller, project, add=[], take=body.ids)


@router.post("/api/project/{project}/experiments")
async def create_experiment(
    project: UUID, body: NewExperiment, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """An experiment that the client runs; labels and files of its base are copied."""
    organization = caller.organization
    begun = Begun(
        name=body.name,
        description=body.description,
        parameters=body.parameters,
        base_version=body.base_model_version_id,
        base_experiment=body.base_experiment_id,
    )
    with answered():
        row = await external.begin(
            parts, organization, actor=caller.actor, project=project, begun=begun
        )
        files: dict[str, Artifact] = {}
        base = await external.base_of(parts, organization, begun.base_version)
        if base is not None:
            files |= {one.name: external.artifact_of(one) for one in base.files}
        if begun.base_experiment is not None:
            async with parts.database.read() as read:
                former = await external.seen(read, organization, begun.base_experiment)
            files |= {one.name: one for one in artifacts_of(former)}
        await artifacts.inherit(
            parts, organization, row["id"], actor=caller.actor, files=list(files.values())
        )
    return experiment_json(row)


@router.get("/api/project/{project}/experiments")
async def list_experiments(
    project: UUID, parts: Parts, caller: Reader, limit: Limit = ALL, offset: Offset = 0
) -> dict[str, Any]:
    """A project's experiments, newest first."""
    rows = await _experiments(parts, caller, project)
    some = rows[offset : offset + limit]
    return {"items": [experiment_json(row) for row in some], "count": len(rows)}


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
            return experiment_json(row)
    raise not_found(f"experiment {sought}")


async def _experiments(parts: Trainer, caller: Caller, project: UUID) -> list[RowMapping]:
    async with parts.database.read() as read:
        if await projects.find_project(read, caller.organization, project) is None:
            raise not_found(f"project {project}")
        rows = await experiments.list_experiments(
            read, caller.organization, project=project, deployment=None, before=None, limit=ALL
        )
    return list(rows)


async def _project(read: Read, caller: Caller, project: UUID) -> RowMapping:
    row = await projects.find_project(read, caller.organization, project)
    if row is None:
        raise not_found(f"project {project}")
    return row


async def _name_datasets(
    parts: Trainer, caller: Caller, project: UUID, *, add: list[UUID], take: list[UUID]
) -> dict[str, Any]:
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        row = await projects.lock_project(tx, caller.organization, project)
        if row is None:
            raise not_found(f"project {project}")
        held = [one for one in row["dataset_versions"] if one not in take]
        held += [one for one in add if one not in held]
        await projects.name_datasets(tx, caller.organization, project, held)
    return project_json(row)
