"""Datasets and their versions, as the existing client makes and finds them."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field

from libs.api.compat import compat_router
from libs.api.compat_asked import ALL, Limit, NameOrId, Offset, mine
from libs.api.problems import conflict, invalid, not_found
from libs.schemas.values import TaskType
from libs.store.session import Cause
from services.feedback.compat.asked import Parts, Reader, Writer, answered
from services.feedback.compat.shown import (
    dataset_json,
    datasets_json,
    version_json,
    versions_json,
)
from services.feedback.dto import Name
from services.feedback.store import datasets, searches

router = compat_router()
_ORGANIZATION = "/api/organization/{organization}"


def _assumed(text: object) -> object:
    """The client makes versions first and says later what they are of."""
    return TaskType.OBJECT_DETECTION if text == "NOT_CONFIGURED" else text


Kind = Annotated[TaskType, BeforeValidator(_assumed)]


class NewDataset(BaseModel):
    """A dataset to be made."""

    name: Name
    description: Annotated[str, Field(max_length=10_000)] = ""


class NewVersion(BaseModel):
    """A version to be made; its labels come one by one, or with the first import."""

    version: Name
    description: str = ""
    type: Kind = TaskType.OBJECT_DETECTION


class VersionChange(BaseModel):
    """What is given is changed."""

    version: Name | None = None
    description: str | None = None
    type: TaskType | None = None


@router.post(_ORGANIZATION + "/datasets")
async def create_dataset(
    organization: UUID, body: NewDataset, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Make a dataset."""
    mine(caller, organization)
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await datasets.add_dataset(
                tx, organization, name=body.name, description=body.description
            )
            return await dataset_json(tx, row)


@router.get(_ORGANIZATION + "/datasets")
async def list_datasets(
    organization: UUID, parts: Parts, caller: Reader, limit: Limit = ALL, offset: Offset = 0
) -> dict[str, Any]:
    """The organisation's datasets, newest first."""
    mine(caller, organization)
    async with parts.database.read() as read:
        rows = await datasets.list_datasets(read, organization, before=None, limit=ALL)
        items = await datasets_json(read, rows[offset : offset + limit])
    return {"items": items, "count": len(rows)}


@router.get(_ORGANIZATION + "/datasets/find")
async def find_dataset(
    organization: UUID,
    parts: Parts,
    caller: Reader,
    sought: NameOrId,
) -> dict[str, Any]:
    """One dataset, by its name or its id."""
    mine(caller, organization)
    with answered():
        async with parts.database.read() as read:
            if sought.id is not None:
                row = await datasets.find_dataset(read, organization, sought.id)
            else:
                row = await searches.dataset_named(read, organization, sought.name)
            return await dataset_json(read, row)


@router.get(_ORGANIZATION + "/datasetversions/find")
async def find_any_version(
    organization: UUID,
    parts: Parts,
    caller: Reader,
    id: UUID,  # noqa: A002
) -> dict[str, Any]:
    """One version by its id."""
    mine(caller, organization)
    return await get_version(id, parts, caller)


@router.get("/api/dataset/{dataset}")
async def get_dataset(dataset: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """One dataset."""
    with answered():
        async with parts.database.read() as read:
            row = await datasets.find_dataset(read, caller.organization, dataset)
            return await dataset_json(read, row)


@router.post("/api/dataset/{dataset}/versions")
async def create_version(
    dataset: UUID, body: NewVersion, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Make an empty version. One without a type is of object detection until it is given one."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await datasets.add_version(
                tx, caller.organization, dataset, version=body.version, type=body.type, labels=[]
            )
            return await version_json(tx, row)


@router.get("/api/dataset/{dataset}/versions")
async def list_versions(
    dataset: UUID, parts: Parts, caller: Reader, limit: Limit = ALL, offset: Offset = 0
) -> dict[str, Any]:
    """A dataset's versions, newest first."""
    with answered():
        async with parts.database.read() as read:
            await datasets.find_dataset(read, caller.organization, dataset)
            rows = await datasets.list_versions(
                read, caller.organization, before=None, limit=ALL, dataset_id=dataset
            )
            items = await versions_json(read, rows[offset : offset + limit])
    return {"items": items, "count": len(rows)}


@router.get("/api/dataset/{dataset}/versions/find")
async def find_version(
    dataset: UUID,
    parts: Parts,
    caller: Reader,
    version: str | None = None,
    id: UUID | None = None,  # noqa: A002
) -> dict[str, Any]:
    """A dataset's version, by its name or its id."""
    if (version is None) is (id is None):
        raise invalid("give a version or an id", [("version", "give it, or id")])
    with answered():
        async with parts.database.read() as read:
            if id is None:
                row = await searches.version_named(
                    read, caller.organization, dataset, version or ""
                )
            else:
                row = await datasets.find_version(read, caller.organization, id)
            if row["dataset"] != dataset:
                raise not_found(f"version {id} of dataset {dataset}")
            return await version_json(read, row)


@router.get("/api/dataset/version/{version}")
async def get_version(version: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """One version."""
    with answered():
        async with parts.database.read() as read:
            row = await datasets.find_version(read, caller.organization, version)
            return await version_json(read, row)


@router.patch("/api/dataset/version/{version}")
async def change_version(
    version: UUID, body: VersionChange, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Rename a version, or give it its type while nothing is annotated."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await searches.change_version(
                tx, caller.organization, version, name=body.version, type=body.type
            )
            return await version_json(tx, row)


@router.post("/api/dataset/version/{version}/lock")
async def lock_version(version: UUID, parts: Parts, caller: Writer) -> dict[str, Any]:
    """Freeze a version: it changes no more, for good."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await datasets.freeze(tx, caller.organization, version)
            return await version_json(tx, row)


@router.post("/api/dataset/version/{version}/unlock")
async def unlock_version(version: UUID, parts: Parts, caller: Writer) -> dict[str, Any]:
    """Nothing for a version that is open. What is frozen stays so: models may refer to it."""
    with answered():
        async with parts.database.read() as read:
            row = await datasets.find_version(read, caller.organization, version)
            if row["frozen"] is not None:
                raise conflict("version-frozen", "a locked version stays as it is; copy it")
            return await version_json(read, row)
