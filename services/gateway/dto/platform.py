"""Sessions, users, tokens, jobs, and what operators see."""

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from libs.api.scopes import Role, Scope
from libs.bus.dead_letters import DeadLetter
from services.gateway.core.processes import Group

Name = Annotated[str, Field(min_length=1, max_length=200)]


class Login(BaseModel):
    token: Annotated[str, Field(min_length=1, max_length=8192)]


class OrganizationDto(BaseModel):
    id: UUID
    name: str


class Me(BaseModel):
    """Who the token is, and what it may do. `role` null: its scopes are no role's."""

    organization: OrganizationDto
    name: str
    role: Role | None
    scopes: list[Scope]
    expires: datetime | None


class NewUser(BaseModel):
    name: Name
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=320)]
    role: Role


class UserDto(BaseModel):
    id: UUID
    name: str
    email: str
    role: Role
    created: datetime


class NewToken(BaseModel):
    """`role` or `scopes`, or a `user`, whose role it then has."""

    name: Name
    role: Role | None = None
    scopes: list[Scope] | None = None
    user: UUID | None = None
    expires_in_days: Annotated[float, Field(gt=0, le=3650)] | None = None


class TokenDto(BaseModel):
    id: UUID
    name: str
    scopes: list[str]
    created: datetime
    expires: datetime | None


class IssuedToken(TokenDto):
    """The only time that the token itself is shown."""

    token: str


class KnownJob(BaseModel):
    id: UUID
    service: str
    kind: str
    subject: str
    state: str
    done: int
    total: int
    message: str
    attempt: int
    error: str | None
    changed: datetime


class DeadLetterDto(BaseModel):
    """A record that no handler could take. `id`: partition:offset among the dead letters.

    `topic`, `partition`, `offset`: where it lay. `organization`: `-` where it says none.
    """

    id: str
    time: datetime
    consumer: str
    reason: str
    organization: str
    topic: str
    partition: int
    offset: int
    key: str
    event_type: str
    replayed: datetime | None


class DeadLetterDetail(DeadLetterDto):
    """All of a dead letter. `data`: its JSON, or its text where it is none."""

    headers: dict[str, str]
    data: Any


class Replay(BaseModel):
    """Which dead letters are replayed: `letters`, or `all` that the filters take."""

    letters: Annotated[list[str], Field(max_length=200)] = []
    all: bool = False
    organization: UUID | None = None
    topic: str | None = None
    consumer: str | None = None
    reason: str | None = None


class Replayed(BaseModel):
    replayed: int


class MemberDto(BaseModel):
    """A consumer in one process. `silent`: nothing was heard of the process for a while."""

    process: UUID
    services: list[str]
    host: str
    version: str
    reported: datetime
    silent: bool
    partitions: int
    lag: int | None
    ready: bool
    breaker_open: bool
    reason: str


class ConsumerDto(BaseModel):
    """A consumer. `lag`: records behind; null: no living process has it.

    `caught_up_seconds`: until nothing is left, at the pace of the last minutes; null: not nearing.
    """

    name: str
    topics: list[str]
    lag: int | None
    caught_up_seconds: float | None
    breaker_open: bool
    members: list[MemberDto]


class Consumers(BaseModel):
    items: list[ConsumerDto]


def dead_letter_dto(letter: DeadLetter) -> DeadLetterDto:
    return DeadLetterDto.model_validate(_letter_fields(letter))


def dead_letter_detail(letter: DeadLetter) -> DeadLetterDetail:
    try:
        data: Any = json.loads(letter.value)
    except ValueError:
        data = letter.value.decode(errors="replace")
    headers = {name: value.decode(errors="replace") for name, value in letter.headers}
    return DeadLetterDetail.model_validate(
        _letter_fields(letter) | {"headers": headers, "data": data}
    )


def consumer_dto(group: Group) -> ConsumerDto:
    return ConsumerDto(
        name=group.name,
        topics=list(group.topics),
        lag=group.lag,
        caught_up_seconds=None if group.caught_up is None else group.caught_up.total_seconds(),
        breaker_open=group.breaker_open,
        members=[
            MemberDto(
                process=member.process,
                services=list(member.services),
                host=member.host,
                version=member.version,
                reported=member.reported,
                silent=member.silent,
                partitions=member.consumer.partitions,
                lag=member.consumer.lag,
                ready=member.consumer.ready,
                breaker_open=member.consumer.breaker_open,
                reason=member.consumer.reason,
            )
            for member in group.members
        ],
    )


def _letter_fields(letter: DeadLetter) -> dict[str, Any]:
    return {name: getattr(letter, name) for name in DeadLetterDto.model_fields}
