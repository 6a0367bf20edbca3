"""Settings of the ingest service."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from libs.runtime.settings import Settings


class IngestSettings(Settings):
    """`SIGHTLOOP_INGEST_…`."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLOOP_INGEST_", frozen=True, extra="ignore")

    picture_limit: int = Field(
        default=32 * 2**20, ge=2**10, description="Largest picture that is accepted, in bytes."
    )
    pixel_limit: int = Field(
        default=100_000_000, ge=1, description="Most pixels a picture may have when decoded."
    )
    batch_limit: int = Field(
        default=5000, ge=1, description="Most predictions in one NDJSON request."
    )
    pictures_at_once: int = Field(
        default=64, ge=1, description="Pictures in hand at once; beyond that callers get a 503."
    )
    thumbnails_at_once: int = Field(
        default=2, ge=1, description="Thumbnails made at once; others wait for their turn."
    )
    waiting_limit: int = Field(
        default=20_000,
        ge=1,
        description="Predictions that may wait for the bus at once; beyond that callers get a 503.",
    )
    waiting_bytes: int = Field(
        default=32 * 2**20, ge=2**20, description="Bytes that may wait for the bus at once."
    )
    deployment_wait: float = Field(
        default=2.0, ge=0, description="Seconds an unknown deployment is waited for."
    )
    places: dict[str, SecretStr] = Field(
        default={},
        description=(
            "Where images may be registered from, by name, as JSON: file:///folder or "
            "s3://key:secret@host:port/bucket/prefix; ?organization= keeps a place to one."
        ),
    )
