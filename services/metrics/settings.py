"""Settings of the metrics service."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.runtime.settings import Settings


class MetricsSettings(Settings):
    """`SIGHTLOOP_METRICS_…`."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLOOP_METRICS_", frozen=True, extra="ignore")

    deployment_wait: float = Field(
        default=2.0, ge=0, description="Seconds an unknown deployment is waited for."
    )
    manifest_wait: float = Field(
        default=60.0, ge=0, description="Seconds a reference waits for its dataset to settle."
    )
    scoring_batch: int = Field(
        default=32, ge=1, le=500, description="Pictures scored in one transaction."
    )
    scoring_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Share of the time that scoring may work while it is behind; newest first.",
    )
    pictures_at_once: int = Field(
        default=8, ge=1, description="Pictures in memory at once while scoring or embedding."
    )
    reference_images: int = Field(
        default=4000, ge=8, description="Most images of a dataset version a reference is made of."
    )
    reference_rest: float = Field(
        default=3600.0,
        ge=0,
        description="Seconds from a reference to the next when its dataset version changes.",
    )
    calibration_streams: int = Field(
        default=399, ge=19, description="Simulated streams behind the drift alarm's threshold."
    )
    drift_window: int = Field(
        default=100, ge=10, description="Images in the live window that drift is measured on."
    )
    mirror_bytes: int = Field(
        default=64_000_000,
        ge=0,
        description="Most bytes of rollups kept in memory, so that dashboards read what moved.",
    )
    pool_bytes: int = Field(
        default=100_000_000,
        ge=0,
        description="Most bytes of reviewed images kept in memory, so that one more review costs "
        "little; 1.7 KB an image with 14 detections. Longer ranges are read and pooled each time.",
    )
    backbone_bytes: int = Field(
        default=256 * 2**20, ge=2**10, description="Largest backbone that may be uploaded."
    )
    backbone_memory: int = Field(
        default=2 * 2**30,
        ge=2**28,
        description="Most bytes of memory the process of a backbone may take.",
    )
    backbone_seconds: float = Field(
        default=5.0, gt=0, description="Seconds a backbone may take for a picture."
    )
    backbone_load_seconds: float = Field(
        default=60.0,
        gt=0,
        description="Seconds a backbone's process may take to start and to answer a test picture.",
    )
    backbones: int = Field(default=20, ge=1, description="Most backbones of an organisation.")
    alert_delay: float = Field(
        default=30.0,
        ge=0,
        description="Seconds from the end of a window until alerts judge it: answers come late.",
    )
    alert_rules: int = Field(default=100, ge=1, description="Most alert rules of a deployment.")
