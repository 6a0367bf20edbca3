"""What reviews say of a model version."""

from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from libs.api.app import part
from libs.api.caller import needs
from libs.api.problems import Problem
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.events import DeploymentChanged
from services.metrics.actions import dashboard, label_free, reviewed
from services.metrics.actions.reviewed import Chosen
from services.metrics.api.series import From, To, known_deployment, range_of
from services.metrics.dto import (
    HarmDto,
    LabelFreeDto,
    ModelRole,
    QualityReportDto,
    ReviewedImagesDto,
)
from services.metrics.parts import Metrics

router = APIRouter(prefix="/api/metrics/v1/deployments/{deployment}", tags=["metrics"])
Parts = Annotated[Metrics, part(Metrics)]
Reader = Annotated[Caller, needs(Scope.PREDICTIONS_READ)]


@router.get(
    "/quality",
    response_model=QualityReportDto,
    responses={304: {"description": "Nothing has moved since the ETag of If-None-Match."}},
)
async def get_quality(
    deployment: UUID,
    parts: Parts,
    caller: Reader,
    start: From = None,
    end: To = None,
    model: ModelRole = ModelRole.CHAMPION,
    version: UUID | None = None,
    threshold: Annotated[float | None, Query(ge=0, le=1)] = None,
    source: Annotated[str | None, Query(max_length=200)] = None,
    tag: Annotated[str | None, Query(max_length=200)] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Everything that reviews say of one model: on reviewed images, and as production estimate.

    `version`: any that answered, whatever it is now; `threshold`: another than its own.
    """
    known = await known_deployment(parts, caller, deployment)
    asked = range_of(parts, start, end)
    wanted, own = _version(known, model, version)
    chosen = Chosen(
        version=wanted,
        threshold=own if threshold is None else threshold,
        source=source,
        tag=tag,
    )
    async with parts.database.read() as read:
        state = await dashboard.state_of(read, caller.organization, known, asked)
        tag_ = dashboard.etag("quality", known.revision, state.reviewed, asked, chosen)
        headers = {"ETag": tag_, "Cache-Control": "private, no-cache"}
        if if_none_match == tag_:
            return Response(status_code=304, headers=headers)
        document = await reviewed.in_full(
            parts,
            read,
            caller.organization,
            known,
            asked,
            chosen=chosen,
            reviewed=state.reviewed,
            names=state.names,
        )
    return Response(msgspec.json.encode(document), media_type="application/json", headers=headers)


@router.get("/quality/images")
async def get_quality_images(
    deployment: UUID,
    parts: Parts,
    caller: Reader,
    start: From = None,
    end: To = None,
    model: ModelRole = ModelRole.CHAMPION,
    version: UUID | None = None,
) -> ReviewedImagesDto:
    """Each reviewed image by event time: its own AP (null: nothing is there), or whether it was
    right, and π (null: picked by hand)."""
    known = await known_deployment(parts, caller, deployment)
    asked = range_of(parts, start, end)
    wanted, _ = _version(known, model, version)
    async with parts.database.read() as read:
        document = await reviewed.images_of(read, caller.organization, known, asked, version=wanted)
    return ReviewedImagesDto.model_validate(document)


@router.get("/harm")
async def get_harm(deployment: UUID, parts: Parts, caller: Reader) -> HarmDto:
    """Whether the champion's loss in production is above what it was: an alarm that is false at
    most once in twenty deployments, however often it is looked at."""
    known = await known_deployment(parts, caller, deployment)
    asked = range_of(parts, None, None)
    async with parts.database.read() as read:
        state = await dashboard.state_of(read, caller.organization, known, asked)
        document = await reviewed.harm_of(
            parts, read, caller.organization, known, reviewed=state.reviewed, names=state.names
        )
    return HarmDto.model_validate(document)


@router.get("/label-free")
async def get_label_free(
    deployment: UUID,
    parts: Parts,
    caller: Reader,
    start: From = None,
    end: To = None,
    model: ModelRole = ModelRole.CHAMPION,
) -> LabelFreeDto:
    """What the numbers of a range will be, before it is reviewed: from scores calibrated on drawn
    reviews. Each number is tested backwards, and off where it failed. It does not see concept
    shift: that boxes of a score are no longer right as often."""
    known = await known_deployment(parts, caller, deployment)
    asked = range_of(parts, start, end)
    wanted, threshold = _version(known, model, None)
    async with parts.database.read() as read:
        state = await dashboard.state_of(read, caller.organization, known, asked)
        document = await label_free.of_range(
            parts,
            read,
            caller.organization,
            known,
            asked,
            state=state,
            chosen=Chosen(version=wanted, threshold=threshold),
        )
    return LabelFreeDto.model_validate(document)


def _version(
    known: DeploymentChanged, model: ModelRole, version: UUID | None
) -> tuple[UUID, float]:
    """The version asked for and its threshold; one that is not deployed has the champion's.

    Raises:
        Problem: 404, there is no shadow.
    """
    if version is not None:
        for deployed in (known.champion, known.shadow):
            if deployed is not None and deployed.version == version:
                return version, deployed.threshold
        return version, known.champion.threshold
    deployed = known.champion if model is ModelRole.CHAMPION else known.shadow
    if deployed is None:
        raise Problem(404, "no-shadow", "the deployment has no shadow")
    return deployed.version, deployed.threshold
