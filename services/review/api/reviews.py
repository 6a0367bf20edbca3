"""The queue, reviews and skips."""

import asyncio
import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Response

from libs.api.paging import CursorText, Limit, Page, read_cursor, write_cursor
from libs.api.problems import Problem, conflict, invalid, not_found
from libs.schemas.events import DeploymentChanged
from libs.schemas.values import Logged, ReviewShapes
from libs.store.session import Cause
from services.review.api.asked import (
    PREFIX,
    Parts,
    Reader,
    Reviewer,
    deployment_of,
    page_of,
    prediction_of,
)
from services.review.core.shapes import check_shapes
from services.review.dto import (
    QueuedDto,
    ReviewBody,
    ReviewDto,
    SkipBody,
    queued_dto,
    review_dto,
    shapes_of,
)
from services.review.errors import (
    AlreadyReviewed,
    PredictionUnknown,
    ReviewConflict,
    ReviewRefused,
)
from services.review.store import content, draws, reviews

router = APIRouter(prefix=PREFIX, tags=["review"])
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=100)]
_REVISION = re.compile(r'"(\d{1,9})"')
_BIGINT = 2**63


@router.get("/queue")
async def get_queue(
    deployment: UUID, parts: Parts, caller: Reader, limit: Limit = 50, cursor: CursorText = None
) -> Page[QueuedDto]:
    """The images of open draws that nobody has answered, in the order they are to be served."""
    await deployment_of(parts, caller, deployment)
    after = read_cursor(cursor, tuple[int, int])
    if after is not None and not all(-_BIGINT <= number < _BIGINT for number in after):
        raise invalid("the cursor is not one of ours", [("cursor", "take it from a page")])
    async with parts.database.read() as read:
        rows = await draws.queue(read, caller.organization, deployment, after=after, limit=limit)
        ids = [row["id"] for row in rows]
        held = await content.logged(read, caller.organization, deployment, ids)
    return page_of(
        rows,
        limit,
        lambda row: queued_dto(row, held[row["id"]]),
        lambda row: write_cursor(row["number"], row["position"]),
        there=held,
    )


@router.put("/predictions/{prediction}/review")
async def save_review(
    deployment: UUID,
    prediction: UUID,
    body: ReviewBody,
    parts: Parts,
    caller: Reviewer,
    response: Response,
    if_match: IfMatch = None,
) -> ReviewDto:
    """Save the next revision of the review. `If-Match`: the one it is based on; "0": none yet."""
    target = await deployment_of(parts, caller, deployment)
    expected = _expected(if_match)
    found = await prediction_of(parts, caller, deployment, prediction)
    try:
        shapes = await _checked(target, found.logged, shapes_of(body.shapes))
        saved = reviews.Saved(
            shapes=shapes,
            start=body.start,
            draw=body.draw,
            expected=expected,
            reviewer=caller.name,
        )
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            made = await reviews.save(tx, caller.organization, deployment, prediction, saved=saved)
    except ReviewRefused as error:
        raise invalid(error.detail, error.errors) from error
    except PredictionUnknown as error:
        raise not_found(f"prediction {prediction}") from error
    except ReviewConflict as error:
        current = review_dto(error.current).model_dump(mode="json") if error.current else None
        raise conflict("review-conflict", str(error), current=current) from error
    response.headers["ETag"] = f'"{made.revision}"'
    return review_dto(made)


@router.post("/predictions/{prediction}/skip", status_code=204)
async def skip(
    deployment: UUID, prediction: UUID, body: SkipBody, parts: Parts, caller: Reviewer
) -> None:
    """Leave an image of a draw out, with the reason."""
    await deployment_of(parts, caller, deployment)
    await prediction_of(parts, caller, deployment, prediction)
    try:
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            await reviews.skip(tx, caller.organization, deployment, prediction, reason=body.reason)
    except PredictionUnknown as error:
        raise not_found(f"prediction {prediction}") from error
    except AlreadyReviewed as error:
        raise conflict("already-reviewed", str(error)) from error


def _expected(if_match: str | None) -> int:
    if if_match is None:
        raise Problem(
            428, "precondition-required", 'a review needs If-Match: "<revision>" ("0": none yet)'
        )
    found = _REVISION.fullmatch(if_match.strip())
    if found is None:
        raise invalid("If-Match is no revision", [("If-Match", 'e.g. "0" or "3", in quotes')])
    return int(found[1])


async def _checked(target: DeploymentChanged, logged: Logged, shapes: ReviewShapes) -> ReviewShapes:
    if logged.picture is None:
        raise ReviewRefused(
            "without its picture it cannot be reviewed", [("prediction", "has no picture")]
        )
    return await asyncio.to_thread(
        check_shapes,
        shapes,
        logged.type,
        labels=target.champion.labels,
        width=logged.width,
        height=logged.height,
    )
