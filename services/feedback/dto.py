"""The HTTP interface of feedback."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping

from libs.schemas.events import State
from libs.schemas.values import TaskType
from services.feedback.core.contents import Difference
from services.feedback.core.loop import LoopSettings
from services.feedback.core.training import (
    DEFAULT_THRESHOLD,
    Training,
    TrainingSet,
    TrainingSettings,
)


def _spoken(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank")
    if "\x00" in text:
        raise ValueError("holds a NUL character")
    return text


def _distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) != len(values):
        raise ValueError("holds the same twice")
    return values


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    """What PostgreSQL cannot keep as JSON is refused here."""
    text = msgspec.json.encode(value).decode()
    if "\\u0000" in text:
        raise ValueError("holds a NUL character")
    return value


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_spoken)]
Labels = Annotated[list[Name], Field(max_length=10_000), AfterValidator(_distinct)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewDataset(_Body):
    """A data set to be made."""

    name: Name
    description: Annotated[str, Field(max_length=10_000)] = ""


class DatasetDto(BaseModel):
    """A data set."""

    id: UUID
    name: str
    description: str
    created: datetime


class NewVersion(_Body):
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


class DifferenceDto(BaseModel):
    """How `base` became this version, in pictures."""

    added: int
    removed: int
    changed: int
    same: int
    equal: bool


class JobAccepted(BaseModel):
    """Long work was accepted."""

    job: UUID


class LoopDto(_Body):
    """Where a deployment's reviews go."""

    active: bool
    dataset_versions: Annotated[list[UUID], Field(max_length=50), AfterValidator(_distinct)]
    automatic: bool = False


class TrainingSetDto(_Body):
    """A dataset version by its alias; `replay`: old images, half of each batch."""

    alias: Name
    dataset_version: UUID
    replay: bool = False


class _TrainingFields(BaseModel):
    active: bool
    project: UUID | None = None
    datasets: Annotated[list[TrainingSetDto], Field(max_length=50)] = []
    threshold: Annotated[int, Field(ge=1, le=1_000_000_000)] = DEFAULT_THRESHOLD
    parameters: Annotated[dict[str, Any], AfterValidator(_storable)] = {}
    cool_down: Annotated[float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)] = 0.0


class TrainingBody(_TrainingFields, _Body):
    """What to train on, and when. `cool_down` in seconds."""


class LastDto(BaseModel):
    """The last training that was asked for."""

    experiment: UUID
    why: str
    time: datetime


class TrainingDto(_TrainingFields):
    """A training as it stands. `submitted`: since the last crossing."""

    submitted: int
    crossings: int
    last: LastDto | None


class ExperimentAccepted(BaseModel):
    """A training was asked for; the experiment will be there in a moment."""

    experiment: UUID


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
    )


def asset_dto(row: RowMapping) -> AssetDto:
    stored = row["annotation"]
    return AssetDto(
        id=row["id"],
        data=row["data"],
        filename=row["filename"],
        width=row["width"],
        height=row["height"],
        annotation=None if stored is None else ShapesDto.model_validate(stored),
    )


def difference_dto(found: Difference) -> DifferenceDto:
    return DifferenceDto(
        added=found.added,
        removed=found.removed,
        changed=found.changed,
        same=found.same,
        equal=not (found.added or found.removed or found.changed),
    )


def loop_dto(loop: LoopSettings) -> LoopDto:
    return LoopDto(
        active=loop.active,
        dataset_versions=list(loop.dataset_versions),
        automatic=loop.automatic,
    )


def training_settings(body: TrainingBody) -> TrainingSettings:
    return TrainingSettings(
        active=body.active,
        project=body.project,
        datasets=tuple(
            TrainingSet(alias=one.alias, dataset_version=one.dataset_version, replay=one.replay)
            for one in body.datasets
        ),
        threshold=body.threshold,
        parameters=body.parameters,
        cool_down=body.cool_down,
    )


def training_dto(training: Training) -> TrainingDto:
    settings, last = training.settings, training.last
    return TrainingDto(
        active=settings.active,
        project=settings.project,
        datasets=[
            TrainingSetDto(alias=one.alias, dataset_version=one.dataset_version, replay=one.replay)
            for one in settings.datasets
        ],
        threshold=settings.threshold,
        parameters=dict(settings.parameters),
        cool_down=settings.cool_down,
        submitted=training.submitted,
        crossings=training.crossings,
        last=LastDto(experiment=last.experiment, why=last.why, time=last.time) if last else None,
    )
