"""Experiments as the interface shows them."""

from sqlalchemy import RowMapping

from services.trainer.actions import external
from services.trainer.dto import ArtifactDto, ExperimentDto, LearnedFromDto
from services.trainer.parts import Trainer
from services.trainer.store.artifacts import artifacts_of
from services.trainer.store.experiments import trained_on


def experiment_dto(parts: Trainer, row: RowMapping) -> ExperimentDto:
    """One experiment."""
    return ExperimentDto.model_validate(
        dict(row)
        | {
            "type": external.task_of(parts, row),
            "datasets": [LearnedFromDto.model_validate(one) for one in trained_on(row)],
            "artifacts": [ArtifactDto.model_validate(one) for one in artifacts_of(row)],
        }
    )
