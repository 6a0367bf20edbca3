"""The Datalake itself, its tags and its sources, as the existing client manages them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from libs.api.compat import compat_router
from libs.api.compat_asked import ALL, Limit, Offset, mine
from libs.api.problems import invalid, not_found
from libs.schemas.ids import datalake_id
from libs.store.session import Cause
from services.ingest.compat.asked import (
    DATALAKE,
    Parts,
    Reader,
    Writer,
    datalake_json,
    our_lake,
    source_json,
    tag_json,
)
from services.ingest.store import vocabulary
from services.ingest.store.vocabulary import Kind

router = compat_router()
_ORGANIZATION = "/api/organization/{organization}"
_TAGS = "/api/datalake/{datalake}/tags"
Target = Literal[
    "DATA", "ASSET", "MODEL_VERSION", "MODEL", "DATASET_VERSION", "DATASET", "DEPLOYMENT",
    "PREDICTED_ASSET",
]  # fmt: skip


def _storable(name: str) -> str:
    if "\x00" in name:
        raise ValueError("the character U+0000 cannot be stored")
    return name


Name = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_storable)]


class NameBody(BaseModel):
    """A name to be made."""

    name: Name


class TagBody(NameBody):
    """A tag to be made."""

    target_type: Target


@router.get(_ORGANIZATION + "/datalake")
async def find_datalake(
    organization: UUID,
    caller: Reader,
    id: UUID | None = None,  # noqa: A002
    name: str | None = None,
) -> dict[str, Any]:
    """The organisation's Datalake: it has one."""
    mine(caller, organization)
    if id not in (None, datalake_id(organization)) or name not in (None, DATALAKE):
        raise not_found(f"datalake {id or name}: an organisation has one, {DATALAKE!r}")
    return datalake_json(organization)


@router.get(_ORGANIZATION + "/datalakes")
async def list_datalakes(organization: UUID, caller: Reader) -> dict[str, Any]:
    """The organisation's Datalake."""
    mine(caller, organization)
    return {"items": [datalake_json(organization)], "count": 1}


@router.get("/api/datalake/{datalake}")
async def get_datalake(datalake: UUID, caller: Reader) -> dict[str, Any]:
    """The Datalake."""
    our_lake(caller, datalake)
    return datalake_json(caller.organization)


@router.get(_TAGS)
async def list_tags(
    datalake: UUID, parts: Parts, caller: Reader, limit: Limit = ALL, offset: Offset = 0
) -> dict[str, Any]:
    """Tags of images, made or in use."""
    our_lake(caller, datalake)
    async with parts.database.read() as read:
        names = await vocabulary.names(read, caller.organization, Kind.TAG)
    some = names[offset : offset + limit]
    return {"items": [tag_json(caller.organization, one) for one in some], "count": len(names)}


