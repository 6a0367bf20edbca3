"""Settings: `SIGHTLOOP_…` variables, frozen, each with a sentence, none unknown."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "SIGHTLOOP_"


class BadSettings(Exception):
    """A setting is unknown, missing or wrong: one line for each."""


class Settings(BaseSettings):
    """Base of every settings class; a service's own has the prefix `SIGHTLOOP_<SERVICE>_`."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore"
    )


S = TypeVar("S", bound=Settings)


class Platform(Settings):
    """What every process needs."""

    database_url: str = Field(
        description="SQLAlchemy address of a service's database; {service} is its name."
    )
    bus_url: str = Field(description="kafka://host:port, or the address of the embedded log.")
    instance: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,150}$",
        description="This process's place, which a process started in its stead has too and no "
        "other (a pod's name): it then takes its partitions of Kafka over at once. If unset, after "
        "the ten seconds for which a group waits for a member that died.",
    )
    blobs_url: str = Field(description="s3://key:secret@host:port/bucket, or file:///folder.")
    public_url: str = Field(
        default="http://127.0.0.1:8000",
        description="The one origin, as browsers and clients see it.",
    )
    internal_url: str = Field(
        default="http://127.0.0.1:8000", description="The one origin, as services reach it."
    )
    monitor_url: str | None = Field(
        default=None, description="Where ingest is reached directly; the one origin if unset."
    )
    token_public_key: SecretStr = Field(
        description="Ed25519 key in PEM that tokens are verified with."
    )
    service_token: SecretStr | None = Field(
        default=None,
        min_length=1,
        description="Token that this service shows to others (serving to ingest).",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port; 0 picks a free one.")
    drain_seconds: float = Field(
        default=0, ge=0, description="How long to stay up, unready, after SIGTERM."
    )
    database_pool: int = Field(default=5, ge=1, description="Connections of each service's pool.")
    body_limit: int = Field(
        default=48 * 2**20, ge=2**16, description="Largest body held in memory, in bytes."
    )
    multipart_limit: int = Field(
        default=2 * 2**30, ge=2**16, description="Largest multipart body, in bytes (on disk)."
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: str = Field(default="json", description="json, or console for people.")
    otlp_endpoint: str | None = Field(
        default=None, description="OTLP/HTTP collector for traces; none are exported if unset."
    )


def load(kind: type[S], **values: Any) -> S:
    """A settings value from the environment and explicit values, which win.

    Raises:
        BadSettings: with one line for each setting that is missing or wrong.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        lines = []
        for item in error.errors(include_input=False):
            field = str(item["loc"][0]) if item["loc"] else ""
            known = field in kind.model_fields
            lines.append(f"{_variable(kind, field) if known else field}: {item['msg']}")
        raise BadSettings("\n".join(lines)) from None


def names(kinds: Iterable[type[Settings]]) -> dict[str, str]:
    """Every variable and its sentence."""
    return {
        _variable(kind, name): field.description or ""
        for kind in kinds
        for name, field in kind.model_fields.items()
    }


def _variable(kind: type[Settings], name: str) -> str:
    alias = kind.model_fields[name].validation_alias
    prefix = str(kind.model_config.get("env_prefix", PREFIX))
    return alias if isinstance(alias, str) else prefix + name.upper()


def refuse_unknown(environment: Mapping[str, str], known: Iterable[str]) -> None:
    """Raises BadSettings for a variable with our prefix that nothing reads."""
    known = set(known)
    lines = []
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            lines.append(f"{name}: there is no such setting{hint}")
    if lines:
        raise BadSettings("\n".join(lines))
