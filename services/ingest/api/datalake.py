"""The Datalake: images, uploaded or logged, and their pictures."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, UploadFile
from starlette.responses import Response

from libs.api.app import part
from libs.api.caller import needs
from libs.api.paging import CursorText, Limit, Page, page, read_time_cursor, write_cursor
from libs.api.problems import Problem, invalid, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.blobs.blobs import BlobNotFound
from libs.schemas.events import DataDeleted
from libs.store.session import Cause
from libs.vision.images import thumbnail
from services.ingest import store
from services.ingest.actions.registering import Upload, register
from services.ingest.dto import DataDto, data_dto
from services.ingest.errors import UploadRefused
from services.ingest.parts import Ingest

router = APIRouter(prefix="/api/ingest/v1/data", tags=["datalake"])
Parts = Annotated[Ingest, part(Ingest)]
Reader = Annotated[Caller, needs(Scope.DATA_READ)]
Writer = Annotated[Caller, needs(Scope.DATA_WRITE)]
_FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable"}


@router.get("")
async def list_data(
    parts: Parts, caller: Reader, limit: Limit = 50, cursor: CursorText = None
) -> Page[DataDto]:
    """The images of the organisation, newest first."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        rows = await store.list_data(read, caller.organization, before=before, limit=limit)
    return page(rows, limit, data_dto, lambda row: write_cursor(row["event_time"], row["id"]))


@router.post("", status_code=201)
async def upload(
    parts: Parts,
    caller: Writer,
    file: UploadFile,
    source: Annotated[str, Form(min_length=1, max_length=1024)] = "upload",
    tags: Annotated[list[str] | None, Form()] = None,
) -> DataDto:
    """Upload an image."""
    sent = Upload(content=await file.read(), filename=file.filename, source=source, tags=tags or [])
    try:
        row = await register(parts, caller.organization, caller.actor, sent)
    except UploadRefused as error:
        if error.too_large:
            raise Problem(413, "picture-too-large", str(error)) from error
        raise invalid("the picture is refused", [("file", str(error))]) from error
    return data_dto(row)


@router.get("/{data}")
async def get_data(data: UUID, parts: Parts, caller: Reader) -> DataDto:
    """One image."""
    async with parts.database.read() as read:
        row = await store.find_data(read, caller.organization, data)
    if row is None:
        raise not_found(f"image {data}")
    return data_dto(row)


@router.get("/{data}/picture", response_class=Response)
async def get_picture(
    data: UUID,
    parts: Parts,
    caller: Reader,
    size: Annotated[int | None, Query(ge=16, le=2048)] = None,
) -> Response:
    """The picture, or a thumbnail whose longer side is `size` pixels."""
    async with parts.database.read() as read:
        row = await store.find_data(read, caller.organization, data)
    picture = store.picture_of(row) if row is not None else None
    if picture is None:
        raise not_found(f"picture of image {data}")
    try:
        if size is None:
            content = await parts.blobs.get(picture.key)
            return Response(content, media_type=picture.content_type, headers=_FOR_GOOD)
        small = f"ingest/{caller.organization}/thumbnails/{picture.sha256}/{size}.webp"
        try:
            content = await parts.blobs.get(small)
        except BlobNotFound:
            whole = await parts.blobs.get(picture.key)
            content = await asyncio.to_thread(thumbnail, whole, size)
            await parts.blobs.put(small, content, content_type="image/webp")
    except BlobNotFound as error:
        raise not_found(f"picture of image {data}") from error
    return Response(content, media_type="image/webp", headers=_FOR_GOOD)


@router.delete("/{data}", status_code=204)
async def delete_data(data: UUID, parts: Parts, caller: Writer, *, erase: bool = False) -> None:
    """Delete an image; `erase` takes its copies in datasets too."""
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        row = await store.delete_data(tx, caller.organization, data)
        if row is None:
            raise not_found(f"image {data}")
        picture = store.picture_of(row)
        await tx.emit(
            DataDeleted(data=data, picture=picture, erase=erase), organization=caller.organization
        )
        gone = picture is not None and not await store.picture_in_use(
            tx, caller.organization, picture.sha256
        )
    if gone and picture is not None:
        await parts.blobs.delete(picture.key)