@router.post(_TAGS)
async def create_tag(
    datalake: UUID, body: NameBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Make a tag; one that is there is it."""
    our_lake(caller, datalake)
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        await vocabulary.add_name(tx, caller.organization, Kind.TAG, body.name)
    return tag_json(caller.organization, body.name)


@router.get(_TAGS + "/find")
async def find_tag(datalake: UUID, name: str, parts: Parts, caller: Reader) -> dict[str, Any]:
    """A tag by its name."""
    our_lake(caller, datalake)
    async with parts.database.read() as read:
        if not await vocabulary.has_name(read, caller.organization, Kind.TAG, name):
            raise not_found(f"tag {name!r}")
    return tag_json(caller.organization, name)


@router.post(_ORGANIZATION + "/tags")
async def create_any_tag(
    organization: UUID, body: TagBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Make a tag; there are tags of images only."""
    mine(caller, organization)
    _images_only(body.target_type)
    return await create_tag(datalake_id(organization), NameBody(name=body.name), parts, caller)


@router.get(_ORGANIZATION + "/tags")
async def list_any_tags(
    organization: UUID,
    parts: Parts,
    caller: Reader,
    target_type: Target,
    limit: Limit = ALL,
    offset: Offset = 0,
) -> dict[str, Any]:
    """Tags of a kind; there are those of images."""
    mine(caller, organization)
    if target_type != "DATA":
        return {"items": [], "count": 0}
    return await list_tags(datalake_id(organization), parts, caller, limit, offset)


@router.get(_ORGANIZATION + "/tags/find")
async def find_any_tag(
    organization: UUID, name: str, target_type: Target, parts: Parts, caller: Reader
) -> dict[str, Any]:
    """A tag by its name and kind."""
    mine(caller, organization)
    if target_type != "DATA":
        raise not_found(f"tag {name!r} of {target_type}")
    return await find_tag(datalake_id(organization), name, parts, caller)


@router.get("/api/tag/{tag}")
async def get_tag(tag: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """A tag by its id."""
    async with parts.database.read() as read:
        known = await vocabulary.names_of(read, caller.organization, Kind.TAG, {tag})
    if tag not in known:
        raise not_found(f"tag {tag}")
    return tag_json(caller.organization, known[tag])


@router.post("/api/tag/{tag}/attach")
async def attach(tag: UUID, body: list[UUID], parts: Parts, caller: Writer) -> dict[str, Any]:
    """Give images a tag."""
    return await _tag(tag, body, parts, caller, attach=True)


@router.post("/api/tag/{tag}/detach")
async def detach(tag: UUID, body: list[UUID], parts: Parts, caller: Writer) -> dict[str, Any]:
    """Take a tag from images."""
    return await _tag(tag, body, parts, caller, attach=False)


@router.get(_ORGANIZATION + "/datasources")
async def list_sources(
    organization: UUID, parts: Parts, caller: Reader, limit: Limit = ALL, offset: Offset = 0
) -> dict[str, Any]:
    """Sources of images, made or in use."""
    mine(caller, organization)
    async with parts.database.read() as read:
        names = await vocabulary.names(read, organization, Kind.SOURCE)
    some = names[offset : offset + limit]
    return {"items": [source_json(organization, one) for one in some], "count": len(names)}


@router.post(_ORGANIZATION + "/datasources")
async def create_source(
    organization: UUID, body: NameBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Make a source; one that is there is it."""
    mine(caller, organization)
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        await vocabulary.add_name(tx, organization, Kind.SOURCE, body.name)
    return source_json(organization, body.name)


@router.get(_ORGANIZATION + "/datasources/find")
async def find_source(
    organization: UUID, name: str, parts: Parts, caller: Reader
) -> dict[str, Any]:
    """A source by its name."""
    mine(caller, organization)
    async with parts.database.read() as read:
        if not await vocabulary.has_name(read, organization, Kind.SOURCE, name):
            raise not_found(f"source {name!r}")
    return source_json(organization, name)


@router.get("/api/data/source/{source}")
async def get_source(source: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """A source by its id."""
    async with parts.database.read() as read:
        known = await vocabulary.names_of(read, caller.organization, Kind.SOURCE, {source})
    if source not in known:
        raise not_found(f"source {source}")
    return source_json(caller.organization, known[source])


async def _tag(
    tag: UUID, images: list[UUID], parts: Parts, caller: Writer, *, attach: bool
) -> dict[str, Any]:
    if len(images) > ALL:
        raise invalid(f"at most {ALL} images at once", [("body", "is too long")])
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        known = await vocabulary.names_of(tx, caller.organization, Kind.TAG, {tag})
        if tag not in known:
            raise not_found(f"tag {tag}")
        changed = await vocabulary.tag(tx, caller.organization, known[tag], images, attach=attach)
    return {"tag": tag_json(caller.organization, known[tag]), "count": len(changed)}


def _images_only(target: str) -> None:
    if target != "DATA":
        raise invalid(
            "Sightloop has tags of images only", [("target_type", f"there are none of {target}")]
        )
