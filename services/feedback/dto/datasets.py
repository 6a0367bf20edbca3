"""Datasets, their versions and their assets."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import RowMapping

from libs.query.reading import LONGEST
from libs.schemas.events import State
from libs.schemas.values import TaskType
from services.feedback.dto.values import Body, Labels, Name


class NewDataset(Body):
    """A data set to be made."""

    name: Name
    description: Annotated[str, Field(max_length=10_000)] = ""


class DatasetDto(BaseModel):
    """A data set."""

    id: UUID
    name: str
    description: str
    created: datetime


class NewVersion(Body):
    """A version to be made. Without labels it takes those of its first import."""

    version: Name
    type: TaskType
    labels: Labels = []


class VersionDto(BaseModel):
    """A dataset version. The numbers, `digest` and `manifest` are of its last settled content;
    `settled` says whether that is what it holds now."""

    id: UUID
    dataset: UUID
    dataset_name: str
    version: str
    type: TaskType
    labels: list[str]
    assets: int
    annotated: int
    objects_per_label: dict[str, int]
    digest: str | None
    manifest: str | None
    state: State
    settled: bool
    created: datetime
    frozen: datetime | None
    base: UUID | None
    query: str | None


class NewCopy(Body):
    """A version made of another's assets. `q`: which (docs/query.md); empty: all of them."""

    version: Name
    q: Annotated[str, Field(max_length=LONGEST)] = ""


class CopyAccepted(BaseModel):
    """The new version, empty until the job has filled it."""

    version: VersionDto
    job: UUID


class ShapesDto(BaseModel):
    """Ground truth by label name; boxes are x, y, width, height in pixels."""

    labels: list[str]
    boxes: list[tuple[float, float, float, float]] = []
    polygons: list[list[tuple[float, float]]] = []
    crowd: list[int] = []


class AssetDto(BaseModel):
    """An image of a version. `annotation` null: nobody has annotated it."""

    id: UUID
    data: UUID
    filename: str
    width: int
    height: int
    annotation: ShapesDto | None
    event_time: datetime | None
    block: str | None
    deployment: UUID | None
    prediction: UUID | None
    review_revision: int | None
    reviewer: str | None
    created: datetime


class UseDto(AssetDto):
    """An asset, and which version of which data set it is in."""

    dataset: UUID
    dataset_name: str
    dataset_version: UUID
    version_name: str
    type: TaskType
    version_labels: list[str]


class UsesDto(BaseModel):
    """What images are in datasets, the newest first; a thousand at most."""

    items: list[UseDto]


def dataset_dto(row: RowMapping) -> DatasetDto:
    return DatasetDto(
        id=row["id"], name=row["name"], description=row["description"], created=row["created"]
    )


def version_dto(row: RowMapping) -> VersionDto:
    return VersionDto(
        id=row["id"],
        dataset=row["dataset"],
        dataset_name=row["dataset_name"],
        version=row["version"],
        type=row["type"],
        labels=row["labels"],
        assets=row["assets"],
        annotated=row["annotated"],
        objects_per_label=row["objects_per_label"],
        digest=row["digest"],
        manifest=row["manifest"],
        state=State.ACTIVE,
        settled=row["content"] == row["settled"],
        created=row["created"],
        frozen=row["frozen"],
        base=row["base"],
        query=row["query"],
    )


def asset_dto(row: RowMapping) -> AssetDto:
    same = AssetDto.model_fields.keys() - {"annotation"}
    stored = row["annotation"]
    return AssetDto(
        annotation=None if stored is None else ShapesDto.model_validate(stored),
        **{name: row[name] for name in same},
    )


def use_dto(row: RowMapping) -> UseDto:
    return UseDto(
        **asset_dto(row).model_dump(),
        dataset=row["dataset"],
        dataset_name=row["dataset_name"],
        dataset_version=row["dataset_version"],
        version_name=row["version_name"],
        type=row["version_type"],
        version_labels=row["version_labels"],
    )
