"""Settings of the trainer."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.runtime.settings import Settings


class TrainerSettings(Settings):
    """`SIGHTLOOP_TRAINER_…`."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLOOP_TRAINER_", frozen=True, extra="ignore")

    folder: Path | None = Field(
        default=None,
        description="Where a run keeps its pictures while it lasts; the system's own if unset.",
    )
    cache: Path | None = Field(
        default=None,
        description="Folder for compiled code, writable by the trainer alone; not kept if unset.",
    )
    time_limit: float = Field(
        default=6 * 3600, gt=0, description="Longest attempt of a training, in seconds."
    )
    attempts: int = Field(
        default=3, ge=1, description="Attempts of a training whose process or worker was lost."
    )
    at_once: int = Field(default=1, ge=1, description="Trainings that one process runs at once.")
    niceness: int = Field(
        default=10, ge=0, le=19, description="By how much a training yields to everything else."
    )
    log_limit: int = Field(
        default=20_000, ge=100, description="Most lines that are kept of an experiment's log."
    )
    artifact_limit: int = Field(
        default=4 * 2**30, ge=1, description="Largest file of an experiment, in bytes."
    )
    reference_wait: float = Field(
        default=2.0,
        ge=0,
        description="Seconds that an unknown dataset version or model version is waited for.",
    )
