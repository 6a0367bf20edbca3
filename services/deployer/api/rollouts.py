"""Roll-outs by one call: shadow, promote, roll back; and their history."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from libs.api.app import part
from libs.api.caller import needs
from libs.api.paging import CursorText, Limit, Page, page, read_time_cursor, write_cursor
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.store.session import Cause
from services.deployer.actions import rollouts
from services.deployer.api.problems import answered
from services.deployer.api.shown import shown
from services.deployer.dto import DeploymentDto, RolloutDto, ShadowBody
from services.deployer.parts import Deployer
from services.deployer.store import deployments as store
from services.deployer.store import rollouts as history
from services.deployer.store.models import find_version

router = APIRouter(prefix="/api/deployer/v1/deployments/{deployment}", tags=["rollouts"])
Parts = Annotated[Deployer, part(Deployer)]
Reader = Annotated[Caller, needs(Scope.DEPLOYMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.ROLLOUTS_WRITE)]


@router.put("/shadow")
async def put_shadow(
    deployment: UUID, body: ShadowBody, parts: Parts, caller: Writer
) -> DeploymentDto:
    """Run a version beside the champion."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            of = await store.lock(tx, caller.organization, deployment)
            candidate = await find_version(tx, caller.organization, body.model_version)
            if of.shadow != candidate.id:
                of = await rollouts.put_shadow(tx, of, candidate, reason="deployed as shadow")
            return await shown(tx, of)


@router.delete("/shadow")
async def remove_shadow(deployment: UUID, parts: Parts, caller: Writer) -> DeploymentDto:
    """Stop the shadow."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            of = await store.lock(tx, caller.organization, deployment)
            return await shown(tx, await rollouts.remove_shadow(tx, of, reason="removed by hand"))


@router.post("/promote")
async def promote(deployment: UUID, parts: Parts, caller: Writer) -> DeploymentDto:
    """The shadow becomes the champion."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            of = await store.lock(tx, caller.organization, deployment)
            return await shown(tx, await rollouts.promote(tx, of, reason="promoted by hand"))


@router.post("/rollback")
async def roll_back(deployment: UUID, parts: Parts, caller: Writer) -> DeploymentDto:
    """The champion of before is the champion again."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            of = await store.lock(tx, caller.organization, deployment)
            return await shown(tx, await rollouts.roll_back(tx, of, reason="rolled back by hand"))


@router.get("/rollouts")
async def list_rollouts(
    deployment: UUID, parts: Parts, caller: Reader, limit: Limit = 50, cursor: CursorText = None
) -> Page[RolloutDto]:
    """What was rolled out, newest first."""
    before = read_time_cursor(cursor)
    with answered():
        async with parts.database.read() as read:
            of = await store.find(read, caller.organization, deployment)
            rows = await history.listed(
                read, caller.organization, of.id, before=before, limit=limit
            )
    return page(
        rows,
        limit,
        lambda row: RolloutDto.model_validate(dict(row)),
        lambda row: write_cursor(row["time"], row["id"]),
    )
