"""Why trainings start, what became of them, and how their models were rolled out."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from libs.schemas.envelope import Event, event
from libs.schemas.topics import ROLLOUTS, TRAINING
from libs.schemas.values import Artifact, TrainedOn, TrainingDataset


@event("retraining.triggered.v1", TRAINING)
class RetrainingTriggered(Event, frozen=True, kw_only=True):
    """A training is asked for. `experiment` is derived from (deployment, crossing).

    `old`: aliases whose images are replayed, half of each batch.
    """

    experiment: UUID
    deployment: UUID
    crossing: int
    why: str
    name: str
    project: UUID
    datasets: list[TrainingDataset]
    old: list[str] = []
    base_version: UUID
    target_model: UUID
    parameters: dict[str, Any] = {}


class ExperimentStatus(StrEnum):
    """PENDING → RUNNING → SUCCESS | FAILED | CANCELED."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


@event("experiment.changed.v1", TRAINING)
class ExperimentChanged(Event, frozen=True, kw_only=True):
    """Status or progress of an experiment; the higher revision wins."""

    experiment: UUID
    revision: int
    project: UUID
    name: str
    status: ExperimentStatus
    done: int = 0
    total: int = 0
    deployment: UUID | None = None
    error: str | None = None


@event("experiment.logged.v1", TRAINING)
class ExperimentLogged(Event, frozen=True, kw_only=True):
    """New log lines or metric points of a run; at most one a second."""

    experiment: UUID
    attempt: int
    lines: int
    metrics: list[str]


@event("experiment.finished.v1", TRAINING)
class ExperimentFinished(Event, frozen=True, kw_only=True):
    """An experiment ended. On SUCCESS `artifacts` holds `model-latest` (ONNX) where it ran with us;
    what ran elsewhere left what its script kept.

    `deployment`, `target_model`: where the training was asked for; None: by hand.
    """

    experiment: UUID
    name: str
    status: ExperimentStatus
    artifacts: list[Artifact] = []
    labels: list[str] = []
    metrics: dict[str, float] = {}
    parameters: dict[str, Any] = {}
    trained_on: list[TrainedOn] = []
    deployment: UUID | None = None
    base_version: UUID | None = None
    target_model: UUID | None = None
    error: str | None = None


@event("rollout.finished.v1", ROLLOUTS)
class RolloutFinished(Event, frozen=True, kw_only=True):
    """A model version was put in a role, or taken out of it."""

    deployment: UUID
    rollout: UUID
    action: str
    version: UUID
    previous: UUID | None
    reason: str


@event("verdict.reached.v1", ROLLOUTS)
class VerdictReached(Event, frozen=True, kw_only=True):
    """Champion against shadow is decided. `verdict`: BETTER, WORSE or NOT_WORSE."""

    deployment: UUID
    candidate: UUID
    champion: UUID
    verdict: str
    reviews: int
    e_value: float
    alpha: float
    mean_difference: float
    low: float
    high: float
    reached_time: datetime
