"""Jobs, tokens, and what a browser should fetch anew."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from libs.schemas.envelope import Event, event
from libs.schemas.topics import JOBS, LIVE, TOKENS
from libs.schemas.values import Value


class JobState(StrEnum):
    """QUEUED → RUNNING → SUCCEEDED | FAILED | CANCELLED; a lost worker's job is QUEUED again."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@event("job.changed.v1", JOBS)
class JobChanged(Event, frozen=True, kw_only=True):
    """A job's state or progress; the higher revision wins."""

    job: UUID
    service: str
    kind: str
    revision: int
    state: JobState
    subject: str
    done: int
    total: int
    message: str
    attempt: int
    error: str | None = None


class OpaqueToken(Value, frozen=True, kw_only=True):
    """What verifiers need of a token that is not signed: its hash and what it may do."""

    sha256: str
    name: str
    scopes: list[str]
    expires: datetime | None


@event("token.changed.v1", TOKENS)
class TokenChanged(Event, frozen=True, kw_only=True):
    """A token was revoked, or an opaque one made. Its key is the token's id."""

    token: UUID
    revision: int
    revoked: bool
    opaque: OpaqueToken | None = None


@event("serving.loaded.v1", LIVE)
class ServingLoaded(Event, frozen=True, kw_only=True):
    """A model version is loaded and warm, or could not be."""

    deployment: UUID
    version: UUID
    role: str
    error: str | None = None


@event("series.advanced.v1", LIVE)
class SeriesAdvanced(Event, frozen=True, kw_only=True):
    """Numbers of a deployment moved; at most one a second. `families`: which charts."""

    deployment: UUID
    families: list[str]
    until: datetime


@event("reference.ready.v1", LIVE)
class ReferenceReady(Event, frozen=True, kw_only=True):
    """What a deployment's images are compared with exists, or could not be made.

    `dataset_version`: the training data; None: its first images in production.
    """

    deployment: UUID
    reference: UUID
    dataset_version: UUID | None
    images: int
    error: str | None = None
