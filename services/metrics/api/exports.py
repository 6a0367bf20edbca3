"""Numbers for other tools: CSV of every series, Prometheus' text format."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header
from starlette.responses import PlainTextResponse, Response

from libs.api.app import part
from libs.api.caller import needs
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from services.metrics.actions import dashboard, reviewed
from services.metrics.actions.headlines import headlines
from services.metrics.api.series import From, To, known_deployment, range_of
from services.metrics.core import columns, exposition
from services.metrics.parts import Metrics

router = APIRouter(prefix="/api/metrics/v1", tags=["metrics"])
Parts = Annotated[Metrics, part(Metrics)]
Reader = Annotated[Caller, needs(Scope.PREDICTIONS_READ)]
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Table(StrEnum):
    """`buckets`: what is drawn over time; `histograms`; `drift`: each look; `points`: single
    predictions, where they are few; `reviews`: each reviewed image."""

    BUCKETS = "buckets"
    HISTOGRAMS = "histograms"
    DRIFT = "drift"
    POINTS = "points"
    REVIEWS = "reviews"


@router.get(
    "/deployments/{deployment}/series.csv",
    response_class=PlainTextResponse,
    responses={
        200: {"content": {"text/csv": {}}},
        304: {"description": "Nothing has moved since the ETag of If-None-Match."},
    },
)
async def get_csv(
    deployment: UUID,
    parts: Parts,
    caller: Reader,
    start: From = None,
    end: To = None,
    of: Table = Table.BUCKETS,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """The numbers of a dashboard as a table, a row a bucket (or bin, look, image)."""
    known = await known_deployment(parts, caller, deployment)
    asked = range_of(parts, start, end)
    async with parts.database.read() as read:
        state = await dashboard.state_of(read, caller.organization, known, asked)
        headers = {
            "ETag": dashboard.etag(state.tag, of),
            "Cache-Control": "private, no-cache",
            "Content-Disposition": f'attachment; filename="{of}-{deployment}.csv"',
        }
        if if_none_match == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        if of is Table.REVIEWS:
            version = known.champion.version
            images = await reviewed.images_of(
                read, caller.organization, known, asked, version=version
            )
            content = _reviews(images)
        else:
            document = await dashboard.assemble(
                parts, read, caller.organization, known, asked, state=state
            )
            content = _TABLES[of](document)
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


@router.get(
    "/prometheus.txt",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {}}}},
)
async def get_prometheus(parts: Parts, caller: Reader) -> Response:
    """Headline numbers of the organisation's deployments, to be scraped with a token."""
    async with parts.database.read() as read:
        found = await headlines(parts, read, caller.organization)
    return Response(exposition.text(found), media_type=_PROMETHEUS)


def _buckets(document: dict[str, Any]) -> str:
    named = columns.of_dashboard(document)
    rows = zip(map(columns.time, document["t"]), *named.values(), strict=True)
    return columns.write(["time", *named], list(rows))


def _histograms(document: dict[str, Any]) -> str:
    return columns.write(["histogram", "from", "to", "count"], columns.histograms(document))


def _drift(document: dict[str, Any]) -> str:
    drift = document["drift"] or {"t": [], "d": [], "threshold": None}
    rows = [
        (columns.time(t), d, drift["threshold"])
        for t, d in zip(drift["t"], drift["d"], strict=True)
    ]
    return columns.write(["time", "distance", "threshold"], rows)


def _points(document: dict[str, Any]) -> str:
    names = ("latency", "outlier", "boxes")
    rows = [
        (columns.time(one["t"]), one["prediction"], *(one[name] for name in names))
        for one in document["points"] or ()
    ]
    return columns.write(["time", "prediction", *names], rows)


def _reviews(images: dict[str, Any]) -> str:
    values = images["right"] if images["ap"] is None else images["ap"]
    rows = zip(
        map(columns.time, images["t"]), images["prediction"], values, images["pi"], strict=True
    )
    name = "right" if images["ap"] is None else "ap"
    return columns.write(["time", "prediction", name, "pi"], list(rows))


_TABLES = {
    Table.BUCKETS: _buckets,
    Table.HISTOGRAMS: _histograms,
    Table.DRIFT: _drift,
    Table.POINTS: _points,
}
