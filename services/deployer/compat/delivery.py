"""What becomes of a retrained model, as the existing client sets it."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel

from libs.api.app import part
from libs.api.caller import needs
from libs.api.compat import compat_router
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.store.session import Cause
from services.deployer.actions import rollouts
from services.deployer.api.problems import answered
from services.deployer.core.policy import Delivery
from services.deployer.parts import Deployer
from services.deployer.store import deployments as store

router = compat_router()
Parts = Annotated[Deployer, part(Deployer)]
Writer = Annotated[Caller, needs(Scope.DEPLOYMENTS_WRITE)]
_POLICIES = {
    "DEPLOY_CHAMPION": Delivery.CHAMPION,
    "DEPLOY_SHADOW": Delivery.SHADOW,
    "DEPLOY_MANUAL": Delivery.MANUAL,
}


class PolicyBody(BaseModel):
    """The client's three policies; ours with a verdict is set in the interface."""

    policy: Literal["DEPLOY_CHAMPION", "DEPLOY_SHADOW", "DEPLOY_MANUAL"]


class ActiveBody(BaseModel):
    """On or off."""

    active: bool


@router.post("/api/deployment/{deployment}/pipeline/cd")
async def set_up(
    deployment: UUID, body: PolicyBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Set the policy, and switch it on."""
    policy = _POLICIES[body.policy]
    return await _change(parts, caller, deployment, delivery_active=True, delivery_policy=policy)


@router.put("/api/deployment/{deployment}/pipeline/cd")
async def toggle(
    deployment: UUID, body: ActiveBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Switch it on or off."""
    return await _change(parts, caller, deployment, delivery_active=body.active)


async def _change(
    parts: Deployer, caller: Caller, deployment: UUID, **values: Any
) -> dict[str, Any]:
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            of = await store.lock(tx, caller.organization, deployment)
            of = await rollouts.update(tx, of, **values)
    return {"active": of.delivery_active, "policy": of.delivery_policy}
