"""Deployments and their settings."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from libs.api.app import part
from libs.api.caller import needs
from libs.api.paging import CursorText, Limit, Page, page, read_time_cursor, write_cursor
from libs.api.problems import invalid
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.store.session import Cause
from services.deployer.actions import rollouts
from services.deployer.api.problems import answered
from services.deployer.api.shown import all_shown, delivery, shown
from services.deployer.dto import DeliveryDto, DeploymentChange, DeploymentDto, NewDeployment
from services.deployer.errors import PolicyLocked
from services.deployer.parts import Deployer
from services.deployer.store import deployments as store
from services.deployer.store import trials
from services.deployer.store.models import find_version

router = APIRouter(prefix="/api/deployer/v1/deployments", tags=["deployments"])
Parts = Annotated[Deployer, part(Deployer)]
Reader = Annotated[Caller, needs(Scope.DEPLOYMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.DEPLOYMENTS_WRITE)]


@router.get("")
async def list_deployments(
    parts: Parts, caller: Reader, limit: Limit = 50, cursor: CursorText = None
) -> Page[DeploymentDto]:
    """The organisation's deployments, newest first."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        found = await store.listed(read, caller.organization, before=before, limit=limit)
        items = await all_shown(read, found)
    return page(items, limit, lambda d: d, lambda d: write_cursor(d.created, d.id))


@router.post("", status_code=201)
async def create_deployment(body: NewDeployment, parts: Parts, caller: Writer) -> DeploymentDto:
    """Deploy a model version, perhaps with a shadow beside it."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            champion = await find_version(tx, caller.organization, body.model_version)
            shadow = None
            if body.shadow_model_version is not None:
                shadow = await find_version(tx, caller.organization, body.shadow_model_version)
            made = await rollouts.create(
                tx,
                caller.organization,
                name=body.name,
                champion=champion,
                threshold=body.threshold,
                shadow=shadow,
                sample_rate=body.sample_rate,
                retention_days=body.retention_days,
            )
            return await shown(tx, made)


@router.get("/{deployment}")
async def get_deployment(deployment: UUID, parts: Parts, caller: Reader) -> DeploymentDto:
    """One deployment."""
    with answered():
        async with parts.database.read() as read:
            return await shown(read, await store.find(read, caller.organization, deployment))


@router.patch("/{deployment}")
async def change_deployment(
    deployment: UUID, body: DeploymentChange, parts: Parts, caller: Writer
) -> DeploymentDto:
    """Change what is given. A new threshold begins the verdict anew."""
    given = {name: getattr(body, name) for name in body.model_fields_set}
    empty = [name for name, value in given.items() if value is None and name != "retention_days"]
    if empty:
        raise invalid("what is given needs a value", [(name, "is null") for name in empty])
    if "threshold" in given:
        given["champion_threshold"] = given.pop("threshold")
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            of = await store.lock(tx, caller.organization, deployment)
            if given:
                of = await rollouts.update(tx, of, **given)
            return await shown(tx, of)


@router.delete("/{deployment}", status_code=204)
async def delete_deployment(deployment: UUID, parts: Parts, caller: Writer) -> None:
    """Delete a deployment; its model versions stay."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            await rollouts.delete(tx, await store.lock(tx, caller.organization, deployment))


@router.get("/{deployment}/delivery")
async def get_delivery(deployment: UUID, parts: Parts, caller: Reader) -> DeliveryDto:
    """What becomes of a retrained model."""
    with answered():
        async with parts.database.read() as read:
            return delivery(await store.find(read, caller.organization, deployment))


@router.put("/{deployment}/delivery")
async def set_delivery(
    deployment: UUID, body: DeliveryDto, parts: Parts, caller: Writer
) -> DeliveryDto:
    """Set it. The verdict policy is locked while a candidate has been looked at."""
    with answered():
        verdict = body.verdict.policy()
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            of = await store.lock(tx, caller.organization, deployment)
            trial = await trials.running(tx, caller.organization, deployment)
            if trial is not None and trial.looks and verdict != of.verdict:
                raise PolicyLocked
            of = await rollouts.update(
                tx,
                of,
                delivery_active=body.active,
                delivery_policy=body.policy,
                verdict=verdict,
            )
            return delivery(of)
