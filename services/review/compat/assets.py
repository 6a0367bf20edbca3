"""One predicted asset: reading, reviewing and deleting it, as the existing client does."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from libs.api.caller import needs
from libs.api.compat import compat_router
from libs.api.problems import conflict, invalid, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.events import DeploymentChanged, State
from libs.schemas.ids import label_id
from libs.schemas.values import ReviewShapes, Start, TaskType
from libs.store.session import Cause
from services.review.api.asked import Parts, Reader, Reviewer
from services.review.compat.shown import review_json, whole_json
from services.review.core.shapes import check_shapes
from services.review.errors import PredictionUnknown, ReviewConflict, ReviewRefused
from services.review.parts import Reviews
from services.review.store import assets, deletions, predictions, reviews
from services.review.store.predictions import Found

router = compat_router()
Deleter = Annotated[Caller, needs(Scope.PREDICTIONS_DELETE)]


class Rectangle(BaseModel):
    """Pixels, from the left and the top."""

    x: float
    y: float
    w: float
    h: float
    label_id: UUID


class Polygon(BaseModel):
    """A ring of x, y in pixels."""

    polygon: list[tuple[float, float]]
    label_id: UUID


class Classification(BaseModel):
    label_id: UUID


class ReviewBody(BaseModel):
    """Ground truth. Empty: nothing is there."""

    rectangles: list[Rectangle] = Field(default=[], max_length=10_000)
    polygons: list[Polygon] = Field(default=[], max_length=10_000)
    classifications: list[Classification] = Field(default=[], max_length=10_000)
    lines: list[Any] = []
    points: list[Any] = []


@router.get("/api/predicted/asset/{asset}")
async def get_asset(asset: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """An asset with what the models said and what was reviewed."""
    target, found = await _asset(parts, caller, asset)
    return whole_json(caller.organization, target, found)


@router.post("/api/predicted/asset/{asset}/reviews")
async def add_review(
    asset: UUID, body: ReviewBody, parts: Parts, caller: Reviewer
) -> dict[str, Any]:
    """Save the next revision of the review. It was picked by hand: no verdict counts it."""
    target, found = await _asset(parts, caller, asset)
    try:
        shapes = await asyncio.to_thread(
            check_shapes,
            _shapes(target, body),
            target.type,
            labels=target.champion.labels,
            width=found.logged.width,
            height=found.logged.height,
        )
        saved = reviews.Saved(
            shapes=shapes,
            start=Start.BLANK,
            draw=None,
            expected=found.row["revision"],
            reviewer=caller.name,
        )
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            made = await reviews.save(
                tx, caller.organization, target.deployment, asset, saved=saved
            )
    except ReviewRefused as error:
        raise invalid(error.detail, error.errors) from error
    except PredictionUnknown as error:
        raise not_found(f"predicted asset {asset}") from error
    except ReviewConflict as error:
        raise conflict("review-conflict", str(error)) from error
    return review_json(target.deployment, made)


@router.delete("/api/predicted/asset/{asset}", status_code=204)
async def delete_asset(asset: UUID, parts: Parts, caller: Deleter) -> None:
    """Delete a prediction and its reviews; every number subtracts it. The image stays."""
    target, _ = await _asset(parts, caller, asset)
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        gone = await deletions.remove(
            tx, caller.organization, target.deployment, asset,
            reason="deleted by a user", erase=False,
        )  # fmt: skip
    if not gone:
        raise not_found(f"predicted asset {asset}")


async def _asset(parts: Reviews, caller: Caller, asset: UUID) -> tuple[DeploymentChanged, Found]:
    mine = {
        known.data.deployment: known.data
        for known in parts.deployments.values()
        if known.organization == caller.organization and known.data.state is not State.DELETED
    }
    async with parts.database.read() as read:
        deployment = await assets.deployment_with(read, caller.organization, mine.keys(), asset)
        if deployment is None:
            raise not_found(f"predicted asset {asset}")
        found = await predictions.find(read, caller.organization, deployment, asset)
    if found is None:
        raise not_found(f"predicted asset {asset}")
    return mine[deployment], found


def _shapes(target: DeploymentChanged, body: ReviewBody) -> ReviewShapes:
    """The shapes of the deployment's type. Raises Problem 422 for those of another."""
    kinds = {
        TaskType.OBJECT_DETECTION: "rectangles",
        TaskType.SEGMENTATION: "polygons",
        TaskType.CLASSIFICATION: "classifications",
    }
    wrong = [
        (name, f"a review of type {target.type} has none")
        for name in ("rectangles", "polygons", "classifications", "lines", "points")
        if getattr(body, name) and name != kinds[target.type]
    ]
    if wrong:
        raise invalid("the review's shapes are of another type", wrong)
    names = {label_id(target.deployment, name): name for name in target.champion.labels}
    shapes: list[Any] = getattr(body, kinds[target.type])
    unknown = [
        (f"{kinds[target.type]}[{index}].label_id", f"{shape.label_id} is no label of it")
        for index, shape in enumerate(shapes)
        if shape.label_id not in names
    ]
    if unknown:
        raise invalid("the deployment has no such label", unknown[:20])
    return ReviewShapes(
        labels=[names[shape.label_id] for shape in shapes],
        boxes=[(s.x, s.y, s.w, s.h) for s in body.rectangles],
        polygons=[shape.polygon for shape in body.polygons],
    )
