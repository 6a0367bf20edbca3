"""The HTTP interface of the gateway."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from libs.api.scopes import Role, Scope

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
