"""Looking at a running trial, and acting on what is seen: once."""

import asyncio
from dataclasses import replace
from uuid import UUID

from libs.schemas.events import VerdictReached
from libs.schemas.ids import derived
from libs.store.session import Read, Tx
from services.deployer.actions import rollouts
from services.deployer.core import verdict as core
from services.deployer.core.policy import Action, Delivery, Verdict
from services.deployer.core.verdict import Look
from services.deployer.store import trials
from services.deployer.store.answers import drawn_images
from services.deployer.store.deployments import Deployment
from services.deployer.store.models import Version, find_versions
from services.deployer.store.trials import Lineage, Trial


async def judge(tx: Tx, of: Deployment, trial: Trial) -> Trial:
    """Look at a trial of a locked deployment, log it if it says anything new, and act on it.

    A verdict is told once a trial. A promotion asked for by the policy happens once, in the
    same transaction, when the verdict stands and nothing holds it.
    """
    if trial.lineage is Lineage.READING:
        return trial
    champion, candidate = await sides(tx, trial)
    found = await _look(tx, trial, champion, candidate)
    if found == trial.latest:
        return trial
    trial = await trials.log_look(tx, trial, found)
    if trial.ended is not None or found.verdict is None:
        return trial
    if trial.verdict is None:
        trial = await _reach(tx, trial, found, found.verdict)
    if found.verdict is trial.verdict and _promotes(of, trial, found):
        said = core.sentence(
            found,
            trial.policy,
            candidate=candidate.shown,
            champion=champion.shown,
            reached=trial.verdict,
        )
        await rollouts.promote(tx, of, reason=said, actor=str(Delivery.AUTO_PROMOTE))
    return trial


async def sides(read: Read, trial: Trial) -> tuple[Version, Version]:
    """The champion and the candidate of a trial."""
    both = [trial.champion, trial.candidate]
    versions = await find_versions(read, trial.organization, both)
    return versions[trial.champion], versions[trial.candidate]


def standing(trial: Trial) -> float:
    """The e-value now of the verdict that was reached; 0 where there is none."""
    if trial.latest is None:
        return 0.0
    match trial.verdict:
        case Verdict.BETTER:
            return trial.latest.e_better
        case Verdict.WORSE:
            return trial.latest.e_worse
        case Verdict.NOT_WORSE:
            return trial.latest.e_not_worse
    return 0.0


async def regret(read: Read, of: Deployment) -> str | None:
    """Why the champion should be rolled back: corrections took its verdict away; else None."""
    trial = await trials.promoted_last(read, of.organization, of.id)
    if trial is None or trial.candidate != of.champion or trial.verdict is not Verdict.BETTER:
        return None
    now, enough = standing(trial), 1 / trial.policy.alpha
    if now >= enough:
        return None
    return (
        f"the verdict that the champion was promoted on stands no more: its e-value is {now:.3g}, "
        f"below {enough:g}, after corrections of reviews. Roll back?"
    )


async def _look(tx: Tx, trial: Trial, champion: Version, candidate: Version) -> Look:
    drawn = await drawn_images(tx, trial, champion=champion, candidate=candidate)
    found = await asyncio.to_thread(core.look, trial.policy, drawn, now=tx.clock.now())
    warnings, holds = list(found.warnings), list(found.holds)
    if trial.lineage is Lineage.FAILED:
        text = f"the training images could not be read: {trial.lineage_error}"
        warnings.append(text)
        holds.append(text)
    unknown = [v.shown for v in (champion, candidate) if not v.trained_on]
    if unknown:
        named = " and ".join(unknown)
        warnings.append(f"which images {named} saw in training is not known: they may count")
    return replace(found, warnings=tuple(warnings), holds=tuple(holds))


async def _reach(tx: Tx, trial: Trial, found: Look, verdict: Verdict) -> Trial:
    now = tx.clock.now()
    reached = await trials.change(tx, trial, verdict=verdict, reached=now)
    await tx.emit(
        VerdictReached(
            deployment=trial.deployment,
            candidate=trial.candidate,
            champion=trial.champion,
            verdict=verdict,
            reviews=found.reviews,
            e_value=standing(reached),
            alpha=trial.policy.alpha,
            mean_difference=found.mean,
            low=found.low,
            high=found.high,
            reached_time=now,
        ),
        organization=trial.organization,
        event_id=derived("verdict", trial.id),
    )
    return reached


def _promotes(of: Deployment, trial: Trial, found: Look) -> bool:
    return (
        trial.verdict is Verdict.BETTER
        and not found.holds
        and trial.policy.action is Action.PROMOTE
        and of.delivery_active
        and of.delivery_policy is Delivery.AUTO_PROMOTE
    )


async def judge_running(tx: Tx, of: Deployment) -> None:
    """Look at the trial that runs, if one does."""
    trial = await trials.running(tx, of.organization, of.id)
    if trial is not None:
        await judge(tx, of, trial)


async def judge_trial(tx: Tx, of: Deployment, trial_id: UUID) -> None:
    """Look at one trial, running or ended."""
    trial = await trials.find(tx, of.organization, trial_id)
    if trial is not None:
        await judge(tx, of, trial)
