"""Submitting reviewed predictions to the feedback loop."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from libs.api.caller import needs
from libs.api.problems import invalid
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.store.session import Cause
from services.review.api.asked import PREFIX, Parts, deployment_of
from services.review.dto import RefusedDto, SubmissionsBody, SubmittedDto
from services.review.parts import Reviews
from services.review.store import submissions
from services.review.store.submissions import SUBMIT_AT_ONCE, Submitted

router = APIRouter(prefix=PREFIX, tags=["review"])
Submitter = Annotated[Caller, needs(Scope.REVIEWS_SUBMIT)]


@router.post("/submissions")
async def submit(
    deployment: UUID, body: SubmissionsBody, parts: Parts, caller: Submitter
) -> SubmittedDto:
    """Submit some predictions, or all that are reviewed; those that cannot go say why.

    They are SUBMITTED once the feedback loop says that they are in a dataset.
    """
    await deployment_of(parts, caller, deployment)
    if (body.predictions is None) is not body.all_reviewed:
        raise invalid(
            "name predictions, or all_reviewed", [("predictions", "either these or all_reviewed")]
        )
    if body.predictions is None:
        done = await _submit_all(parts, caller, deployment, body.targets)
    else:
        done = []
        for first in range(0, len(body.predictions), SUBMIT_AT_ONCE):
            some = body.predictions[first : first + SUBMIT_AT_ONCE]
            done.append(await _submit(parts, caller, deployment, some, body.targets))
    return SubmittedDto(
        submitted=sum(one.submitted for one in done),
        refused=[
            RefusedDto(prediction=refused.prediction, why=refused.why)
            for one in done
            for refused in one.refused
        ],
    )


async def _submit_all(
    parts: Reviews, caller: Caller, deployment: UUID, targets: list[UUID]
) -> list[Submitted]:
    done: list[Submitted] = []
    last: UUID | None = None
    while True:
        async with parts.database.read() as read:
            some = await submissions.all_reviewed(read, caller.organization, deployment, after=last)
        if not some:
            return done
        done.append(await _submit(parts, caller, deployment, some, targets))
        last = some[-1]


async def _submit(
    parts: Reviews, caller: Caller, deployment: UUID, some: list[UUID], targets: list[UUID]
) -> Submitted:
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        return await submissions.submit(tx, caller.organization, deployment, some, targets=targets)
