"""The Datalake: images, uploaded or logged, and their pictures."""

import asyncio
import hashlib
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
from libs.schemas.events import DataDeleted, DataRegistered
from libs.schemas.ids import uuid7
from libs.schemas.values import Picture
from libs.store.session import Cause
from libs.vision.images import ImageRefused, inspect, thumbnail
from services.ingest import actions, store
from services.ingest.dto import DataDto, data_dto
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
    content = await file.read()
    if len(content) > parts.settings.picture_limit:
        limit = parts.settings.picture_limit
        raise Problem(413, "picture-too-large", f"the picture is larger than {limit} bytes")
    try:
        info = await asyncio.to_thread(inspect, content, max_pixels=parts.settings.pixel_limit)
    except ImageRefused as error:
        raise invalid("the picture is refused", [("file", str(error))]) from error
    sha256 = hashlib.sha256(content).hexdigest()
    picture = Picture(
        key=actions.picture_key(caller.organization, sha256, str(info.format)),
        sha256=sha256,
        size=len(content),
        content_type=str(info.format),
    )
    await parts.blobs.put(picture.key, content, content_type=picture.content_type)
    now = parts.clock.now()
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        row = await store.add_data(
            tx,
            {
                "id": uuid7(now),
                "organization": caller.organization,
                "filename": file.filename or f"{sha256[:12]}",
                "content_type": picture.content_type,
                "width": info.width,
                "height": info.height,
                "source": source,
                "tags": list(dict.fromkeys(tags or [])),
                "metadata": {},
                "custom_metadata": {},
                "picture_key": picture.key,
                "picture_sha256": sha256,
                "picture_size": picture.size,
                "event_time": now,
                "receive_time": now,
            },
        )
        await tx.emit(
            DataRegistered(
                data=row["id"],
                filename=row["filename"],
                width=info.width,
                height=info.height,
                source=source,
                tags=row["tags"],
                picture=picture,
                event_time=now,
            ),
            organization=caller.organization,
        )
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
