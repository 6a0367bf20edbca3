"""What a request is about: its deployment and prediction, waited for where they may be new."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Annotated, TypeVar
from uuid import UUID

from sqlalchemy import RowMapping

from libs.api.app import part
from libs.api.caller import needs
from libs.api.paging import Page
from libs.api.problems import not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.events import DeploymentChanged, State
from services.review.parts import Reviews
from services.review.store import deletions, predictions
from services.review.store.predictions import Found

PREFIX = "/api/review/v1/deployments/{deployment}"
Parts = Annotated[Reviews, part(Reviews)]
Reader = Annotated[Caller, needs(Scope.PREDICTIONS_READ)]
Reviewer = Annotated[Caller, needs(Scope.REVIEWS_WRITE)]
T = TypeVar("T")
_LOOK_SECONDS = 0.05


async def deployment_of(parts: Reviews, caller: Caller, deployment: UUID) -> DeploymentChanged:
    """The deployment. Raises Problem 404."""
    key = str(deployment)
    found = parts.deployments.get(key) or await parts.deployments.wait_for(
        key, timeout=parts.settings.wait
    )
    if (
        found is None
        or found.organization != caller.organization
        or found.data.state is State.DELETED
    ):
        raise not_found(f"deployment {deployment}")
    return found.data


async def prediction_of(
    parts: Reviews, caller: Caller, deployment: UUID, prediction: UUID
) -> Found:
    """A prediction; one logged a moment ago is waited for. Raises Problem 404."""
    organization = caller.organization
    deadline = parts.clock.monotonic() + parts.settings.wait
    while True:
        async with parts.database.read() as read:
            found = await predictions.find(read, organization, deployment, prediction)
            if found is not None:
                return found
            gone = await deletions.was_deleted(read, organization, deployment, prediction)
        if gone or parts.clock.monotonic() >= deadline:
            raise not_found(f"prediction {prediction}")
        await asyncio.sleep(_LOOK_SECONDS)


def page_of(
    rows: Sequence[RowMapping],
    limit: int,
    item: Callable[[RowMapping], T],
    cursor: Callable[[RowMapping], str],
    *,
    there: Collection[UUID],
) -> Page[T]:
    """A page from `limit + 1` rows asked for, without those deleted since (not in `there`)."""
    return Page(
        items=[item(row) for row in rows[:limit] if row["id"] in there],
        next_cursor=cursor(rows[limit - 1]) if len(rows) > limit else None,
    )
