"""When a trial begins and ends."""

from dataclasses import replace
from datetime import datetime

import msgspec

from libs.schemas.values import TaskType
from libs.store import jobs
from libs.store.session import Tx
from services.deployer.core.policy import Action, Delivery, Loss, Policy
from services.deployer.store import lineage, models, reviews, trials
from services.deployer.store.deployments import Deployment
from services.deployer.store.trials import Lineage, Trial

LINEAGE_JOB = "lineage"


def policy_of(of: Deployment) -> Policy:
    """The verdict policy of a deployment as it is set now."""
    promotes = of.delivery_active and of.delivery_policy is Delivery.AUTO_PROMOTE
    loss = Loss.ERROR if of.type is TaskType.CLASSIFICATION else Loss.F1_AT_50
    action = Action.PROMOTE if promotes else Action.NOTIFY
    return replace(of.verdict, loss=loss, action=action)


async def renew(tx: Tx, now: Deployment) -> Trial | None:
    """The running trial, if it is still about the deployment's models; else a new one, at E = 1.

    Looks at a trial that ends stay logged. The policy of a running trial is fixed by its first
    look; before that it follows the deployment's.
    """
    present = await trials.running(tx, now.organization, now.id)
    policy = await _bounded(tx, now)
    if present is not None:
        same = (
            present.champion == now.champion
            and present.candidate == now.shadow
            and present.champion_threshold == now.champion_threshold
            and present.candidate_threshold == now.shadow_threshold
        )
        if same and present.looks:
            return present
        if same:
            return await trials.change(tx, present, policy=policy)
        await trials.change(tx, present, ended=tx.clock.now())
    if now.shadow is None:
        return None
    return await _start(tx, now, policy, since=tx.clock.now())


async def restart_with(
    tx: Tx, now: Deployment, present: Trial, *, uniform: float, since: datetime
) -> Trial:
    """A draw with a smaller uniform share breaks the bound of the weights: E starts at 1."""
    await trials.change(tx, present, ended=since)
    return await _start(tx, now, replace(present.policy, uniform=uniform), since=since)


async def _bounded(tx: Tx, now: Deployment) -> Policy:
    policy = policy_of(now)
    share = await reviews.latest_uniform(tx, now.organization, now.id)
    return policy if share is None else replace(policy, uniform=min(policy.uniform, share))


async def _start(tx: Tx, now: Deployment, policy: Policy, *, since: datetime) -> Trial:
    assert now.shadow is not None
    versions = await models.find_versions(tx, now.organization, [now.champion, now.shadow])
    keys = [trained.manifest for version in versions.values() for trained in version.trained_on]
    unread = await lineage.unread(tx, now.organization, keys)
    state = Lineage.READING if unread else Lineage.READ
    started = await trials.start(tx, now, policy=policy, lineage=state, since=since)
    if unread:
        await jobs.enqueue(
            tx,
            LINEAGE_JOB,
            organization=now.organization,
            key=str(started.id),
            subject=f"training images of the models of {now.name}",
            payload=msgspec.to_builtins({"trial": started.id, "manifests": unread}),
        )
    return started
