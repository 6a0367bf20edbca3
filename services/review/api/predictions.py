"""Browsing predictions, and deleting them."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, AwareDatetime

from libs.api.caller import needs
from libs.api.paging import CursorText, Limit, Page, read_cursor, write_cursor
from libs.api.problems import invalid, not_found
from libs.api.queries import CompletionsDto, CountDto, QueryText, completed
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.store.session import Cause
from services.review.api.asked import PREFIX, Parts, Reader, deployment_of, page_of, prediction_of
from services.review.api.queries import fields_of, query_of
from services.review.dto import (
    CountsDto,
    DetailDto,
    FacetDto,
    FacetsDto,
    PredictedDto,
    Status,
    detail_dto,
    predicted_dto,
)
from services.review.store import content, deletions, facets, listing
from services.review.store.asking import LabelUnknown
from services.review.store.listing import Direction, Filters, Place, Sort

router = APIRouter(prefix=PREFIX, tags=["review"])
Deleter = Annotated[Caller, needs(Scope.PREDICTIONS_DELETE)]
_Cursor = tuple[str, int, Any, UUID]
_CURSORS: dict[Sort, type[_Cursor]] = {
    Sort.DATE: tuple[str, int, Annotated[datetime, msgspec.Meta(tz=True)], UUID],
    Sort.NAME: tuple[str, int, str, UUID],
    Sort.OUTLIER: tuple[str, int, float | None, UUID],
    Sort.RANDOM: tuple[str, int, Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)], UUID],
}
_USUAL = {Sort.NAME: Direction.ASC}


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("is beyond the calendar in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


@router.get("/predictions")
async def list_predictions(
    deployment: UUID,
    parts: Parts,
    caller: Reader,
    status: Status | None = None,
    label: Annotated[str | None, Query(max_length=1000)] = None,
    outlier_min: float | None = None,
    boxes_min: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    has_picture: bool | None = None,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
    q: QueryText = "",
    sort: Sort = Sort.DATE,
    order: Direction | None = None,
    seed: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[PredictedDto]:
    """Predictions, the newest first unless asked otherwise.

    `label`: the champion saw at least one. `from` ≤ time < `to`. `q`: the query language of
    docs/query.md. `sort=random` is the same order at every call with the same `seed`.
    """
    target = await deployment_of(parts, caller, deployment)
    direction = order or _USUAL.get(sort, Direction.DESC)
    name = f"{sort}:{seed if sort is Sort.RANDOM else direction}"
    after = _read_place(cursor, sort, name)
    async with parts.database.read() as read:
        query = await query_of(read, caller, target, q)
    filters = Filters(
        query=query,
        status=status,
        label=label,
        outlier_min=outlier_min,
        boxes_min=boxes_min,
        has_picture=has_picture,
        since=since,
        until=until,
    )
    async with parts.database.read() as read:
        try:
            rows = await listing.page(
                read,
                caller.organization,
                deployment,
                filters=filters,
                champion=target.champion,
                sort=sort,
                direction=direction,
                seed=seed,
                after=after,
                limit=limit,
            )
        except LabelUnknown as error:
            raise invalid("the filter names no label", [("label", str(error))]) from error
        ids = [row["id"] for row in rows]
        held = await content.logged(read, caller.organization, deployment, ids)
    return page_of(
        rows,
        limit,
        lambda row: predicted_dto(row, held[row["id"]]),
        lambda row: write_cursor(name, row["segment"], listing.value_of(row, sort), row["id"]),
        there=held,
    )


@router.get("/predictions/count")
async def count_predictions(
    deployment: UUID, parts: Parts, caller: Reader, q: QueryText = ""
) -> CountDto:
    """How many predictions a query finds."""
    target = await deployment_of(parts, caller, deployment)
    async with parts.database.read() as read:
        filters = Filters(query=await query_of(read, caller, target, q))
        found = await listing.count(
            read, caller.organization, deployment, filters=filters, champion=target.champion
        )
    return CountDto(count=found)


@router.get("/predictions/facets")
async def count_facets(
    deployment: UUID, parts: Parts, caller: Reader, q: QueryText = ""
) -> FacetsDto:
    """What the predictions that a query finds have, by value, among the newest 50,000."""
    target = await deployment_of(parts, caller, deployment)
    async with parts.database.read() as read:
        query = await query_of(read, caller, target, q)
        found = await facets.facets(
            read,
            caller.organization,
            deployment,
            filters=Filters(query=query),
            champion=target.champion,
        )
    return FacetsDto(
        looked=found.looked,
        complete=found.complete,
        status=_facet(found.status),
        without_picture=found.without_picture,
        labels=_facet(found.labels),
        sources=_facet(found.sources),
        tags=_facet(found.tags),
    )


@router.get("/predictions/completions")
async def complete_query(
    deployment: UUID,
    parts: Parts,
    caller: Reader,
    q: QueryText = "",
    at: Annotated[int | None, Query(ge=0)] = None,
) -> CompletionsDto:
    """What may stand at the place `at` (a column from 0; the end if unset) of a query."""
    target = await deployment_of(parts, caller, deployment)
    async with parts.database.read() as read:
        known = await fields_of(read, caller, target)
    return completed(q, at, known)


@router.get("/predictions/{prediction}")
async def get_prediction(
    deployment: UUID, prediction: UUID, parts: Parts, caller: Reader, response: Response
) -> DetailDto:
    """One prediction, its reviews, and how far its submission is. `ETag`: the review's revision."""
    await deployment_of(parts, caller, deployment)
    found = await prediction_of(parts, caller, deployment, prediction)
    response.headers["ETag"] = f'"{found.row["revision"]}"'
    return detail_dto(found.row, found.logged, found.revisions)


@router.get("/counts")
async def get_counts(deployment: UUID, parts: Parts, caller: Reader) -> CountsDto:
    """How many predictions there are of each status."""
    await deployment_of(parts, caller, deployment)
    async with parts.database.read() as read:
        counts = await listing.counts(read, caller.organization, deployment)
    return CountsDto(
        TO_REVIEW=counts.get("TO_REVIEW", 0),
        REVIEWED=counts.get("REVIEWED", 0),
        SUBMITTED=counts.get("SUBMITTED", 0),
        without_picture=counts.get(None, 0),
    )


@router.delete("/predictions/{prediction}", status_code=204)
async def delete_prediction(
    deployment: UUID, prediction: UUID, parts: Parts, caller: Deleter, *, erase: bool = False
) -> None:
    """Delete a prediction and its reviews; every number subtracts it. `erase`: its picture too,
    and its copies in datasets."""
    await deployment_of(parts, caller, deployment)
    await prediction_of(parts, caller, deployment, prediction)
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        gone = await deletions.remove(
            tx, caller.organization, deployment, prediction, reason="deleted by a user", erase=erase
        )
    if not gone:
        raise not_found(f"prediction {prediction}")


def _read_place(cursor: str | None, sort: Sort, name: str) -> Place | None:
    parts = read_cursor(cursor, _CURSORS[sort])
    if parts is None:
        return None
    order, segment, value, last = parts
    if order != name or (isinstance(value, str) and "\0" in value):
        raise invalid("the cursor is not of this order", [("cursor", f"it must be of {name}")])
    return Place(segment, value, last)


def _facet(counted: list[tuple[str, int]]) -> list[FacetDto]:
    return [FacetDto(value=value, count=n) for value, n in counted]
