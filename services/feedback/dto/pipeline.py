"""The feedback loop, and when a training is due."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from services.feedback.core.loop import LoopSettings
from services.feedback.core.training import (
    DEFAULT_LEAST,
    DEFAULT_THRESHOLD,
    AlarmOutcome,
    Training,
    TrainingSet,
    TrainingSettings,
)
from services.feedback.dto.values import Body, Name, distinct, storable


class LoopDto(Body):
    """Where a deployment's reviews go."""

    active: bool
    dataset_versions: Annotated[list[UUID], Field(max_length=50), AfterValidator(distinct)]
    automatic: bool = False


class TrainingSetDto(Body):
    """A dataset version by its alias; `replay`: old images, half of each batch."""

    alias: Name
    dataset_version: UUID
    replay: bool = False


class _TrainingFields(BaseModel):
    active: bool
    project: UUID | None = None
    datasets: Annotated[list[TrainingSetDto], Field(max_length=50)] = []
    threshold: Annotated[int, Field(ge=1, le=1_000_000_000)] = DEFAULT_THRESHOLD
    parameters: Annotated[dict[str, Any], AfterValidator(storable)] = {}
    cool_down: Annotated[float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)] = 0.0
    alert_rules: Annotated[list[UUID], Field(max_length=20), AfterValidator(distinct)] = []
    least_reviewed: Annotated[int, Field(ge=0, le=1_000_000_000)] = DEFAULT_LEAST


class TrainingBody(_TrainingFields, Body):
    """What to train on, and when. `cool_down` in seconds.

    `alert_rules`: an alert of one of these rules asks for a training too. It starts where none
    runs, `least_reviewed` predictions were submitted since the last one and the cool-down is over.
    """


class LastDto(BaseModel):
    """The last training that was asked for."""

    experiment: UUID
    why: str
    time: datetime


class AlarmDto(BaseModel):
    """A firing of an alert that asks for trainings. `why`: why none followed."""

    alert: UUID
    rule: UUID
    text: str
    time: datetime
    outcome: AlarmOutcome
    why: str | None
    experiment: UUID | None


class TrainingDto(_TrainingFields):
    """A training as it stands. `submitted`: since the last crossing; `running`: one has not ended.

    `alarms`: the newest firings that asked for one, and what came of them.
    """

    submitted: int
    crossings: int
    last: LastDto | None
    running: bool
    alarms: list[AlarmDto]


class ExperimentAccepted(BaseModel):
    """A training was asked for; the experiment will be there in a moment."""

    experiment: UUID


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
        alert_rules=tuple(body.alert_rules),
        least_reviewed=body.least_reviewed,
    )


def training_dto(training: Training, alarms: Sequence[Mapping[Any, Any]]) -> TrainingDto:
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
        alert_rules=list(settings.alert_rules),
        least_reviewed=settings.least_reviewed,
        submitted=training.submitted,
        crossings=training.crossings,
        last=LastDto(experiment=last.experiment, why=last.why, time=last.time) if last else None,
        running=training.running,
        alarms=[
            AlarmDto(
                alert=row["alert"],
                rule=row["rule"],
                text=row["text"],
                time=row["fired_time"],
                outcome=row["outcome"],
                why=row["why"],
                experiment=row["experiment"],
            )
            for row in alarms
        ],
    )
