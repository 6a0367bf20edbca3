"""Settings of the gateway."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from libs.runtime.settings import Settings


class GatewaySettings(Settings):
    """`SIGHTLOOP_GATEWAY_…`, and `SIGHTLOOP_BOOTSTRAP_TOKEN`."""

    model_config = SettingsConfigDict(
        env_prefix="SIGHTLOOP_GATEWAY_", frozen=True, extra="ignore", populate_by_name=True
    )

    signing_key: SecretStr = Field(description="Ed25519 key in PEM that tokens are signed with.")
    bootstrap_token: SecretStr | None = Field(
        default=None,
        validation_alias="SIGHTLOOP_BOOTSTRAP_TOKEN",
        min_length=32,
        description="The first admin's token, 32 characters or more; one is made if unset.",
    )
    organization: str = Field(
        default="sightloop", min_length=1, description="Name of the organisation made first."
    )
    deployment_wait: float = Field(
        default=10.0, ge=0, description="Seconds a login waits for a deployment just made."
    )
    web: Path | None = Field(default=None, description="Folder of the built interface.")
    upstreams: dict[str, str] = Field(
        default_factory=dict,
        description="JSON: addresses of services that run elsewhere and have no Ingress.",
    )
    feed_kept: int = Field(
        default=2000, ge=1, description="Live events kept for browsers that reconnect."
    )
    feed_listeners: int = Field(
        default=1000, ge=1, description="Most event streams at once; beyond that a 503."
    )
