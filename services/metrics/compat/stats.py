"""Statistics as the existing client asks for them, taken from the dashboard's own document."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import Query

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
Seconds = Annotated[float | None, Query(ge=0, le=253_402_300_799)]
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


@router.get(_PATH + "/stats")
async def get_stats(
    deployment: UUID,
    parts: Parts,
    caller: Reader,
    service: Service,
    from_timestamp: Seconds = None,
    to_timestamp: Seconds = None,
    since: Seconds = None,
    model_id: UUID | None = None,
    includes: Names = None,
    excludes: Names = None,
    tags: Names = None,
) -> dict[str, Any]:
    """Statistics of a deployment in a range of time, by default the last day."""
    _no_filters(model_id=model_id, includes=includes, excludes=excludes, tags=tags)
    document = await _document(deployment, parts, caller, from_timestamp, to_timestamp, since=since)
    data = {name: document[name] for name in _IN[service] if name in document}
    return {
        "service": service,
        "deployment": {"deployment_id": deployment, "data": data},
        "from": document["from"],
        "to": document["to"],
        "infos": {},
    }


@router.get(_PATH + "/predictions/stats")
async def get_predictions_stats(
    deployment: UUID,
    parts: Parts,
    caller: Reader,
    service: Service,
    from_timestamp: Seconds = None,
    to_timestamp: Seconds = None,
    since: Seconds = None,
    model_id: UUID | None = None,
    includes: Names = None,
    excludes: Names = None,
    tags: Names = None,
) -> dict[str, Any]:
    """The predictions of a range one by one, where there are at most 2,000; and as `get_stats`."""
    _no_filters(model_id=model_id, includes=includes, excludes=excludes, tags=tags)
    document = await _document(deployment, parts, caller, from_timestamp, to_timestamp, since=since)
    data = {name: document[name] for name in _IN[service] if name in document}
    return {
        "service": service,
        "deployment": {"deployment_id": deployment, "data": data},
        "predictions": document["points"],
        "from": document["from"],
        "to": document["to"],
        "infos": {},
    }


async def _document(
    deployment: UUID,
    parts: Metrics,
    caller: Caller,
    start: float | None,
    end: float | None,
    *,
    since: float | None,
) -> dict[str, Any]:
    first = datetime.fromtimestamp(start, UTC) if start is not None else None
    last = datetime.fromtimestamp(end, UTC) if end is not None else None
    if first is None and since is not None:
        last = last or parts.clock.now()
        try:
            first = last - timedelta(seconds=since)
        except OverflowError as error:
            raise invalid("the range begins before the calendar", [("since", "too long")]) from (
                error
            )
    answer = await get_dashboard(deployment, parts, caller, first, last, None)
    document: dict[str, Any] = msgspec.json.decode(answer.body)
    return document


def _no_filters(**given: object) -> None:
    wrong = [(name, "is no filter of these numbers") for name, value in given.items() if value]
    if wrong:
        raise invalid("Sightloop keeps these numbers by time only", wrong)
