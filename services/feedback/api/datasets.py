"""Datasets and their versions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from libs.api.app import part
from libs.api.caller import needs
from libs.api.paging import CursorText, Limit, Page, page, read_time_cursor, write_cursor
from libs.api.problems import conflict, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.values import TaskType
from libs.store.session import Cause
from services.feedback.dto import (
    DatasetDto,
    NewDataset,
    NewVersion,
    VersionDto,
    dataset_dto,
    version_dto,
)
from services.feedback.errors import DatasetUnknown, NameTaken, VersionUnknown
from services.feedback.parts import Feedback
from services.feedback.store import datasets

router = APIRouter(prefix="/api/feedback/v1", tags=["feedback"])
Parts = Annotated[Feedback, part(Feedback)]
Reader = Annotated[Caller, needs(Scope.DATASETS_READ)]
Writer = Annotated[Caller, needs(Scope.DATASETS_WRITE)]


@router.get("/datasets")
async def list_datasets(
    parts: Parts, caller: Reader, limit: Limit = 50, cursor: CursorText = None
) -> Page[DatasetDto]:
    """The data sets of the organisation, newest first."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        rows = await datasets.list_datasets(read, caller.organization, before=before, limit=limit)
    return page(rows, limit, dataset_dto, lambda row: write_cursor(row["created"], row["id"]))


@router.post("/datasets", status_code=201)
async def add_dataset(parts: Parts, caller: Writer, body: NewDataset) -> DatasetDto:
    """Make a data set."""
    try:
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await datasets.add_dataset(
                tx, caller.organization, name=body.name, description=body.description
            )
    except NameTaken as taken:
        raise conflict("name-taken", str(taken)) from taken
    return dataset_dto(row)


@router.get("/datasets/{dataset}")
async def get_dataset(dataset: UUID, parts: Parts, caller: Reader) -> DatasetDto:
    """One data set."""
    async with parts.database.read() as read:
        try:
            return dataset_dto(await datasets.find_dataset(read, caller.organization, dataset))
        except DatasetUnknown as unknown:
            raise not_found(f"dataset {dataset}") from unknown


@router.get("/datasets/{dataset}/versions")
async def list_versions_of(
    dataset: UUID, parts: Parts, caller: Reader, limit: Limit = 50, cursor: CursorText = None
) -> Page[VersionDto]:
    """The versions of a data set, newest first."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        try:
            await datasets.find_dataset(read, caller.organization, dataset)
        except DatasetUnknown as unknown:
            raise not_found(f"dataset {dataset}") from unknown
        rows = await datasets.list_versions(
            read, caller.organization, before=before, limit=limit, dataset_id=dataset
        )
    return page(rows, limit, version_dto, lambda row: write_cursor(row["created"], row["id"]))


@router.post("/datasets/{dataset}/versions", status_code=201)
async def add_version(dataset: UUID, parts: Parts, caller: Writer, body: NewVersion) -> VersionDto:
    """Make an empty version."""
    try:
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await datasets.add_version(
                tx,
                caller.organization,
                dataset,
                version=body.version,
                type=body.type,
                labels=body.labels,
            )
    except DatasetUnknown as unknown:
        raise not_found(f"dataset {dataset}") from unknown
    except NameTaken as taken:
        raise conflict("name-taken", str(taken)) from taken
    return version_dto(row)


@router.get("/versions")
async def list_versions(
    parts: Parts,
    caller: Reader,
    type: TaskType | None = None,  # noqa: A002  # the parameter's public name
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[VersionDto]:
    """The versions of all data sets, newest first; of one type where it is named."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        rows = await datasets.list_versions(
            read, caller.organization, before=before, limit=limit, type=type
        )
    return page(rows, limit, version_dto, lambda row: write_cursor(row["created"], row["id"]))


@router.get("/versions/{version}")
async def get_version(version: UUID, parts: Parts, caller: Reader) -> VersionDto:
    """One version."""
    async with parts.database.read() as read:
        try:
            return version_dto(await datasets.find_version(read, caller.organization, version))
        except VersionUnknown as unknown:
            raise not_found(f"dataset version {version}") from unknown
