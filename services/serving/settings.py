"""Settings of the serving service."""

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.runtime.settings import Settings


class ServingSettings(Settings):
    """`SIGHTLOOP_SERVING_…`."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLOOP_SERVING_", frozen=True, extra="ignore")

    cache: Path = Field(
        default=Path("~/.cache/sightloop/models"),
        description="Folder of model files and of the log spool; keep it over restarts.",
    )
    cache_limit: int = Field(
        default=4 * 2**30, ge=2**20, description="Most bytes of model files kept in the folder."
    )
    spool_limit: int = Field(
        default=2**30,
        ge=2**20,
        description="Bytes of predictions that may wait for ingest; beyond that callers get a 503.",
    )
    loaded_deployments: int = Field(
        default=16, ge=1, description="Deployments whose models are loaded at once."
    )
    load_wait: float = Field(
        default=30.0, ge=0, description="Seconds a prediction waits for its model to be loaded."
    )
    threads: int = Field(default=1, ge=1, description="Threads that one inference computes with.")
    predictions_at_once: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        description="Champions that compute at once; by default one for each core.",
    )
    predictions_waiting: int = Field(
        default=32, ge=0, description="Predictions that may wait for a free thread; then a 503."
    )
    shadows_at_once: int = Field(default=1, ge=1, description="Shadows that compute at once.")
    shadows_waiting: int = Field(
        default=16, ge=0, description="Pictures that may wait for the shadow; more are left out."
    )
    shadow_wait: float = Field(
        default=1.0,
        ge=0,
        description="Seconds a log entry waits for the shadow's answer before it goes without.",
    )
    picture_limit: int = Field(
        default=32 * 2**20, ge=2**10, description="Largest picture that is accepted, in bytes."
    )
    pixel_limit: int = Field(
        default=50_000_000, ge=1, description="Most pixels of a picture (3 bytes of memory each)."
    )
    deployment_wait: float = Field(
        default=2.0, ge=0, description="Seconds an unknown deployment is waited for."
    )
