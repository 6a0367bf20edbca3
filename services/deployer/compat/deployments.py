"""Deployments, as the existing client asks for them and changes them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from libs.api.app import part
from libs.api.caller import needs
from libs.api.compat import TokenKind, compat_router
from libs.api.compat_asked import ALL, Limit, NameOrId, Offset, mine
from libs.api.problems import not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.ids import datalake_id, label_id
from libs.store.session import Cause
from services.deployer.actions import rollouts
from services.deployer.api.problems import answered
from services.deployer.compat.shown import deployment_json, deployments_json
from services.deployer.dto import Name, Share
from services.deployer.parts import Deployer
from services.deployer.store import deployments as store
from services.deployer.store import searches
from services.deployer.store.models import Version, find_version

router = compat_router()
# Monitoring has the same path: a login's token leads there.
one = compat_router(TokenKind.PLATFORM)
Parts = Annotated[Deployer, part(Deployer)]
Reader = Annotated[Caller, needs(Scope.DEPLOYMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.DEPLOYMENTS_WRITE)]
Roller = Annotated[Caller, needs(Scope.ROLLOUTS_WRITE)]
Order = Literal["name", "-name", "created_at", "-created_at"]


class NewDeployment(BaseModel):
    """The client drops what is null. `disable_serving` is heard by what is deployed: a version
    without an ONNX file is not served."""

    model_version_id: UUID
    name: Name | None = None
    min_threshold: Share | None = None
    target_datalake_id: UUID | None = None
    shadow_model_version_id: UUID | None = None
    disable_serving: bool = False


class DeploymentChange(BaseModel):
    """What is given is changed."""

    name: Name | None = None
    min_threshold: Share | None = None
    target_datalake_id: UUID | None = None
    sample_rate: Share | None = None


class ModelBody(BaseModel):
    """A version to put in a role."""

    model_version_id: UUID


@router.get("/api/organization/{organization}/deployments/find")
async def find_deployment(
    organization: UUID,
    parts: Parts,
    caller: Reader,
    sought: NameOrId,
) -> dict[str, Any]:
    """One deployment, by its name or its id."""
    mine(caller, organization)
    with answered():
        async with parts.database.read() as read:
            if sought.id is not None:
                found = await store.find(read, organization, sought.id)
            else:
                found = await searches.deployment_named(read, organization, sought.name)
            return await deployment_json(read, parts, found)


@router.get("/api/organization/{organization}/deployments")
async def list_deployments(
    organization: UUID,
    parts: Parts,
    caller: Reader,
    limit: Limit = ALL,
    offset: Offset = 0,
    order_by: Annotated[list[Order] | None, Query()] = None,
) -> dict[str, Any]:
    """The organisation's deployments, newest first unless asked otherwise."""
    mine(caller, organization)
    async with parts.database.read() as read:
        found = await store.listed(read, organization, before=None, limit=ALL)
        for order in reversed(order_by or []):
            key = order.lstrip("-")
            found.sort(
                key=lambda of: of.name if key == "name" else of.created,
                reverse=order.startswith("-"),
            )
        some = found[offset : offset + limit]
        return {"items": await deployments_json(read, parts, some), "count": len(found)}


@router.post("/api/organization/{organization}/deployments")
async def create_deployment(
    organization: UUID, body: NewDeployment, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Deploy a version, perhaps with a shadow. Without a name it is named by model and time."""
    mine(caller, organization)
    return await deploy(
        parts,
        caller,
        body.model_version_id,
        name=body.name,
        threshold=body.min_threshold,
        target=body.target_datalake_id,
        shadow=body.shadow_model_version_id,
    )


async def deploy(
    parts: Deployer,
    caller: Caller,
    version: UUID,
    *,
    name: str | None,
    threshold: float | None,
    target: UUID | None,
    shadow: UUID | None = None,
) -> dict[str, Any]:
    """Make a deployment and answer with it."""
    _one_datalake(caller, target)
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            champion = await find_version(tx, caller.organization, version)
            beside: Version | None = None
            if shadow is not None:
                beside = await find_version(tx, caller.organization, shadow)
            made = await rollouts.create(
                tx,
                caller.organization,
                name=name or f"{champion.name}-{parts.clock.now():%Y%m%d%H%M%S%f}",
                champion=champion,
                threshold=threshold,
                shadow=beside,
                sample_rate=1.0,
                retention_days=None,
            )
            return await deployment_json(tx, parts, made)


@one.get("/api/deployment/{deployment}")
async def get_deployment(deployment: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """One deployment."""
    with answered():
        async with parts.database.read() as read:
            found = await store.find(read, caller.organization, deployment)
            return await deployment_json(read, parts, found)


@router.patch("/api/deployment/{deployment}")
async def change_deployment(
    deployment: UUID, body: DeploymentChange, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Change a deployment. A new threshold begins the verdict anew."""
    _one_datalake(caller, body.target_datalake_id)
    given = {
        "name": body.name,
        "champion_threshold": body.min_threshold,
        "sample_rate": body.sample_rate,
    }
    given = {key: value for key, value in given.items() if value is not None}
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            of = await store.lock(tx, caller.organization, deployment)
            if given:
                of = await rollouts.update(tx, of, **given)
            return await deployment_json(tx, parts, of)


@router.delete("/api/deployment/{deployment}", status_code=204)
async def delete_deployment(deployment: UUID, parts: Parts, caller: Writer) -> None:
    """Delete a deployment; its model versions stay. `force_delete` makes no difference."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            await rollouts.delete(tx, await store.lock(tx, caller.organization, deployment))


@router.post("/api/deployment/{deployment}/model")
async def set_model(
    deployment: UUID, body: ModelBody, parts: Parts, caller: Roller
) -> dict[str, Any]:
    """Another version becomes the champion; the one that is it stays it."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            of = await store.lock(tx, caller.organization, deployment)
            version = await find_version(tx, caller.organization, body.model_version_id)
            if of.champion != version.id:
                of = await rollouts.replace_champion(tx, of, version, reason="set by hand")
            return await deployment_json(tx, parts, of)


@router.post("/api/deployment/{deployment}/shadow")
async def set_shadow_model(
    deployment: UUID, body: ModelBody, parts: Parts, caller: Roller
) -> dict[str, Any]:
    """Run a version beside the champion."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            of = await store.lock(tx, caller.organization, deployment)
            version = await find_version(tx, caller.organization, body.model_version_id)
            if of.shadow != version.id:
                of = await rollouts.put_shadow(tx, of, version, reason="deployed as shadow")
            return await deployment_json(tx, parts, of)


@router.get("/api/deployment/{deployment}/labels")
async def list_labels(deployment: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """The champion's labels. Their ids are derived: every service knows them."""
    with answered():
        async with parts.database.read() as read:
            of = await store.find(read, caller.organization, deployment)
            champion = await find_version(read, caller.organization, of.champion)
    items = [{"id": label_id(deployment, name), "name": name} for name in champion.labels]
    return {"items": items, "count": len(items)}


def _one_datalake(caller: Caller, target: UUID | None) -> None:
    if target not in (None, datalake_id(caller.organization)):
        raise not_found(f"datalake {target}: an organisation has one")
