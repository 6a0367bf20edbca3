"""Settings of the gateway."""

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import Field, FilePath, SecretStr
from pydantic_settings import SettingsConfigDict

from libs.runtime.settings import Settings


class MailSecurity(StrEnum):
    """How the connection to the mail server is secured."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


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
    delivery_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(),
        description="JSON list of networks that are not public and may have webhook receivers.",
    )
    delivery_timeout: float = Field(
        default=10.0, gt=0, description="Seconds that an attempt to tell a receiver may take."
    )
    delivery_tries: int = Field(
        default=9, ge=1, description="Attempts to tell a receiver before it is given up."
    )
    delivery_pause: float = Field(
        default=10.0,
        gt=0,
        description="Seconds after the first failed attempt; three times as long after each next.",
    )
    delivery_at_once: int = Field(
        default=8, ge=1, description="Receivers told at once, one attempt each."
    )
    delivery_days: int = Field(default=30, ge=1, description="Days that deliveries are kept.")
    smtp_host: str | None = Field(
        default=None, description="Mail server; no receiver can be told by e-mail if unset."
    )
    smtp_port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: MailSecurity = Field(
        default=MailSecurity.STARTTLS, description="starttls, tls or none, to the mail server."
    )
    smtp_user: str | None = Field(default=None, description="Who logs in to the mail server.")
    smtp_password: SecretStr | None = Field(
        default=None, description="Password at the mail server."
    )
    smtp_ca_file: FilePath | None = Field(
        default=None,
        description="File of certificates (PEM) that the mail server's is checked against, too.",
    )
    smtp_from: str = Field(
        default="sightloop@localhost",
        pattern=r"^[^\r\n]+@[^\r\n]+$",
        description="Sender of the e-mails.",
    )
