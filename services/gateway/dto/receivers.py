"""Receivers of events, and the log of what was told to them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, field_validator
from pydantic_core import PydanticCustomError

from libs.schemas.events import Severity
from services.gateway.core.addresses import BadTarget, read_url
from services.gateway.core.delivery import EVENTS, DeliveryState, Kind
from services.gateway.dto.platform import Name

Target = Annotated[str, Field(min_length=1, max_length=2000)]


class ChangedReceiver(BaseModel):
    """What of a receiver can be changed. `events`: of `alert.fired`, `alert.resolved`,
    `retraining.triggered`, `experiment.finished`, `rollout.finished`, `verdict.reached`;
    `deployments` empty: of all; `least_severity`: alerts below it are not told."""

    name: Name
    target: Target
    events: Annotated[list[str], Field(min_length=1, max_length=20)] = [
        "alert.fired",
        "alert.resolved",
    ]
    deployments: Annotated[list[UUID], Field(max_length=200)] = []
    least_severity: Severity = Severity.INFO
    enabled: bool = True

    @field_validator("events")
    @classmethod
    def _told(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in EVENTS:
                raise PydanticCustomError(
                    "event",
                    "no receiver is told of {name}; there are {known}",
                    {"name": name[:100], "known": ", ".join(EVENTS)},
                )
        return list(dict.fromkeys(value))


class NewReceiver(ChangedReceiver):
    """A receiver: `target` is a URL (WEBHOOK, SLACK) or an address (EMAIL)."""

    kind: Kind


class LastAttempt(BaseModel):
    """How telling it went last. `state`: of that delivery."""

    time: datetime
    ok: bool
    detail: str
    state: DeliveryState


class ReceiverDto(BaseModel):
    """A receiver. `last` null: it was never told anything."""

    id: UUID
    kind: Kind
    name: str
    target: str
    events: list[str]
    deployments: list[UUID]
    least_severity: Severity
    enabled: bool
    created: datetime
    last: LastAttempt | None = None


class MadeReceiver(ReceiverDto):
    """`secret`: what a webhook's requests are signed with, shown this once; null for others."""

    secret: str | None


class AttemptDto(BaseModel):
    """`status`: of HTTP or SMTP; null: there was no answer. `seconds`: how long it took."""

    number: int
    time: datetime
    ok: bool
    status: int | None
    detail: str
    seconds: float


class ToldDto(BaseModel):
    """An event for a receiver. `due`: of a PENDING one, the next attempt."""

    id: UUID
    event: UUID
    type: str
    deployment: UUID | None
    text: str
    state: DeliveryState
    attempts: int
    due: datetime | None
    created: datetime
    settled: datetime | None
    tried: list[AttemptDto]


class Asked(BaseModel):
    """The delivery that was asked for."""

    delivery: UUID


def check_target(kind: Kind, target: str) -> None:
    """Raises BadTarget for what is no target of this kind."""
    if kind is not Kind.EMAIL:
        read_url(target)
    elif not _is_address(target):
        raise BadTarget("an e-mail address")


def _is_address(text: str) -> bool:
    name, at, domain = text.partition("@")
    odd = set(' \t\r\n,;<>"')
    return bool(name and at and domain) and "@" not in domain and not odd & set(text)
