"""Projects, experiments and models."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sightloop_sdk.values.base import Value


class Project(Value, frozen=True, kw_only=True):
    """A project: a name that experiments share."""

    id: UUID
    name: str
    created: datetime


class Artifact(Value, frozen=True, kw_only=True):
    """A file that an experiment made. `size` in bytes."""

    name: str
    sha256: str
    size: int
    filename: str = ""


class Experiment(Value, frozen=True, kw_only=True):
    """A training: what was asked for, how far it is, what came out.

    `external`: it runs elsewhere, in a script of its owner's.
    """

    id: UUID
    project: UUID
    name: str
    status: str
    deployment: UUID | None
    why: str | None
    base_version: UUID | None
    parameters: dict[str, Any]
    done: int
    total: int
    created: datetime
    started: datetime | None
    finished: datetime | None
    error: str | None
    metrics: dict[str, float]
    artifacts: list[Artifact]
    external: bool = False
    description: str = ""
    labels: list[str] = []


class Logged(Value, frozen=True, kw_only=True):
    """What an experiment logged under a name. A line's data: `{steps, values}`, or by series."""

    name: str
    type: str
    data: Any
    changed: datetime


class LogLine(Value, frozen=True, kw_only=True):
    """A line of an experiment's log."""

    n: int
    t: datetime
    text: str


class Series(Value, frozen=True, kw_only=True):
    """Values by step; None where one was no number."""

    steps: list[int]
    values: list[float | None]


class Model(Value, frozen=True, kw_only=True):
    """A model; `versions`: how many it has had."""

    id: UUID
    name: str
    type: str
    versions: int
    created: datetime


class File(Value, frozen=True, kw_only=True):
    """A file of a model version; `model-latest` is the ONNX file."""

    name: str
    sha256: str
    size: int


class ModelVersion(Value, frozen=True, kw_only=True):
    """A version of a model; `labels` in the order of its classes."""

    id: UUID
    model: UUID
    name: str
    number: int
    type: str
    framework: str
    labels: list[str]
    files: list[File]
    parameters: dict[str, Any]
    threshold: float
    experiment: UUID | None
    created: datetime
