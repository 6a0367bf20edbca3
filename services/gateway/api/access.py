"""Sessions, users and tokens."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from libs.api.app import part
from libs.api.caller import COOKIE, AnyCaller, needs
from libs.api.paging import CursorText, Limit, Page, page, read_time_cursor, write_cursor
from libs.api.problems import Problem, conflict, invalid, not_found
from libs.api.scopes import ROLES, Role, Scope
from libs.api.tokens import BadToken, Caller
from libs.schemas.events import TokenChanged
from libs.schemas.ids import uuid7
from libs.store.session import Cause, Tx
from services.gateway import actions, store
from services.gateway.dto import (
    IssuedToken,
    Login,
    Me,
    NewToken,
    NewUser,
    OrganizationDto,
    TokenDto,
    UserDto,
)
from services.gateway.parts import Gateway

router = APIRouter(prefix="/api/gateway/v1", tags=["gateway"])
Parts = Annotated[Gateway, part(Gateway)]


@router.post("/session")
async def log_in(parts: Parts, body: Login, response: Response) -> Me:
    """Turn a token into the browser's session cookie."""
    try:
        claims = parts.verifier.verify(body.token.strip())
    except BadToken as error:
        raise Problem(401, "bad-token", str(error)) from error
    if claims.organization is None:
        raise Problem(401, "bad-token", "a service's token is no login")
    lifetime = None
    if claims.expires is not None:
        lifetime = int((claims.expires - parts.clock.now()).total_seconds())
    response.set_cookie(
        COOKIE, body.token.strip(), max_age=lifetime, httponly=True, samesite="strict",
        secure=parts.secure_cookies, path="/",
    )  # fmt: skip
    return await _me(
        parts,
        Caller(
            token=claims.token,
            name=claims.name,
            organization=claims.organization,
            scopes=claims.scopes,
            expires=claims.expires,
        ),
    )


@router.delete("/session", status_code=204)
async def log_out(response: Response, caller: AnyCaller) -> None:
    """Forget the cookie. The token itself stays valid: revoke it to end it."""
    response.delete_cookie(COOKIE, path="/")


@router.get("/me")
async def get_me(parts: Parts, caller: AnyCaller) -> Me:
    """Who asks."""
    return await _me(parts, caller)


@router.get("/users")
async def list_users(
    parts: Parts,
    caller: Annotated[Caller, needs(Scope.USERS_READ)],
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[UserDto]:
    """The users of the organisation."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        rows = await store.list_members(read, caller.organization, before=before, limit=limit)
    return page(
        rows,
        limit,
        lambda row: UserDto.model_validate(dict(row)),
        lambda row: write_cursor(row["created"], row["id"]),
    )


@router.post("/users", status_code=201)
async def add_user(
    parts: Parts, caller: Annotated[Caller, needs(Scope.USERS_WRITE)], body: NewUser
) -> UserDto:
    """Add a user; give him a token with his role next."""
    now = parts.clock.now()
    row = {"id": uuid7(now), "organization": caller.organization, "created": now}
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        made = await store.add_member(tx, row | body.model_dump())
    if made is None:
        raise conflict("address-taken", f"{body.email} is a user already")
    return UserDto.model_validate(dict(made))


@router.delete("/users/{user}", status_code=204)
async def delete_user(
    parts: Parts, caller: Annotated[Caller, needs(Scope.USERS_WRITE)], user: UUID
) -> None:
    """Delete a user and revoke his tokens."""
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        if not await store.delete_member(tx, caller.organization, user):
            raise not_found(f"user {user}")
        for token in await store.revoke_tokens_of(tx, caller.organization, user):
            await _tell_revoked(tx, caller.organization, token)


@router.get("/tokens")
async def list_tokens(
    parts: Parts,
    caller: Annotated[Caller, needs(Scope.TOKENS_READ)],
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[TokenDto]:
    """The tokens of the organisation that are not revoked."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        rows = await store.list_tokens(read, caller.organization, before=before, limit=limit)
    return page(
        rows,
        limit,
        lambda row: TokenDto.model_validate(dict(row)),
        lambda row: write_cursor(row["created"], row["id"]),
    )


@router.post("/tokens", status_code=201)
async def add_token(
    parts: Parts, caller: Annotated[Caller, needs(Scope.TOKENS_WRITE)], body: NewToken
) -> IssuedToken:
    """Make a token. It may do no more than its maker; its text is shown this once."""
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        scopes = await _scopes(tx, caller, body)
        if beyond := sorted(scopes - caller.scopes):
            raise Problem(403, "beyond-your-own", f"you may not give {', '.join(beyond)}")
        days = body.expires_in_days
        issued = await actions.issue(
            parts,
            tx,
            caller.organization,
            name=body.name,
            scopes=scopes,
            lifetime=None if days is None else timedelta(days=days),
            member=body.user,
        )
    return IssuedToken(
        id=issued.id,
        name=body.name,
        scopes=sorted(scopes),
        created=issued.created,
        expires=issued.expires,
        token=issued.text,
    )


@router.delete("/tokens/{token}", status_code=204)
async def revoke_token(
    parts: Parts, caller: Annotated[Caller, needs(Scope.TOKENS_WRITE)], token: UUID
) -> None:
    """Revoke a token; every service knows within seconds."""
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        if not await store.revoke_token(tx, caller.organization, token):
            raise not_found(f"token {token}")
        await _tell_revoked(tx, caller.organization, token)


async def _scopes(tx: Tx, caller: Caller, body: NewToken) -> frozenset[Scope]:
    given = [body.role is not None, body.scopes is not None, body.user is not None]
    if sum(given) != 1:
        raise invalid("say one of role, scopes and user", [("role", "exactly one is needed")])
    if body.scopes is not None:
        return frozenset(body.scopes)
    role = body.role
    if body.user is not None:
        user = await store.find_member(tx, caller.organization, body.user)
        if user is None:
            raise not_found(f"user {body.user}")
        role = Role(user["role"])
    assert role is not None
    return ROLES[role]


async def _tell_revoked(tx: Tx, organization: UUID, token: UUID) -> None:
    changed = TokenChanged(token=token, revision=2, revoked=True)
    await tx.emit(changed, organization=organization)


async def _me(parts: Gateway, caller: Caller) -> Me:
    async with parts.database.read() as read:
        organization = await store.find_organization(read, caller.organization)
    if organization is None:
        raise Problem(401, "bad-token", "the token's organisation is gone")
    return Me(
        organization=OrganizationDto(id=organization["id"], name=organization["name"]),
        name=caller.name,
        role=next((role for role in reversed(Role) if ROLES[role] <= caller.scopes), None),
        scopes=sorted(caller.scopes),
        expires=caller.expires,
    )
