"""Tags of a version's assets, as the existing client makes and finds them."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from libs.api.compat import compat_router
from libs.api.compat_tags import tag_json, tags_json
from libs.api.problems import not_found
from libs.api.tags import Name
from libs.schemas.tags import TagTarget
from libs.store.session import Cause
from services.feedback.compat.asked import Parts, Reader, Writer, answered
from services.feedback.store import datasets
from services.feedback.tables import tags

router = compat_router()
_TAGS = "/api/dataset/version/{version}/tags"


class NameBody(BaseModel):
    """A tag to be made."""

    name: Name


@router.get(_TAGS)
async def list_tags(version: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """The tags of a version's assets, by name."""
    organization = caller.organization
    with answered():
        async with parts.database.read() as read:
            await datasets.find_version(read, organization, version)
            rows = await tags.listed(read, organization, TagTarget.ASSET, within=version)
    return {"items": tags_json(rows), "count": len(rows)}


@router.post(_TAGS)
async def create_tag(version: UUID, body: NameBody, parts: Parts, caller: Writer) -> dict[str, Any]:
    """Make a tag for a version's assets; one that is there is it."""
    organization = caller.organization
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            await datasets.find_version(tx, organization, version)
            row = await tags.make(tx, organization, TagTarget.ASSET, body.name, within=version)
    return tag_json(row)


@router.get(_TAGS + "/find")
async def find_tag(version: UUID, name: str, parts: Parts, caller: Reader) -> dict[str, Any]:
    """A tag of a version's assets by its name."""
    organization = caller.organization
    with answered():
        async with parts.database.read() as read:
            await datasets.find_version(read, organization, version)
            rows = await tags.listed(read, organization, TagTarget.ASSET, within=version, name=name)
    if not rows:
        raise not_found(f"tag {name!r}")
    return tag_json(rows[0])
