"""Who asks, deployments, jobs and changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sightloop_sdk.values.base import Value


class Me(Value, frozen=True, kw_only=True):
    """Whose token it is. `expires` None: never."""

    organization: dict[str, Any]
    name: str
    role: str | None = None
    scopes: list[str]
    expires: datetime | None = None


class Role(Value, frozen=True, kw_only=True):
    """A model version as champion or shadow; `labels` in the order of its classes."""

    version: UUID
    model: UUID
    name: str
    number: int
    labels: list[str]
    threshold: float | None = None
    error: str | None = None


class DeploymentInfo(Value, frozen=True, kw_only=True):
    """A deployment. `sample_rate`: share of pictures that is kept."""

    id: UUID
    name: str
    type: str
    state: str
    threshold: float
    sample_rate: float
    champion: Role
    shadow: Role | None = None
    retention_days: int | None = None
    warnings: list[str] = []
    created: datetime | None = None


class Job(Value, frozen=True, kw_only=True):
    """Long work of the server: QUEUED, RUNNING, SUCCEEDED, FAILED or CANCELLED."""

    id: UUID
    kind: str
    subject: str
    state: str
    done: int
    total: int
    message: str
    error: str | None = None


class Change(Value, frozen=True, kw_only=True):
    """Something changed. `kind`: e.g. `prediction.reviewed`; `reset`: changes were missed."""

    kind: str
    id: str | None
    subject: str | None = None
    deployment: UUID | None = None
    time: datetime | None = None
