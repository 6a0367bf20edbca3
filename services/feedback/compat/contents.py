"""The images of a dataset version, as the existing client adds and lists them."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from fastapi import Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import RowMapping

from libs.api.compat import XGET, compat_router
from libs.api.compat_asked import Offset
from libs.api.compat_tags import tags_json
from libs.api.problems import invalid, not_found
from libs.schemas.ids import datalake_id
from libs.store import jobs
from libs.store.session import Cause, Read
from services.feedback.actions.lake import images_of
from services.feedback.compat.asked import Parts, Reader, Writer, answered
from services.feedback.compat.shapes import annotations_json
from services.feedback.store import annotating, datasets
from services.feedback.store.annotating import Wanted
from services.feedback.tables import tags
from services.feedback.workers.additions import KIND

router = compat_router()
_VERSION = "/api/dataset/version/{version}"
_PAGE = 1000
_MOST = 10_000
Limit = Annotated[int, Query(ge=1, le=_PAGE)]
Names = Annotated[list[str], Field(max_length=_PAGE)]
Ids = Annotated[list[UUID], Field(max_length=_PAGE)]


class NewAssets(BaseModel):
    """Images of the Datalake."""

    data_ids: Annotated[list[UUID], Field(min_length=1, max_length=_MOST)]
    asset_tag_ids: Annotated[list[UUID], Field(max_length=64)] = []


class NamedBody(BaseModel):
    """Which assets, by one kind of name."""

    filenames: Names | None = None
    object_names: Names | None = None
    filename_startswith: Names | None = None
    ids: Ids | None = None
    data_ids: Ids | None = None
    q: str | None = None


@router.post(_VERSION + "/assets")
async def add_data(
    request: Request, version: UUID, body: NewAssets, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Add images of the Datalake; a job copies their pictures."""
    with answered():
        async with parts.database.read() as read:
            row = await datasets.find_version(read, caller.organization, version)
            for tag in body.asset_tag_ids:
                found = await tags.find(read, caller.organization, tag)
                if found is None or found["within"] != version:
                    raise not_found(f"tag {tag} of this version's assets")
    images = await images_of(parts, request, caller.organization, body.data_ids)
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        job = await jobs.enqueue(
            tx,
            KIND,
            organization=caller.organization,
            key=str(uuid4()),
            subject=f"{len(images)} images into {datasets.labelled(row).name}",
            payload={
                "version": str(version),
                "actor": caller.actor,
                "images": msgspec.to_builtins(images),
                "tags": [str(tag) for tag in body.asset_tag_ids],
            },
        )
    return {"job": {"id": job, "status": "RUNNING"}}


@router.get(_VERSION + "/assets")
async def list_assets(
    version: UUID,
    parts: Parts,
    caller: Reader,
    limit: Limit = _PAGE,
    offset: Offset = 0,
    cursor: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    order_by: Annotated[list[str] | None, Query(max_length=5)] = None,
    q: str | None = None,
) -> dict[str, Any]:
    """The images of a version, newest first."""
    if q or order_by:
        raise invalid(
            "assets are listed newest first, and by their names",
            [("q" if q else "order_by", "is not offered")],
        )
    start = offset if cursor is None else cursor
    items, count = await _listed(parts, caller, version, Wanted(), offset=start, limit=limit)
    after = start + len(items)
    return {
        "items": items,
        "count": count,
        "next_cursor": str(after) if items and after < count else None,
    }


@router.api_route(_VERSION + "/assets", methods=[XGET])
async def list_named_assets(
    version: UUID, body: NamedBody, parts: Parts, caller: Reader
) -> dict[str, Any]:
    """The images of a version by ids, file names or object names."""
    if body.q:
        raise invalid("assets have no query", [("q", "is not offered")])
    wanted = Wanted(
        ids=body.ids,
        data=body.data_ids,
        filenames=body.filenames,
        starts=body.filename_startswith,
        keys=body.object_names,
    )
    items, count = await _listed(parts, caller, version, wanted, offset=0, limit=_MOST)
    return {"items": items, "count": count, "next_cursor": None}


@router.get(_VERSION + "/assets/find")
async def find_asset(
    version: UUID,
    parts: Parts,
    caller: Reader,
    id: UUID | None = None,  # noqa: A002
    data_id: UUID | None = None,
    filename: str | None = None,
    object_name: str | None = None,
) -> dict[str, Any]:
    """The one image of a version that fits."""
    wanted = Wanted(
        ids=None if id is None else [id],
        data=None if data_id is None else [data_id],
        filenames=None if filename is None else [filename],
        keys=None if object_name is None else [object_name],
    )
    items, _ = await _listed(parts, caller, version, wanted, offset=0, limit=2)
    if not items:
        raise not_found("such asset")
    if len(items) > 1:
        raise invalid("several assets fit; say more of the one")
    return items[0]


@router.get(_VERSION + "/assets/extended")
async def list_annotated(
    version: UUID, parts: Parts, caller: Reader, limit: Limit = _PAGE, offset: Offset = 0
) -> dict[str, Any]:
    """The images of a version, each with its annotation, where it has one."""
    with answered():
        async with parts.database.read() as read:
            row = await datasets.find_version(read, caller.organization, version)
            task = datasets.labelled(row).type
            count = await annotating.count_assets(read, caller.organization, version, Wanted())
            rows = await annotating.find_assets(
                read, caller.organization, version, Wanted(), offset=offset, limit=limit
            )
            items = await _assets(read, rows)
    for item, one in zip(items, rows, strict=True):
        item["annotations"] = annotations_json(one, task, version)
    return {"items": items, "count": count}


@router.get("/api/asset/{asset}")
async def get_asset(asset: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """One image of a version."""
    async with parts.database.read() as read:
        row = await annotating.find_asset(read, caller.organization, asset)
        if row is None:
            raise not_found(f"asset {asset}")
        return (await _assets(read, [row]))[0]


async def _listed(
    parts: Parts, caller: Reader, version: UUID, wanted: Wanted, *, offset: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    with answered():
        async with parts.database.read() as read:
            await datasets.find_version(read, caller.organization, version)
            count = await annotating.count_assets(read, caller.organization, version, wanted)
            rows = await annotating.find_assets(
                read, caller.organization, version, wanted, offset=offset, limit=limit
            )
            return await _assets(read, rows), count


async def _assets(read: Read, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    if not rows:
        return []
    tagged = await tags.of(read, rows[0]["organization"], [row["id"] for row in rows])
    return [_asset(row, tagged.get(row["id"], ())) for row in rows]


def _asset(row: RowMapping, tagged: Sequence[RowMapping]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "dataset_version_id": row["dataset_version"],
        "tags": tags_json(tagged),
        "data": {
            "id": row["data"],
            "datalake_id": datalake_id(row["organization"]),
            "object_name": row["picture_key"],
            "filename": row["filename"],
            "type": "IMAGE",
            "content_type": row["content_type"],
            "upload_status": "DONE",
            "meta": {"width": row["width"], "height": row["height"]},
        },
    }
