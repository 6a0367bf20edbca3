"""Settings of the feedback service."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.runtime.settings import Settings


class FeedbackSettings(Settings):
    """`SIGHTLOOP_FEEDBACK_…`."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLOOP_FEEDBACK_", frozen=True, extra="ignore")

    picture_limit: int = Field(
        default=32 * 2**20, ge=2**10, description="Largest picture of an import, in bytes."
    )
    pixel_limit: int = Field(
        default=100_000_000, ge=1, description="Most pixels a picture may have when decoded."
    )
    thumbnails_at_once: int = Field(
        default=2, ge=1, description="Thumbnails made at once; others wait for their turn."
    )
    annotations_limit: int = Field(
        default=256 * 2**20, ge=2**10, description="Largest COCO file of an import, in bytes."
    )
    import_limit: int = Field(
        default=20 * 2**30, ge=2**20, description="Most bytes an import's zip may unpack to."
    )
    import_files: int = Field(default=200_000, ge=1, description="Most files in an import's zip.")
    quiet_seconds: float = Field(
        default=1.0, ge=0, description="How long a version must rest before it is settled."
    )
    settle_seconds: float = Field(
        default=10.0, ge=0, description="Longest time until a version that never rests is settled."
    )
    deployment_wait: float = Field(
        default=2.0, ge=0, description="Seconds an unknown deployment is waited for."
    )
