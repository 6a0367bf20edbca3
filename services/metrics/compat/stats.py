"""Statistics as the existing client asks for them, taken from the dashboard's own document."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import Query
from pydantic import BaseModel

from libs.api.app import part
from libs.api.caller import logged_in
from libs.api.compat import compat_router
from libs.api.problems import invalid
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from services.metrics.api.series import get_dashboard
from services.metrics.parts import Metrics

router = compat_router()
Parts = Annotated[Metrics, part(Metrics)]
Reader = Annotated[Caller, logged_in(Scope.PREDICTIONS_READ)]
# Until 2200.
Seconds = Annotated[float | None, Query(ge=0, le=7_258_118_399)]
Names = Annotated[list[str] | None, Query(max_length=100)]
_PATH = "/api/deployment/{deployment}"


class Service(StrEnum):
    """What the client calls the kinds of statistics."""

    OUTLIER = "ae_outlier"
    METRICS = "metrics"
    OBJECT_DETECTION = "object_detection"
    CLASSIFICATION = "classification"
    LABELS = "label_distribution"
    DRIFT = "ks_drift"


_IN = {
    Service.OUTLIER: ("t", "bucket_seconds", "outlier"),
    Service.METRICS: ("t", "bucket_seconds", "volume", "latency", "labels", "image_size", "tone"),
    Service.OBJECT_DETECTION: ("quality",),
    Service.CLASSIFICATION: ("quality",),
    Service.LABELS: ("global_distribution", "labels"),
    Service.DRIFT: ("drift",),
}


class Asked(BaseModel):
    """What is asked for: one kind of statistics in a range of time, by default the last day."""

    service: Service
    from_timestamp: Seconds = None
    to_timestamp: Seconds = None
    since: Seconds = None
    model_id: UUID | None = None
    includes: Names = None
    excludes: Names = None
    tags: Names = None


@router.get(_PATH + "/stats")
async def get_stats(
    deployment: UUID, parts: Parts, caller: Reader, asked: Annotated[Asked, Query()]
) -> dict[str, Any]:
    """Statistics of a deployment."""
    return _answer(deployment, asked.service, await _document(deployment, parts, caller, asked))


@router.get(_PATH + "/predictions/stats")
async def get_predictions_stats(
    deployment: UUID, parts: Parts, caller: Reader, asked: Annotated[Asked, Query()]
) -> dict[str, Any]:
    """The predictions of a range one by one, where there are at most 2,000; and as `get_stats`."""
    document = await _document(deployment, parts, caller, asked)
    return _answer(deployment, asked.service, document) | {"predictions": document["points"]}


def _answer(deployment: UUID, service: Service, document: dict[str, Any]) -> dict[str, Any]:
    data = {name: document[name] for name in _IN[service] if name in document}
    return {
        "service": service,
        "deployment": {"deployment_id": deployment, "data": data},
        "from": document["from"],
        "to": document["to"],
        "infos": {},
    }


async def _document(
    deployment: UUID, parts: Metrics, caller: Caller, asked: Asked
) -> dict[str, Any]:
    filters = ("model_id", "includes", "excludes", "tags")
    wrong = [(name, "is no filter of these numbers") for name in filters if getattr(asked, name)]
    if wrong:
        raise invalid("Sightloop keeps these numbers by time only", wrong)
    first, last = _moment(asked.from_timestamp), _moment(asked.to_timestamp)
    if first is None and asked.since is not None:
        last = last or parts.clock.now()
        first = last - timedelta(seconds=asked.since)
    answer = await get_dashboard(deployment, parts, caller, first, last, None)
    document: dict[str, Any] = msgspec.json.decode(answer.body)
    return document


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
