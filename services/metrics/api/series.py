"""Dashboards and summaries."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from libs.api.app import part
from libs.api.caller import needs
from libs.api.problems import Problem, invalid, not_found
from libs.api.scopes import Scope
from libs.api.times import Time
from libs.api.tokens import Caller
from libs.schemas.events import DeploymentChanged
from services.metrics.actions import dashboard, filters
from services.metrics.actions.deployments import deployment_of
from services.metrics.core import series
from services.metrics.core.buckets import Level, Span, starts
from services.metrics.core.dashboard import last_day
from services.metrics.core.ranges import Range
from services.metrics.dto import (
    DashboardDto,
    LabelDto,
    ModelRole,
    SummariesDto,
    SummaryDto,
    VersionsDto,
)
from services.metrics.errors import DeploymentUnknown, LabelUnknown, RangeImpossible
from services.metrics.parts import Metrics
from services.metrics.store import progress, rollups

router = APIRouter(prefix="/api/metrics/v1", tags=["metrics"])
Parts = Annotated[Metrics, part(Metrics)]
Reader = Annotated[Caller, needs(Scope.PREDICTIONS_READ)]
From = Annotated[Time | None, Query(alias="from")]
To = Annotated[Time | None, Query(alias="to")]
Asked = Annotated[list[UUID] | None, Query(max_length=200)]

_HOUR = timedelta(hours=1)


@router.get("/summaries")
async def get_summaries(parts: Parts, caller: Reader, deployment: Asked = None) -> SummariesDto:
    """The deployments asked for that exist, each in a line."""
    wanted = [
        one
        for one in dict.fromkeys(deployment or ())
        if (known := parts.deployments.get(str(one))) and known.organization == caller.organization
    ]
    this_hour = starts(parts.clock.now())[Level.HOUR]
    hours = [this_hour - _HOUR * back for back in range(23, -1, -1)]
    async with parts.database.read() as read:
        counted = await progress.counted(read, caller.organization, wanted)
        span = Span(Level.HOUR, hours[0], this_hour + _HOUR)
        rows = await rollups.charted(read, caller.organization, wanted, span)

    def summarize() -> list[SummaryDto]:
        items = []
        for one in wanted:
            predictions, newest = counted.get(one, (0, None))
            day = last_day([(start, some) for of, start, some in rows if of == one], hours)
            items.append(
                SummaryDto(deployment=one, predictions=predictions, last_prediction=newest, **day)
            )
        return items

    return SummariesDto(items=await asyncio.to_thread(summarize))


@router.get(
    "/deployments/{deployment}/dashboard",
    response_model=DashboardDto,
    responses={304: {"description": "Nothing has moved since the ETag of If-None-Match."}},
)
async def get_dashboard(
    deployment: UUID,
    parts: Parts,
    caller: Reader,
    start: From = None,
    end: To = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Every number of a deployment in a range of event time, by default the last 24 hours."""
    known = await known_deployment(parts, caller, deployment)
    asked = range_of(parts, start, end)
    async with parts.database.read() as read:
        state = await dashboard.state_of(read, caller.organization, known, asked)
        headers = {"ETag": state.tag, "Cache-Control": "private, no-cache"}
        if if_none_match == state.tag:
            return Response(status_code=304, headers=headers)
        kept = parts.documents.get(state.tag)
        if kept is None:
            document = await dashboard.assemble(
                parts, read, caller.organization, known, asked, state=state
            )
            kept = parts.documents.put(state.tag, msgspec.json.encode(document))
    return Response(kept, media_type="application/json", headers=headers)


@router.get("/deployments/{deployment}/label")
async def get_label(
    deployment: UUID,
    parts: Parts,
    caller: Reader,
    name: Annotated[str, Query(max_length=500)] = "",
    start: From = None,
    end: To = None,
    model: ModelRole = ModelRole.CHAMPION,
) -> LabelDto:
    """One label's boxes, images, scores, areas and heat map, by whole hours."""
    known = await known_deployment(parts, caller, deployment)
    asked = range_of(parts, start, end)
    role = series.Role.CHAMPION if model is ModelRole.CHAMPION else series.Role.SHADOW
    which = caller.organization, known.deployment
    async with parts.database.read() as read:
        state = await dashboard.state_of(read, caller.organization, known, asked)
        try:
            document = await filters.of_label(
                parts, read, *which, asked, state=state, label=name, role=role
            )
        except LabelUnknown as error:
            raise Problem(404, "no-label", str(error)) from error
    return LabelDto.model_validate(document)


@router.get("/deployments/{deployment}/versions")
async def get_versions(
    deployment: UUID, parts: Parts, caller: Reader, start: From = None, end: To = None
) -> VersionsDto:
    """Each model version that answered in the range, by whole hours."""
    known = await known_deployment(parts, caller, deployment)
    asked = range_of(parts, start, end)
    async with parts.database.read() as read:
        state = await dashboard.state_of(read, caller.organization, known, asked)
        document = await filters.of_versions(
            parts, read, caller.organization, known.deployment, asked, state=state
        )
    return VersionsDto.model_validate(document)


async def known_deployment(parts: Metrics, caller: Caller, deployment: UUID) -> DeploymentChanged:
    """The caller's deployment. Raises Problem 404."""
    try:
        return await deployment_of(parts, caller.organization, deployment)
    except DeploymentUnknown as error:
        raise not_found(f"deployment {deployment}") from error


def range_of(parts: Metrics, start: datetime | None, end: datetime | None) -> Range:
    """The range asked for. Raises Problem 422."""
    try:
        return Range.of(start, end, now=parts.clock.now())
    except RangeImpossible as error:
        raise invalid(str(error), [("from", "must be before `to`")]) from error
