"""Images of the Datalake, as the existing client uploads, lists and changes them."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from libs.api.compat import XGET, compat_router
from libs.api.paging import read_time_cursor, write_cursor
from libs.api.problems import Problem, invalid, not_found
from libs.blobs.blobs import BadKey, BlobNotFound
from libs.blobs.uploads import uploads_of
from libs.store.session import Cause
from services.ingest import store
from services.ingest.actions.registering import Upload, register
from services.ingest.api import datalake as native
from services.ingest.compat.asked import Parts, Reader, Writer, data_json, our_lake
from services.ingest.compat.names import Name
from services.ingest.compat.queries import read_query
from services.ingest.errors import UploadRefused
from services.ingest.store import lake, vocabulary
from services.ingest.store.lake import Wanted
from services.ingest.store.vocabulary import Kind

router = compat_router()
_DATAS = "/api/datalake/{datalake}/datas"
_HOUR = timedelta(hours=1)
_PAGE = 1000
Limit = Annotated[int, Query(ge=1, le=_PAGE)]
Offset = Annotated[int, Query(ge=0, lt=2**31)]
Query_ = Annotated[str | None, Query(max_length=100_000)]
Names = Annotated[list[str], Field(max_length=_PAGE)]


class NewData(BaseModel):
    """An image whose bytes were uploaded before. `tags`: ids."""

    type: str = "IMAGE"
    filename: Name
    object_name: Annotated[str, Field(max_length=512)]
    content_type: str
    tags: Annotated[list[UUID], Field(max_length=64)] = []
    data_source_id: UUID | None = None
    metadata: dict[str, Any] | None = None
    custom_metadata: dict[str, Any] | None = None


class NamedBody(BaseModel):
    """Which images, by one kind of name; `q` narrows."""

    filenames: Names | None = None
    object_names: Names | None = None
    ids: Annotated[list[UUID], Field(max_length=_PAGE)] | None = None
    q: str | None = None


class IdsBody(BaseModel):
    """Images to delete."""

    ids: Annotated[list[UUID], Field(max_length=10_000)]


class MetadataBody(BaseModel):
    """Metadata in place of what there is."""

    metadata: dict[str, Any] | None = None


class CustomBody(BaseModel):
    """Custom metadata in place of what there is."""

    custom_metadata: dict[str, Any] | None = None


@router.post(_DATAS)
async def create_data(
    datalake: UUID, body: NewData, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Make an image of an upload. It has another name then: that of its content."""
    our_lake(caller, datalake)
    organization = caller.organization
    if body.type != "IMAGE":
        raise invalid("Sightloop keeps images", [("type", f"{body.type} is none")])
    if not body.object_name.startswith(f"{uploads_of(organization)}/"):
        raise invalid("the object is no upload", [("object_name", "upload it first")])
    tags, source = await named(parts, organization, body.tags, body.data_source_id)
    try:
        content = await parts.blobs.get(body.object_name)
    except (BlobNotFound, BadKey) as error:
        raise invalid("the object is not there", [("object_name", "upload it first")]) from error
    upload = Upload(
        content=content,
        filename=body.filename,
        source=source or "upload",
        tags=tags,
        metadata=body.metadata or {},
        custom_metadata=body.custom_metadata or {},
    )
    try:
        row = (await register(parts, organization, caller.actor, upload)).row
    except UploadRefused as error:
        await parts.blobs.delete(body.object_name)
        if error.too_large:
            raise Problem(413, "picture-too-large", str(error)) from error
        raise invalid(f"the picture is refused: {error}", [("object_name", str(error))]) from error
    await parts.blobs.delete(body.object_name)
    return data_json(row)


@router.get(_DATAS)
async def list_data(
    datalake: UUID,
    parts: Parts,
    caller: Reader,
    limit: Limit = _PAGE,
    offset: Offset = 0,
    order_by: Annotated[list[str] | None, Query(max_length=5)] = None,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    q: Query_ = None,
) -> dict[str, Any]:
    """Images, newest first and with a cursor; or as asked, by offset. `count`: of all."""
    our_lake(caller, datalake)
    wanted = Wanted(query=read_query(q))
    more = False
    async with parts.database.read() as read:
        count = await lake.count(read, caller.organization, wanted)
        if order_by:
            orders = [_order(one) for one in order_by]
            rows = await lake.ordered(
                read, caller.organization, wanted, orders=orders, offset=offset, limit=limit
            )
        else:
            after = read_time_cursor(cursor)
            rows = await lake.page(
                read, caller.organization, wanted, after=after, offset=offset, limit=limit
            )
            more = len(rows) > limit
    rows = rows[:limit]
    last = rows[-1] if more else None
    return {
        "items": [data_json(row) for row in rows],
        "count": count,
        "next_cursor": write_cursor(last["event_time"], last["id"]) if last else None,
    }


