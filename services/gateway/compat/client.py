"""What the existing client asks first: who it is, and of which organisation."""

from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import RowMapping

from libs.api.app import part
from libs.api.caller import AnyCaller, needs
from libs.api.compat import compat_router
from libs.api.problems import not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.ids import connector_id
from services.gateway import store
from services.gateway.parts import Gateway

# The client warns its user where the platform knows a newer one than itself.
SPOKEN = "6.37.0"

router = compat_router()
Parts = Annotated[Gateway, part(Gateway)]
_EVERYBODY = 10_000


@router.get("/api/home/ping")
async def ping(caller: AnyCaller) -> dict[str, Any]:
    """Who asks; his organisation is the one that his token is of."""
    return {
        "username": caller.name,
        "sdk_version": SPOKEN,
        "default_organization": caller.organization,
    }


@router.get("/api/organizations/find")
async def find_organization(parts: Parts, caller: AnyCaller, name: str) -> dict[str, Any]:
    """The caller's organisation by its name."""
    found = await _mine(parts, caller)
    if found["name"] != name:
        raise not_found(f"organization {name}")
    return _organization(found)


@router.get("/api/organization/{organization}")
async def get_organization(organization: UUID, parts: Parts, caller: AnyCaller) -> dict[str, Any]:
    """The caller's organisation. With its connector the client sends its id and uploads."""
    if organization != caller.organization:
        raise not_found(f"organization {organization}")
    return _organization(await _mine(parts, caller))


@router.get("/api/access/organization/{organization}/users")
async def list_users(
    organization: UUID,
    parts: Parts,
    caller: Annotated[Caller, needs(Scope.USERS_READ)],
    username: str | None = None,
) -> dict[str, Any]:
    """The users of the organisation, perhaps only those of one name."""
    if organization != caller.organization:
        raise not_found(f"organization {organization}")
    async with parts.database.read() as read:
        rows = await store.list_members(read, caller.organization, before=None, limit=_EVERYBODY)
    users = [{"id": row["id"], "username": row["name"]} for row in rows]
    return {"users": [user for user in users if username in (None, user["username"])]}


async def _mine(parts: Gateway, caller: Caller) -> RowMapping:
    async with parts.database.read() as read:
        found = await store.find_organization(read, caller.organization)
    if found is None:
        raise not_found(f"organization {caller.organization}")
    return found


def _organization(row: RowMapping) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "default_connector_id": connector_id(row["id"]),
    }
