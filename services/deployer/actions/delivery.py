"""What becomes of a model that a retraining made."""

from uuid import UUID

from libs.schemas.ids import derived
from libs.store.session import Tx
from services.deployer.actions import rollouts
from services.deployer.core.policy import Delivery
from services.deployer.store import rollouts as history
from services.deployer.store.deployments import Deployment
from services.deployer.store.models import Version


async def deliver(tx: Tx, of: Deployment, version: Version, *, experiment: UUID) -> None:
    """Do what the delivery policy says with an experiment's version: once, however often asked.

    Raises:
        AlreadyChampion, LabelmapRefused: it stays in the registry.
    """
    rollout = derived("delivery", of.id, experiment)
    if not of.delivery_active or of.delivery_policy is Delivery.MANUAL:
        return
    if await history.recorded(tx, of.organization, rollout):
        return
    reason = f"{of.delivery_policy}: experiment {experiment} succeeded"
    if of.delivery_policy is Delivery.CHAMPION:
        await rollouts.replace_champion(tx, of, version, reason=reason, rollout_id=rollout)
    else:
        await rollouts.put_shadow(tx, of, version, reason=reason, rollout_id=rollout)
