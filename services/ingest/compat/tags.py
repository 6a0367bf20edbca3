"""Tags of anything, as the existing client manages them on one path.

Those of images are ours. All others are their owners', whose own routes are asked with the
caller's token; an id says whose it is.
"""

from typing import Any, Literal
from uuid import UUID

import httpx
from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from libs.api.caller import ORGANIZATION_HEADER, AnyCaller, require, token_of
from libs.api.compat import compat_router
from libs.api.compat_asked import ALL, Limit, Offset, mine
from libs.api.problems import Problem, conflict, invalid, not_found, unavailable
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.ids import datalake_id
from libs.schemas.tags import TagTarget, owner_of, service_of
from libs.store.session import Cause
from services.ingest.compat import names
from services.ingest.compat.asked import Parts, tag_json
from services.ingest.compat.names import Name, NameBody
from services.ingest.parts import Ingest
from services.ingest.store import vocabulary
from services.ingest.store.vocabulary import Kind

router = compat_router()
_ORGANIZATION = "/api/organization/{organization}/tags"
# Assets have theirs on the path of their version; predicted ones are the Datalake's images.
Target = Literal["DATA", "DEPLOYMENT", "MODEL", "MODEL_VERSION", "DATASET", "DATASET_VERSION"]


class TagBody(NameBody):
    """A tag to be made."""

    target_type: Target


class ChangeBody(BaseModel):
    """A tag's new name."""

    name: Name


@router.post(_ORGANIZATION)
async def create_tag(
    organization: UUID, body: TagBody, request: Request, parts: Parts, caller: AnyCaller
) -> dict[str, Any]:
    """Make a tag for a kind of thing; one that is there is it."""
    mine(caller, organization)
    if body.target_type == "DATA":
        require(caller, Scope.DATA_WRITE)
        return await names.create_tag(datalake_id(organization), body, parts, caller)
    target = TagTarget(body.target_type)
    sent = {"target": target, "name": body.name}
    return _shown(await _asked(parts, request, owner_of(target), "POST", "", json=sent))


@router.get(_ORGANIZATION)
async def list_tags(
    organization: UUID,
    request: Request,
    parts: Parts,
    caller: AnyCaller,
    target_type: Target,
    limit: Limit = ALL,
    offset: Offset = 0,
) -> dict[str, Any]:
    """The tags for a kind of thing."""
    mine(caller, organization)
    if target_type == "DATA":
        require(caller, Scope.DATA_READ)
        return await names.list_tags(datalake_id(organization), parts, caller, limit, offset)
    found = await _named(parts, request, TagTarget(target_type))
    return {"items": found[offset : offset + limit], "count": len(found)}


@router.get(_ORGANIZATION + "/find")
async def find_tag(
    organization: UUID,
    name: str,
    target_type: Target,
    request: Request,
    parts: Parts,
    caller: AnyCaller,
) -> dict[str, Any]:
    """A tag by its name and kind."""
    mine(caller, organization)
    if target_type == "DATA":
        require(caller, Scope.DATA_READ)
        return await names.find_tag(datalake_id(organization), name, parts, caller)
    found = await _named(parts, request, TagTarget(target_type), name=name)
    if not found:
        raise not_found(f"tag {name!r} of {target_type}")
    return found[0]


@router.get("/api/tag/{tag}")
async def get_tag(tag: UUID, request: Request, parts: Parts, caller: AnyCaller) -> dict[str, Any]:
    """A tag by its id."""
    if service := service_of(tag):
        return _shown(await _asked(parts, request, service, "GET", f"/{tag}"))
    require(caller, Scope.DATA_READ)
    async with parts.database.read() as read:
        known = await vocabulary.names_of(read, caller.organization, Kind.TAG, {tag})
    if tag not in known:
        raise not_found(f"tag {tag}")
    return tag_json(caller.organization, known[tag])


