"""Putting models in their roles. Each takes a locked deployment and tells what it became."""

from typing import Any
from uuid import UUID

from libs.schemas.events import State
from libs.store.session import Tx
from services.deployer.actions.trials import renew
from services.deployer.core.labelmap import check_candidate
from services.deployer.core.policy import Policy
from services.deployer.errors import AlreadyChampion, NoFormerChampion, NoShadow
from services.deployer.store import deployments, rollouts, trials
from services.deployer.store.deployments import Deployment, Former
from services.deployer.store.models import Version, find_version
from services.deployer.store.rollouts import Action


async def create(
    tx: Tx,
    organization: UUID,
    *,
    name: str,
    champion: Version,
    threshold: float | None,
    shadow: Version | None,
    sample_rate: float,
    retention_days: int | None,
) -> Deployment:
    """Deploy a model. Raises NameTaken, AlreadyChampion, LabelmapRefused."""
    made = await deployments.add(
        tx,
        organization,
        name=name,
        champion=champion,
        threshold=champion.threshold if threshold is None else threshold,
        sample_rate=sample_rate,
        retention_days=retention_days,
        verdict=Policy(),
    )
    await rollouts.record(
        tx, made, Action.DEPLOY, version=champion.id, previous=None, reason="first deployed"
    )
    if shadow is None:
        await deployments.tell(tx, made)
        return made
    return await put_shadow(tx, made, shadow, reason="deployed as shadow")


async def update(tx: Tx, before: Deployment, **values: Any) -> Deployment:
    """Change settings; a new threshold begins a new trial. Raises NameTaken."""
    now = await deployments.change(tx, before, **values)
    return await _settle(tx, now)


async def put_shadow(
    tx: Tx, before: Deployment, candidate: Version, *, reason: str, rollout_id: UUID | None = None
) -> Deployment:
    """Run a version beside the champion, in place of any other shadow.

    Raises:
        AlreadyChampion, LabelmapRefused.
    """
    if candidate.id == before.champion:
        raise AlreadyChampion
    champion = await find_version(tx, before.organization, before.champion)
    check_candidate(candidate.labels, champion.labels, types=(candidate.type, champion.type))
    now = await deployments.change(
        tx, before, shadow=candidate.id, shadow_threshold=candidate.threshold
    )
    await rollouts.record(
        tx,
        now,
        Action.DEPLOY_SHADOW,
        version=candidate.id,
        previous=before.shadow,
        reason=reason,
        rollout_id=rollout_id,
    )
    return await _settle(tx, now)


async def remove_shadow(tx: Tx, before: Deployment, *, reason: str) -> Deployment:
    """Stop the shadow. Raises NoShadow."""
    if before.shadow is None:
        raise NoShadow
    now = await deployments.change(tx, before, shadow=None, shadow_threshold=None)
    await rollouts.record(
        tx, now, Action.REMOVE_SHADOW, version=before.shadow, previous=None, reason=reason
    )
    return await _settle(tx, now)


async def promote(
    tx: Tx, before: Deployment, *, reason: str, actor: str | None = None
) -> Deployment:
    """The shadow becomes the champion, at its own threshold. Raises NoShadow."""
    if before.shadow is None or before.shadow_threshold is None:
        raise NoShadow
    now = await deployments.change(
        tx,
        before,
        champion=before.shadow,
        champion_threshold=before.shadow_threshold,
        shadow=None,
        shadow_threshold=None,
        formers=_with_former(before),
    )
    trial = await trials.running(tx, before.organization, before.id)
    if trial is not None:
        await trials.change(tx, trial, promoted=tx.clock.now())
    await rollouts.record(
        tx,
        now,
        Action.PROMOTE,
        version=now.champion,
        previous=before.champion,
        reason=reason,
        actor=actor,
    )
    return await _settle(tx, now)


async def replace_champion(
    tx: Tx, before: Deployment, version: Version, *, reason: str, rollout_id: UUID | None = None
) -> Deployment:
    """Another version becomes the champion at once; a shadow stays if it can be compared.

    Raises:
        AlreadyChampion, LabelmapRefused.
    """
    if version.id == before.champion:
        raise AlreadyChampion
    champion = await find_version(tx, before.organization, before.champion)
    check_candidate(version.labels, champion.labels, types=(version.type, champion.type))
    now = await deployments.change(
        tx,
        before,
        champion=version.id,
        champion_threshold=version.threshold,
        formers=_with_former(before),
        **_shadow_beside(before, version.id),
    )
    await rollouts.record(
        tx,
        now,
        Action.DEPLOY_CHAMPION,
        version=version.id,
        previous=before.champion,
        reason=reason,
        rollout_id=rollout_id,
    )
    return await _settle(tx, now)


async def roll_back(tx: Tx, before: Deployment, *, reason: str) -> Deployment:
    """The champion of before is the champion again. Raises NoFormerChampion."""
    if not before.formers:
        raise NoFormerChampion
    former = before.formers[-1]
    now = await deployments.change(
        tx,
        before,
        champion=former.version,
        champion_threshold=former.threshold,
        formers=before.formers[:-1],
        **_shadow_beside(before, former.version),
    )
    await rollouts.record(
        tx,
        now,
        Action.ROLLBACK,
        version=former.version,
        previous=before.champion,
        reason=reason,
    )
    return await _settle(tx, now)


async def delete(tx: Tx, before: Deployment) -> None:
    """Delete a deployment: it is told once more, as deleted."""
    now = await deployments.change(
        tx, before, state=State.DELETED, shadow=None, shadow_threshold=None
    )
    await _settle(tx, now)


async def _settle(tx: Tx, now: Deployment) -> Deployment:
    await renew(tx, now)
    await deployments.tell(tx, now)
    return now


def _with_former(before: Deployment) -> list[Former]:
    former = Former(version=before.champion, threshold=before.champion_threshold)
    return [*before.formers, former]


def _shadow_beside(before: Deployment, champion: UUID) -> dict[str, Any]:
    """A version is not the shadow of itself."""
    return {"shadow": None, "shadow_threshold": None} if before.shadow == champion else {}
