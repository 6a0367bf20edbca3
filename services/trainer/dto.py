"""The HTTP interface of the trainer."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import isfinite
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping

from libs.schemas.events import ExperimentStatus
from libs.schemas.values import TaskType
from services.trainer.core.logs import LogType

_LARGEST_PARAMETERS = 2**15


def _spoken(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank")
    if "\x00" in text:
        raise ValueError("holds a NUL character")
    return text


def storable(value: dict[str, Any]) -> dict[str, Any]:
    """Parameters as they can be kept. Raises ValueError."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()  # a lone surrogate raises ValueError
    if "\\u0000" in text:
        raise ValueError("holds a NUL character")
    if len(text) > _LARGEST_PARAMETERS:
        raise ValueError(f"is longer than {_LARGEST_PARAMETERS} bytes of JSON")
    return value


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_spoken)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewProject(_Body):
    """A project to be made."""

    name: Name


class ProjectDto(BaseModel):
    """A project."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    created: datetime


class NewDataset(_Body):
    """A dataset version by the alias that the experiment knows it by."""

    alias: Name
    dataset_version: UUID


class NewExperiment(_Body):
    """An experiment to be made and run. `replay`: aliases of old data, half of each batch."""

    name: Name
    datasets: Annotated[list[NewDataset], Field(min_length=1, max_length=50)]
    replay: Annotated[list[Name], Field(max_length=50)] = []
    base_version: UUID | None = None
    parameters: Annotated[dict[str, Any], AfterValidator(storable)] = {}


class NewExternal(_Body):
    """An experiment that runs elsewhere. What its base has is taken over: labels, parameters."""

    name: Name
    description: Annotated[str, Field(max_length=10_000)] = ""
    datasets: Annotated[list[NewDataset], Field(max_length=50)] = []
    labels: Annotated[list[Name], Field(max_length=10_000)] = []
    base_version: UUID | None = None
    base_experiment: UUID | None = None
    parameters: Annotated[dict[str, Any], AfterValidator(storable)] = {}


class NewLog(_Body):
    """Something to log. `data`: as its type has it; a LINE takes numbers and grows."""

    name: Name
    type: LogType
    data: Any


class NewLogs(_Body):
    """What is logged at once, and lines for the experiment's log."""

    logs: Annotated[list[NewLog], Field(max_length=1000)] = []
    lines: Annotated[list[str], Field(max_length=1000)] = []


class NewStatus(_Body):
    """How far an experiment is that runs elsewhere. `error`: why it failed."""

    status: ExperimentStatus
    error: Annotated[str, Field(max_length=10_000)] | None = None


class LoggedDto(BaseModel):
    """What was logged under a name. A line's data: `{steps, values}`, or these by series."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    type: LogType
    data: Any
    changed: datetime


class LogsDto(BaseModel):
    """The logs of an experiment, by name."""

    items: list[LoggedDto]


class ArtifactDto(BaseModel):
    """A file that an experiment made. `size` in bytes."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    filename: str
    key: str
    sha256: str
    size: int


class LearnedFromDto(BaseModel):
    """A dataset version as it was when the experiment was made."""

    model_config = ConfigDict(from_attributes=True)

    alias: str
    dataset_version: UUID
    digest: str
    manifest: str


class ExperimentDto(BaseModel):
    """An experiment: what was asked for, how far it is, what came out.

    `external`: it runs elsewhere. `type`: what its model is of, where datasets or base say it.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    project: UUID
    name: str
    status: ExperimentStatus
    deployment: UUID | None
    why: str | None
    base_version: UUID | None
    target_model: UUID | None
    parameters: dict[str, Any]
    done: int
    total: int
    attempt: int
    created: datetime
    started: datetime | None
    finished: datetime | None
    error: str | None
    external: bool
    description: str
    type: TaskType | None
    base_experiment: UUID | None
    labels: list[str]
    datasets: list[LearnedFromDto]
    metrics: dict[str, float]
    artifacts: list[ArtifactDto]


class LineDto(BaseModel):
    """A line of an experiment's log."""

    n: int
    t: datetime
    text: str


class LogDto(BaseModel):
    """Lines beyond `after`. Ask again with `after=next`; `end`: nothing will follow."""

    lines: list[LineDto]
    next: int
    end: bool


class SeriesDto(BaseModel):
    """Values by step; null where it was no number."""

    steps: list[int]
    values: list[float | None]


class MetricsDto(BaseModel):
    """The series of an experiment's current attempt, by name."""

    series: dict[str, SeriesDto]


def project_dto(row: RowMapping) -> ProjectDto:
    return ProjectDto.model_validate(dict(row))


def log_dto(lines: Sequence[RowMapping], *, after: int, end: bool) -> LogDto:
    return LogDto(
        lines=[LineDto(n=line["n"], t=line["time"], text=line["text"]) for line in lines],
        next=lines[-1]["n"] if lines else after,
        end=end,
    )


def metrics_dto(series: Mapping[str, Sequence[tuple[int, float]]]) -> MetricsDto:
    return MetricsDto(
        series={
            name: SeriesDto(
                steps=[s for s, _ in points],
                values=[v if isfinite(v) else None for _, v in points],
            )
            for name, points in series.items()
        }
    )