@router.patch("/api/tag/{tag}")
async def rename_tag(
    tag: UUID, body: ChangeBody, request: Request, parts: Parts, caller: AnyCaller
) -> dict[str, Any]:
    """Rename a tag; not one of images, which is what images and queries say."""
    service = service_of(tag)
    if service is None:
        raise _stays(caller)
    sent = {"name": body.name}
    return _shown(await _asked(parts, request, service, "PATCH", f"/{tag}", json=sent))


@router.delete("/api/tag/{tag}", status_code=204)
async def delete_tag(tag: UUID, request: Request, parts: Parts, caller: AnyCaller) -> Response:
    """Forget a tag; not one of images."""
    service = service_of(tag)
    if service is None:
        raise _stays(caller)
    await _asked(parts, request, service, "DELETE", f"/{tag}")
    return Response(status_code=204)


@router.post("/api/tag/{tag}/attach")
async def attach(
    tag: UUID, body: list[UUID], request: Request, parts: Parts, caller: AnyCaller
) -> dict[str, Any]:
    """Give things a tag."""
    return await _given(tag, body, request, parts, caller, attach=True)


@router.post("/api/tag/{tag}/detach")
async def detach(
    tag: UUID, body: list[UUID], request: Request, parts: Parts, caller: AnyCaller
) -> dict[str, Any]:
    """Take a tag from things."""
    return await _given(tag, body, request, parts, caller, attach=False)


async def _given(
    tag: UUID, objects: list[UUID], request: Request, parts: Ingest, caller: Caller, *, attach: bool
) -> dict[str, Any]:
    if len(objects) > ALL:
        raise invalid(f"at most {ALL} things at once", [("body", "is too long")])
    if service := service_of(tag):
        sent = {"objects": [str(one) for one in objects]}
        way = f"/{tag}/{'attach' if attach else 'detach'}"
        answer = await _asked(parts, request, service, "POST", way, json=sent)
        return {"tag": _shown(answer["tag"]), "count": answer["changed"]}
    require(caller, Scope.DATA_WRITE)
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        known = await vocabulary.names_of(tx, caller.organization, Kind.TAG, {tag})
        if tag not in known:
            raise not_found(f"tag {tag}")
        changed = await vocabulary.tag(tx, caller.organization, known[tag], objects, attach=attach)
    return {"tag": tag_json(caller.organization, known[tag]), "count": len(changed)}


async def _named(
    parts: Ingest, request: Request, target: TagTarget, **asked: str
) -> list[dict[str, Any]]:
    params = {"target": target.value, **asked}
    answer = await _asked(parts, request, owner_of(target), "GET", "", params=params)
    return [_shown(one) for one in answer["items"]]


async def _asked(
    parts: Ingest, request: Request, service: str, method: str, path: str, **sent: Any
) -> dict[str, Any]:
    """What the owner of a tag answers; its problems are told as they are."""
    address = f"{parts.internal_url}/api/{service}/v1/tags{path}"
    headers = {"Authorization": f"Bearer {token_of(request)}"}
    if ORGANIZATION_HEADER in request.headers:
        headers[ORGANIZATION_HEADER] = request.headers[ORGANIZATION_HEADER]
    try:
        answer = await parts.http.request(method, address, headers=headers, **sent)
    except httpx.HTTPError as error:
        raise unavailable("whose tag it is cannot be reached; try again") from error
    if answer.status_code >= 500:
        raise unavailable("whose tag it is cannot answer now; try again")
    if not answer.is_success:
        wrong = answer.json()
        errors = [(one["where"], one["what"]) for one in wrong.get("errors", [])]
        name = wrong["type"].rpartition("/")[2]
        raise Problem(answer.status_code, name, wrong["detail"], errors=errors)
    found: dict[str, Any] = answer.json() if answer.content else {}
    return found


def _shown(tag: dict[str, Any]) -> dict[str, Any]:
    return {"id": tag["id"], "name": tag["name"], "target_type": tag["target"]}


def _stays(caller: Caller) -> Problem:
    require(caller, Scope.DATA_WRITE)
    return conflict("tag-stays", "a tag of images stays: take it from the images that have it")
