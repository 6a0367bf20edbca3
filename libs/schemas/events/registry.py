"""Compacted state: what is deployed, datasets and models. The higher revision wins."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from libs.schemas.envelope import Event, event
from libs.schemas.topics import DATASETS, DEPLOYMENTS, MODELS
from libs.schemas.values import DeployedModel, ModelFile, TaskType, TrainedOn


class State(StrEnum):
    ACTIVE = "ACTIVE"
    DELETED = "DELETED"


@event("deployment.changed.v1", DEPLOYMENTS)
class DeploymentChanged(Event, frozen=True, kw_only=True):
    """A deployment in full. `sample_rate`: share of pictures kept, in [0, 1]."""

    deployment: UUID
    revision: int
    name: str
    type: TaskType
    state: State
    champion: DeployedModel
    shadow: DeployedModel | None = None
    sample_rate: float = 1.0
    retention_days: int | None = None


@event("dataset_version.changed.v1", DATASETS)
class DatasetVersionChanged(Event, frozen=True, kw_only=True):
    """A dataset version in full.

    `manifest`: key of the immutable list of its pictures and annotations, written once the
    version has settled; None while it has not. `digest` is that content's SHA-256.
    """

    dataset_version: UUID
    dataset: UUID
    revision: int
    name: str
    version: str
    type: TaskType
    state: State
    labels: list[str]
    assets: int = 0
    annotated: int = 0
    objects_per_label: dict[str, int] = {}
    digest: str | None = None
    manifest: str | None = None


@event("model_version.changed.v1", MODELS)
class ModelVersionChanged(Event, frozen=True, kw_only=True):
    """A model version in full."""

    model_version: UUID
    model: UUID
    revision: int
    name: str
    number: int
    type: TaskType
    framework: str
    state: State
    labels: list[str]
    files: list[ModelFile]
    parameters: dict[str, Any] = {}
    trained_on: list[TrainedOn] = []
    experiment: UUID | None = None
