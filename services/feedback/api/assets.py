"""The images of dataset versions: asked, shown, and where they come from."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from libs.api.paging import CursorText, Limit, Page, page, read_time_cursor, write_cursor
from libs.api.problems import Problem, not_found
from libs.api.queries import CompletionsDto, CountDto, QueryText, completed, read_query
from libs.blobs.blobs import BlobNotFound
from libs.blobs.thumbnails import CONTENT_TYPE
from libs.vision.images import ImageRefused
from services.feedback.actions.answering import answered
from services.feedback.api.asked import Parts, Reader
from services.feedback.core import asking
from services.feedback.dto import (
    AssetDto,
    ProvenanceDto,
    UseDto,
    UsesDto,
    asset_dto,
    origin_dto,
    use_dto,
)
from services.feedback.store import annotating, assets, datasets, provenance

router = APIRouter(prefix="/api/feedback/v1", tags=["feedback"])
_VERSION = "/versions/{version}"
_FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable"}
_SHA256 = r"^[0-9a-f]{64}$"


@router.get(_VERSION + "/assets")
async def list_assets(
    version: UUID,
    parts: Parts,
    caller: Reader,
    q: QueryText = "",
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[AssetDto]:
    """The images of a version with their annotations, newest first. `q`: see docs/query.md."""
    before = read_time_cursor(cursor)
    with answered():
        async with parts.database.read() as read:
            row = await datasets.find_version(read, caller.organization, version)
            wanted = read_query(q, asking.fields(row["labels"]))
            rows = await assets.list_assets(
                read, caller.organization, version, before=before, limit=limit, wanted=wanted
            )
    return page(rows, limit, asset_dto, lambda row: write_cursor(row["created"], row["id"]))


@router.get(_VERSION + "/assets/count")
async def count_assets(version: UUID, parts: Parts, caller: Reader, q: QueryText = "") -> CountDto:
    """How many images of a version a query finds."""
    with answered():
        async with parts.database.read() as read:
            row = await datasets.find_version(read, caller.organization, version)
            wanted = read_query(q, asking.fields(row["labels"]))
            count = await assets.count_assets(read, caller.organization, version, wanted)
    return CountDto(count=count)


@router.get(_VERSION + "/assets/completions")
async def complete_query(
    version: UUID,
    parts: Parts,
    caller: Reader,
    q: QueryText = "",
    at: Annotated[int | None, Query(ge=0)] = None,
) -> CompletionsDto:
    """What may stand at the place `at` (a column from 0; the end if unset) of a query."""
    with answered():
        async with parts.database.read() as read:
            row = await datasets.find_version(read, caller.organization, version)
    return completed(q, at, asking.fields(row["labels"]))


@router.get(_VERSION + "/provenance")
async def get_provenance(version: UUID, parts: Parts, caller: Reader) -> ProvenanceDto:
    """Which deployments and reviewers the assets of a version come from."""
    with answered():
        async with parts.database.read() as read:
            row = await datasets.find_version(read, caller.organization, version)
            rows = await provenance.origins(read, caller.organization, version)
    return ProvenanceDto(
        base=row["base"], query=row["query"], items=[origin_dto(one) for one in rows]
    )


@router.get("/assets")
async def list_uses(
    parts: Parts,
    caller: Reader,
    data: Annotated[list[UUID] | None, Query(max_length=200)] = None,
    sha256: Annotated[
        list[Annotated[str, Query(pattern=_SHA256)]] | None, Query(max_length=200)
    ] = None,
) -> UsesDto:
    """The assets that images of the Datalake are, by their ids or the SHA-256 of their bytes."""
    async with parts.database.read() as read:
        rows = await provenance.uses(
            read, caller.organization, data=data or [], sha256=sha256 or []
        )
    items: list[UseDto] = [use_dto(row) for row in rows]
    return UsesDto(items=items)


@router.get("/assets/{asset}")
async def get_asset(asset: UUID, parts: Parts, caller: Reader) -> AssetDto:
    """One image of a version."""
    async with parts.database.read() as read:
        row = await annotating.find_asset(read, caller.organization, asset)
    if row is None:
        raise not_found(f"asset {asset}")
    return asset_dto(row)


@router.get("/assets/{asset}/picture", response_class=Response)
async def get_picture(
    asset: UUID,
    parts: Parts,
    caller: Reader,
    size: Annotated[int | None, Query(ge=16, le=2048)] = None,
) -> Response:
    """The version's own copy of the picture, or a WebP whose longer side is `size` pixels or a
    little more."""
    organization = caller.organization
    async with parts.database.read() as read:
        row = await annotating.find_asset(read, organization, asset)
    if row is None:
        raise not_found(f"asset {asset}")
    try:
        if size is None:
            content = await parts.blobs.get(row["picture_key"])
            return Response(content, media_type=row["content_type"], headers=_FOR_GOOD)
        small = await parts.thumbnails.get(
            assets.thumbnails_of(organization),
            picture=row["picture_key"],
            sha256=row["picture_sha256"],
            size=size,
        )
    except BlobNotFound as error:
        raise not_found(f"picture of asset {asset}") from error
    except ImageRefused as error:
        raise Problem(422, "picture-damaged", str(error)) from error
    return Response(small, media_type=CONTENT_TYPE, headers=_FOR_GOOD)