@router.api_route(_DATAS, methods=[XGET])
async def list_named_data(
    datalake: UUID,
    body: NamedBody,
    parts: Parts,
    caller: Reader,
    limit: Limit | None = None,
    offset: Offset = 0,
    order_by: Annotated[list[str] | None, Query(max_length=5)] = None,
) -> dict[str, Any]:
    """Images by their ids, file names or object names."""
    our_lake(caller, datalake)
    wanted = Wanted(
        ids=body.ids, filenames=body.filenames, keys=body.object_names, query=read_query(body.q)
    )
    orders = [_order(one) for one in order_by or ["-created_at"]]
    # Not cut at a page: the client asks once for a chunk of names, and a name may be shared.
    most = 10 * _PAGE if limit is None else limit
    async with parts.database.read() as read:
        count = await lake.count(read, caller.organization, wanted)
        rows = await lake.ordered(
            read, caller.organization, wanted, orders=orders, offset=offset, limit=most
        )
    return {"items": [data_json(row) for row in rows], "count": count, "next_cursor": None}


@router.delete(_DATAS, status_code=204)
async def delete_several(datalake: UUID, body: IdsBody, parts: Parts, caller: Writer) -> None:
    """Delete images; those that are gone already do not matter."""
    our_lake(caller, datalake)
    for image in body.ids:
        try:
            await native.delete_data(image, parts, caller)
        except Problem as problem:
            if problem.status != 404:
                raise


@router.get(_DATAS + "/find")
async def find_data(
    datalake: UUID,
    parts: Parts,
    caller: Reader,
    id: UUID | None = None,  # noqa: A002
    filename: str | None = None,
    object_name: str | None = None,
) -> dict[str, Any]:
    """The one image that fits."""
    our_lake(caller, datalake)
    if (id, filename, object_name) == (None, None, None):
        raise invalid("say what to find", [("id", "give it, or another")])
    wanted = Wanted(
        ids=None if id is None else [id],
        filenames=None if filename is None else [filename],
        keys=None if object_name is None else [object_name],
    )
    async with parts.database.read() as read:
        rows = await lake.page(read, caller.organization, wanted, after=None, offset=0, limit=1)
    if not rows:
        raise not_found("such image")
    if len(rows) > 1:
        raise invalid("several images fit; say more of the one")
    return data_json(rows[0])


@router.get("/api/data/{data}")
async def get_data(data: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """One image."""
    async with parts.database.read() as read:
        row = await store.find_data(read, caller.organization, data)
    if row is None or row["picture_key"] is None:
        raise not_found(f"image {data}")
    return data_json(row)


@router.get("/api/data/{data}/presigned-url")
async def presign(data: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """Where the picture may be fetched without a token, for an hour."""
    async with parts.database.read() as read:
        row = await store.find_data(read, caller.organization, data)
    if row is None or row["picture_key"] is None:
        raise not_found(f"image {data}")
    return {"presigned_url": await parts.blobs.presign_get(row["picture_key"], expires=_HOUR)}


@router.delete("/api/data/{data}", status_code=204)
async def delete_data(data: UUID, parts: Parts, caller: Writer) -> None:
    """Delete an image; its predictions go with it."""
    await native.delete_data(data, parts, caller)


@router.patch("/api/data/{data}")
async def change_metadata(
    data: UUID, body: MetadataBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Replace the metadata."""
    return await _change(parts, caller, data, metadata=body.metadata or {})


@router.patch("/api/data/{data}/custom-metadata")
async def change_custom_metadata(
    data: UUID, body: CustomBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Replace the custom metadata."""
    return await _change(parts, caller, data, custom_metadata=body.custom_metadata or {})


async def named(
    parts: Parts, organization: UUID, tags: list[UUID], source: UUID | None
) -> tuple[list[str], str | None]:
    """The names of tags and of a source. Raises Problem 404."""
    async with parts.database.read() as read:
        known = await vocabulary.names_of(read, organization, Kind.TAG, set(tags))
        of = set() if source is None else {source}
        sources = await vocabulary.names_of(read, organization, Kind.SOURCE, of)
    for tag in tags:
        if tag not in known:
            raise not_found(f"tag {tag}")
    if source is not None and source not in sources:
        raise not_found(f"source {source}")
    return [known[tag] for tag in tags], sources.get(source) if source else None


async def _change(parts: Parts, caller: Writer, data: UUID, **values: Any) -> dict[str, Any]:
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        row = await lake.change(tx, caller.organization, data, **values)
    if row is None:
        raise not_found(f"image {data}")
    return data_json(row)


def _order(text: str) -> tuple[str, bool]:
    name = text.removeprefix("-")
    if name not in lake.ORDERS:
        known = ", ".join(lake.ORDERS)
        raise invalid(f"there is no order {name!r}", [("order_by", f"there are {known}")])
    return name, text.startswith("-")
