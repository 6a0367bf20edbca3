"""The calls about predictions and reviews of a deployment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict
from uuid import UUID

from sightloop_sdk import calls
from sightloop_sdk.calls import Ask, Page
from sightloop_sdk.errors import InvalidPrediction
from sightloop_sdk.values import (
    Detail,
    Predicted,
    Queued,
    Review,
    ReviewShapes,
    Shapes,
    Submitted,
)

Status = Literal["TO_REVIEW", "REVIEWED", "SUBMITTED"]
PAGE = 200


class Filters(TypedDict, total=False):
    """Which predictions, in which order.

    `query`: in the query language, e.g. `boxes > 5 and tags = "night"`. `status`. `label`: the
    champion saw one. `outlier_min`: 0 to 1. `boxes_min`. `has_picture`. `since` ≤ time < `until`.
    `sort`: date, name, outlier or random. `order`: asc or desc. `seed`: of random.
    """

    query: str
    status: Status
    label: str
    outlier_min: float
    boxes_min: int
    has_picture: bool
    since: datetime
    until: datetime
    sort: Literal["date", "name", "outlier", "random"]
    order: Literal["asc", "desc"]
    seed: int


def predictions(deployment: UUID, filters: Filters, cursor: str | None) -> Ask[Page[Predicted]]:
    """A page of predictions."""
    params: dict[str, Any] = {**filters}
    params["q"] = params.pop("query", None)
    for name, sent in (("since", "from"), ("until", "to")):
        moment = params.pop(name, None)
        if moment is not None:
            if moment.tzinfo is None:
                raise InvalidPrediction(f"{name} has no time zone: give an aware datetime")
            params[sent] = moment.isoformat()
    if "has_picture" in params:
        params["has_picture"] = "true" if params["has_picture"] else "false"
    path = f"{_path(deployment)}/predictions"
    return calls.page(path, Predicted, cursor=cursor, limit=PAGE, **params)


def queue(deployment: UUID, cursor: str | None) -> Ask[Page[Queued]]:
    """A page of what is to be reviewed, in the order it is to be served."""
    return calls.page(f"{_path(deployment)}/queue", Queued, cursor=cursor, limit=PAGE)


def prediction(deployment: UUID, named: UUID) -> Ask[Detail]:
    return calls.get(f"{_path(deployment)}/predictions/{named}", Detail)


def counts(deployment: UUID) -> Ask[dict[str, int]]:
    return calls.get(f"{_path(deployment)}/counts", dict[str, int])


def review(
    deployment: UUID,
    named: UUID,
    shapes: ReviewShapes,
    *,
    revision: int,
    start: str,
    draw: UUID | None,
) -> Ask[Review]:
    """Save the review after `revision`. Not repeated: the second would be a conflict."""
    body = {"shapes": shapes, "start": start, "draw": draw}
    path = f"{_path(deployment)}/predictions/{named}/review"
    return calls.send("PUT", path, Review, body=body, headers={"If-Match": f'"{revision}"'})


def skip(deployment: UUID, named: UUID, reason: str) -> Ask[None]:
    path = f"{_path(deployment)}/predictions/{named}/skip"
    return calls.nothing("POST", path, body={"reason": reason})


def submit(
    deployment: UUID, named: Sequence[UUID] | None, targets: Sequence[UUID]
) -> Ask[Submitted]:
    """None: all that are reviewed."""
    body: dict[str, Any] = {"targets": targets}
    body |= {"all_reviewed": True} if named is None else {"predictions": named}
    return calls.send("POST", f"{_path(deployment)}/submissions", Submitted, body=body)


def delete(deployment: UUID, named: UUID, *, erase: bool) -> Ask[None]:
    path = f"{_path(deployment)}/predictions/{named}"
    return calls.nothing("DELETE", path, erase="true" if erase else "false")


def ground_truth(shapes: Shapes, labels: Sequence[str], *, threshold: float) -> ReviewShapes:
    """What a reviewer who accepts a model's answer says: its shapes from `threshold` up.

    Of a classifier the best class alone.
    """
    kept = [i for i, score in enumerate(shapes.scores) if score >= threshold]
    if not shapes.boxes and not shapes.polygons and shapes.scores:
        kept = [max(range(len(shapes.scores)), key=shapes.scores.__getitem__)]
    return ReviewShapes(
        labels=[labels[shapes.classes[i]] for i in kept],
        boxes=[shapes.boxes[i] for i in kept] if shapes.boxes else [],
        polygons=[shapes.polygons[i] for i in kept] if shapes.polygons else [],
    )


def row(one: Predicted) -> dict[str, Any]:
    """A prediction as a flat row of a table."""
    scores = one.champion.shapes.scores
    return {
        "id": str(one.id),
        "time": one.time,
        "filename": one.filename,
        "width": one.width,
        "height": one.height,
        "status": one.status,
        "outlier": one.outlier,
        "boxes": one.boxes,
        "classes": one.champion.shapes.classes,
        "scores": scores,
        "score_max": max(scores, default=None),
        "latency": one.champion.latency,
        "version": str(one.champion.version),
        "shadow_latency": one.shadow.latency if one.shadow is not None else None,
        "source": one.source,
        "tags": one.tags,
        "data": str(one.data),
    }


def _path(deployment: UUID) -> str:
    return f"/api/review/v1/deployments/{deployment}"
