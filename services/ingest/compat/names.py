"""The Datalake itself, its tags and its sources, as the existing client manages them."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from libs.api.compat import compat_router
from libs.api.compat_asked import ALL, Limit, Offset, mine
from libs.api.problems import not_found
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


def _storable(name: str) -> str:
    if "\x00" in name:
        raise ValueError("the character U+0000 cannot be stored")
    return name


Name = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_storable)]


class NameBody(BaseModel):
    """A name to be made."""

    name: Name


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
