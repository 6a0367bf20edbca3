"""Champion against shadow: the verdict so far and every look at it."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import RowMapping

from libs.api.app import part
from libs.api.caller import needs
from libs.api.problems import Problem
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.store.session import Read
from services.deployer.actions.judging import sides, standing
from services.deployer.actions.trials import policy_of
from services.deployer.api.problems import answered
from services.deployer.core import verdict as core
from services.deployer.core.verdict import Look
from services.deployer.dto import LookDto, VerdictDto, Waiting
from services.deployer.parts import Deployer
from services.deployer.store import deployments as store
from services.deployer.store import trials
from services.deployer.store.deployments import Deployment
from services.deployer.store.models import Version
from services.deployer.store.trials import Lineage, Trial

router = APIRouter(prefix="/api/deployer/v1/deployments/{deployment}", tags=["rollouts"])
Parts = Annotated[Deployer, part(Deployer)]
Reader = Annotated[Caller, needs(Scope.DEPLOYMENTS_READ)]


@router.get("/verdict")
async def get_verdict(
    deployment: UUID, parts: Parts, caller: Reader, of: UUID | None = None
) -> VerdictDto:
    """The verdict of the last look at the shadow, or at the version `of` when it was one.

    404 `no-shadow` where there is nothing to compare.
    """
    with answered():
        async with parts.database.read() as read:
            found = await store.find(read, caller.organization, deployment)
            trial = await _trial(read, found, of)
            if trial is None:
                raise Problem(404, "no-shadow", "the deployment has no shadow to compare with")
            champion, candidate = await sides(read, trial)
            rows = await trials.looks(read, caller.organization, trial.id)
    return _verdict(found, trial, champion, candidate=candidate, looks=rows)


async def _trial(read: Read, deployment: Deployment, of: UUID | None) -> Trial | None:
    if of is None:
        return await trials.running(read, deployment.organization, deployment.id)
    return await trials.of_candidate(read, deployment.organization, deployment.id, of)


def _verdict(
    of: Deployment,
    trial: Trial,
    champion: Version,
    *,
    candidate: Version,
    looks: Sequence[RowMapping],
) -> VerdictDto:
    found = trial.latest or core.look(trial.policy, [], now=trial.since)
    policy = trial.policy
    return VerdictDto(
        candidate=trial.candidate,
        champion=trial.champion,
        since=trial.since,
        sentence=core.sentence(
            found,
            policy,
            candidate=candidate.shown,
            champion=champion.shown,
            reached=trial.verdict,
        ),
        reviews=found.reviews,
        mean_difference=found.mean,
        low=found.low,
        high=found.high,
        e_better=found.e_better,
        e_worse=found.e_worse,
        e_not_worse=found.e_not_worse,
        alpha=policy.alpha,
        delta=policy.delta,
        minimum=policy.minimum,
        maximum=policy.maximum,
        uniform=policy.uniform,
        action=policy.action,
        reached=trial.verdict,
        reached_time=trial.reached,
        recent=found.recent,
        looks=[_look(row) for row in looks],
        waiting=Waiting(unanswered=found.unanswered, skipped=found.left_out),
        warnings=[*found.warnings, *_warnings(of, trial, found)],
    )


def _look(row: RowMapping) -> LookDto:
    names = ("time", "mean", "low", "high", "e_better", "e_worse", "e_not_worse")
    return LookDto.model_validate({"n": row["reviews"]} | {name: row[name] for name in names})


def _warnings(of: Deployment, trial: Trial, found: Look) -> list[str]:
    said = []
    if trial.lineage is Lineage.READING:
        said.append("the training images of both models are being read: nothing counts until then")
    if trial.verdict is not None and standing(trial) < 1 / trial.policy.alpha:
        said.append(
            f"the verdict {trial.verdict} was reached, but its e-value has sunk to "
            f"{standing(trial):.3g} since"
        )
    if found.holds and trial.verdict is not None and trial.ended is None:
        said.append("nothing is promoted by itself while this lasts: " + "; ".join(found.holds))
    if trial.looks and trial.ended is None and policy_of(of).action is not trial.policy.action:
        said.append(
            f"this candidate's policy was fixed before the first look: {trial.policy.action}; "
            "the new one holds from the next candidate on"
        )
    return said
