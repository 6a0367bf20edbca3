"""The Datalake: images, uploaded or logged, and their pictures."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Form, Query, UploadFile
from starlette.responses import Response

from libs.api.paging import CursorText, Limit, Page, page, read_time_cursor, write_cursor
from libs.api.problems import Problem, invalid, not_found
from libs.api.queries import CompletionsDto, CountDto, QueryText, completed
from libs.blobs.blobs import BlobNotFound
from libs.blobs.thumbnails import CONTENT_TYPE
from libs.schemas.events import DataDeleted
from libs.store.session import Cause
from libs.vision.images import ImageRefused
from services.ingest import store
from services.ingest.actions.pictures import thumbnails_of
from services.ingest.actions.registering import Upload, register
from services.ingest.api.asked import Parts, Reader, Writer
from services.ingest.api.queries import fields_of, query_of
from services.ingest.dto import DataDetail, DataDto, UploadedDto, data_detail, data_dto
from services.ingest.errors import UploadRefused

router = APIRouter(prefix="/api/ingest/v1/data", tags=["datalake"])
_FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable"}


@router.get("")
async def list_data(
    parts: Parts, caller: Reader, q: QueryText = "", limit: Limit = 50, cursor: CursorText = None
) -> Page[DataDto]:
    """The images of the organisation, newest first. `q`: the query language of docs/query.md."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        wanted = await query_of(read, caller, q)
        rows = await store.list_data(
            read, caller.organization, before=before, limit=limit, wanted=wanted
        )
    return page(rows, limit, data_dto, lambda row: write_cursor(row["event_time"], row["id"]))


@router.get("/count")
async def count_data(parts: Parts, caller: Reader, q: QueryText = "") -> CountDto:
    """How many images a query finds."""
    async with parts.database.read() as read:
        wanted = await query_of(read, caller, q)
        return CountDto(count=await store.count_data(read, caller.organization, wanted))


@router.get("/completions")
async def complete_query(
    parts: Parts,
    caller: Reader,
    q: QueryText = "",
    at: Annotated[int | None, Query(ge=0)] = None,
) -> CompletionsDto:
    """What may stand at the place `at` (a column from 0; the end if unset) of a query."""
    async with parts.database.read() as read:
        return completed(q, at, await fields_of(read, caller))


@router.post("", status_code=201)
async def upload(
    parts: Parts,
    caller: Writer,
    file: UploadFile,
    response: Response,
    source: Annotated[str, Form(min_length=1, max_length=1024)] = "upload",
    tags: Annotated[list[str] | None, Form()] = None,
    metadata: Annotated[str, Form(max_length=100_000)] = "{}",
    once: Annotated[bool, Form()] = False,
) -> UploadedDto:
    """Upload an image. `metadata`: a JSON object.

    `once`: bytes that are there already make no other image; the one that has them is answered
    as it is, with status 200 and `duplicate`.
    """
    sent = Upload(
        content=await file.read(),
        filename=file.filename,
        source=source,
        tags=tags or [],
        metadata=_metadata(metadata),
    )
    try:
        made = await register(parts, caller.organization, caller.actor, sent, once=once)
    except UploadRefused as error:
        if error.too_large:
            raise Problem(413, "picture-too-large", str(error)) from error
        raise invalid("the picture is refused", [("file", str(error))]) from error
    if made.duplicate:
        response.status_code = 200
    return UploadedDto(**data_dto(made.row).model_dump(), duplicate=made.duplicate)


@router.get("/{data}")
async def get_data(data: UUID, parts: Parts, caller: Reader) -> DataDetail:
    """One image, what logged it, and the other images with the same bytes."""
    async with parts.database.read() as read:
        row = await store.find_data(read, caller.organization, data)
        if row is None:
            raise not_found(f"image {data}")
        prediction = await store.prediction_of(read, row)
        twins = await store.twins_of(read, row)
    return data_detail(row, prediction=prediction, twins=twins)


@router.get("/{data}/picture", response_class=Response)
async def get_picture(
    data: UUID,
    parts: Parts,
    caller: Reader,
    size: Annotated[int | None, Query(ge=16, le=2048)] = None,
) -> Response:
    """The picture, or a thumbnail whose longer side is `size` pixels or a little more."""
    async with parts.database.read() as read:
        row = await store.find_data(read, caller.organization, data)
    picture = store.picture_of(row) if row is not None else None
    if picture is None:
        raise not_found(f"picture of image {data}")
    try:
        if size is None:
            content = await parts.blobs.get(picture.key)
            return Response(content, media_type=picture.content_type, headers=_FOR_GOOD)
        small = await parts.thumbnails.get(
            thumbnails_of(caller.organization),
            picture=picture.key,
            sha256=picture.sha256,
            size=size,
        )
    except BlobNotFound as error:
        raise not_found(f"picture of image {data}") from error
    except ImageRefused as error:
        raise Problem(422, "picture-damaged", str(error)) from error
    return Response(small, media_type=CONTENT_TYPE, headers=_FOR_GOOD)


@router.delete("/{data}", status_code=204)
async def delete_data(data: UUID, parts: Parts, caller: Writer, *, erase: bool = False) -> None:
    """Delete an image, and minutes later its picture; `erase` takes copies in datasets too."""
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        row = await store.lose_data(tx, caller.organization, data)
        if row is None:
            raise not_found(f"image {data}")
        await tx.emit(
            DataDeleted(data=data, picture=store.picture_of(row), erase=erase),
            organization=caller.organization,
        )


def _metadata(text: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise invalid("the metadata is no JSON", [("metadata", str(error))]) from error
    if not isinstance(found, dict) or "\\u0000" in text:
        what = "must be a JSON object without the character U+0000"
        raise invalid("the metadata cannot be kept", [("metadata", what)])
    return found
