"""A deployment's training: what to train on, when, and how far it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.feedback.core.trigger import Counter

DEFAULT_THRESHOLD = 100
DEFAULT_LEAST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """A dataset version by its alias. `replay`: old images, half of each batch."""

    alias: str
    dataset_version: UUID
    replay: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """What to train on, and when. `project` None: not set up. `cool_down` in seconds.

    `alert_rules`: an alert of one of these asks for a training, which starts where at least
    `least_reviewed` predictions were submitted since the last one.
    """

    active: bool = False
    project: UUID | None = None
    datasets: Sequence[TrainingSet] = ()
    threshold: int = DEFAULT_THRESHOLD
    parameters: Mapping[str, Any] = field(default_factory=dict)
    cool_down: float = 0.0
    alert_rules: Sequence[UUID] = ()
    least_reviewed: int = DEFAULT_LEAST


class AlarmOutcome(StrEnum):
    """What a firing of an alert led to."""

    WAITING = "WAITING"
    STARTED = "STARTED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """The last crossing of a deployment."""

    experiment: UUID
    why: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A deployment's training as it stands. `running`: one that was asked for has not ended."""

    settings: TrainingSettings
    submitted: int
    crossings: int
    last: Last | None
    running: bool = False

    @property
    def counter(self) -> Counter:
        """What the trigger decides on. Without a project and a dataset there is none."""
        settings = self.settings
        return Counter(
            active=settings.active and settings.project is not None and bool(settings.datasets),
            threshold=self.settings.threshold,
            cool_down=timedelta(seconds=self.settings.cool_down),
            submitted=self.submitted,
            crossings=self.crossings,
            last=self.last.time if self.last else None,
            running=self.running,
        )
