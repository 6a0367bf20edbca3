"""Settings of the review service."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.runtime.settings import Settings


class ReviewSettings(Settings):
    """`SIGHTLOOP_REVIEW_…`."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLOOP_REVIEW_", frozen=True, extra="ignore")

    draw_seconds: float = Field(
        default=1.0, gt=0, description="Seconds for which arrivals are gathered into a draw."
    )
    wait: float = Field(
        default=2.0,
        ge=0,
        description="Seconds an unknown deployment, or a prediction just logged, is waited for.",
    )
