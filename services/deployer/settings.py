"""Settings of the deployer."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.runtime.settings import Settings


class DeployerSettings(Settings):
    """`SIGHTLOOP_DEPLOYER_…`."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLOOP_DEPLOYER_", frozen=True, extra="ignore")

    model_limit: int = Field(
        default=2**30, ge=2**10, description="Largest model file that is accepted, in bytes."
    )
    look_seconds: float = Field(
        default=60.0,
        gt=0,
        description="How often open verdicts are looked at without a review: images expire.",
    )
    event_wait: float = Field(
        default=2.0,
        ge=0,
        description="Seconds that an event not yet come (dataset, experiment) is waited for.",
    )
    oracle_url: str | None = Field(
        default=None,
        description="Where the existing client logs predictions; the one origin if unset.",
    )
    serving_url: str | None = Field(
        default=None,
        description="Where the existing client asks for predictions; the one origin if unset.",
    )
    trainer_timeout: float = Field(
        default=10.0, gt=0, description="Seconds the trainer may take to answer a publish."
    )
