"""Trials: one candidate against one champion under one policy, and every look at them.

open ──verdict──▶ reached ──promoted──▶ ended      (a look after the end is logged too)
  '────────────── candidate, champion, threshold or policy changed ──▶ ended
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.ids import uuid7
from libs.store.session import Read, Tx
from services.deployer.core.policy import Policy, Verdict
from services.deployer.core.verdict import Look
from services.deployer.store.deployments import Deployment
from services.deployer.tables import look, trial


class Lineage(StrEnum):
    """Whether the training images of both models are known: they never count."""

    READING = "READING"
    READ = "READ"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A candidate against a champion. `latest`: the last look; `ended` None: it runs."""

    id: UUID
    organization: UUID
    deployment: UUID
    champion: UUID
    candidate: UUID
    champion_threshold: float
    candidate_threshold: float
    policy: Policy
    since: datetime
    ended: datetime | None
    lineage: Lineage
    lineage_error: str | None
    looks: int
    latest: Look | None
    verdict: Verdict | None
    reached: datetime | None
    promoted: datetime | None


async def start(
    tx: Tx, of: Deployment, *, policy: Policy, lineage: Lineage, since: datetime
) -> Trial:
    """Begin the trial of a deployment's shadow: E is 1."""
    assert of.shadow is not None
    made = await tx.execute(
        insert(trial)
        .values(
            id=uuid7(tx.clock.now()),
            organization=of.organization,
            deployment=of.id,
            champion=of.champion,
            candidate=of.shadow,
            champion_threshold=of.champion_threshold,
            candidate_threshold=of.shadow_threshold or 0.0,
            policy=msgspec.to_builtins(policy),
            since=since,
            lineage=lineage,
        )
        .returning(trial)
    )
    return _trial(made.mappings().one())


async def running(read: Read, organization: UUID, deployment: UUID) -> Trial | None:
    """The trial of a deployment's present shadow."""
    row = await read.first(
        select(trial).where(
            trial.c.organization == organization,
            trial.c.deployment == deployment,
            trial.c.ended.is_(None),
        )
    )
    return _trial(row) if row is not None else None


async def find(read: Read, organization: UUID, trial_id: UUID) -> Trial | None:
    """One trial."""
    row = await read.first(
        select(trial).where(trial.c.organization == organization, trial.c.id == trial_id)
    )
    return _trial(row) if row is not None else None


async def of_candidate(
    read: Read, organization: UUID, deployment: UUID, candidate: UUID
) -> Trial | None:
    """The last trial of a version, whatever became of it."""
    row = await read.first(
        select(trial)
        .where(
            trial.c.organization == organization,
            trial.c.deployment == deployment,
            trial.c.candidate == candidate,
        )
        .order_by(trial.c.since.desc())
        .limit(1)
    )
    return _trial(row) if row is not None else None


async def of_pair(
    read: Read, organization: UUID, deployment: UUID, *, champion: UUID, candidate: UUID
) -> list[Trial]:
    """The trials of two versions against one another, the latest first."""
    rows = await read.all(
        select(trial)
        .where(
            trial.c.organization == organization,
            trial.c.deployment == deployment,
            trial.c.champion == champion,
            trial.c.candidate == candidate,
        )
        .order_by(trial.c.since.desc())
    )
    return [_trial(row) for row in rows]


async def promoted_last(read: Read, organization: UUID, deployment: UUID) -> Trial | None:
    """The last trial whose candidate was promoted."""
    row = await read.first(
        select(trial)
        .where(
            trial.c.organization == organization,
            trial.c.deployment == deployment,
            trial.c.promoted.is_not(None),
        )
        .order_by(trial.c.promoted.desc())
        .limit(1)
    )
    return _trial(row) if row is not None else None


async def all_running(read: Read) -> list[tuple[UUID, UUID]]:
    """(organisation, deployment) of every trial that runs, for the loop that looks at them."""
    rows = await read.all(
        select(trial.c.organization, trial.c.deployment).where(trial.c.ended.is_(None))
    )
    return [(row["organization"], row["deployment"]) for row in rows]


async def change(tx: Tx, before: Trial, **values: Any) -> Trial:
    """Change a trial's row."""
    for name in ("policy", "latest"):
        if name in values:
            values[name] = msgspec.to_builtins(values[name])
    changed = await tx.execute(
        update(trial)
        .where(trial.c.id == before.id, trial.c.organization == before.organization)
        .values(**values)
        .returning(trial)
    )
    return _trial(changed.mappings().one())


async def log_look(tx: Tx, of: Trial, found: Look) -> Trial:
    """A look is the trial's latest; it is logged where its numbers are new.

    The first one logged is the first that saw a review: it fixes the policy.
    """
    nothing = found.reviews == 0 and of.looks == 0
    if nothing or (of.latest is not None and _numbers(found) == _numbers(of.latest)):
        return await change(tx, of, latest=found)
    number = of.looks + 1
    await tx.execute(
        insert(look).values(
            trial=of.id,
            number=number,
            organization=of.organization,
            time=tx.clock.now(),
            **_numbers(found),
        )
    )
    return await change(tx, of, looks=number, latest=found)


async def looks(read: Read, organization: UUID, trial_id: UUID) -> list[RowMapping]:
    """Every look at a trial, the first one first."""
    return await read.all(
        select(look)
        .where(look.c.organization == organization, look.c.trial == trial_id)
        .order_by(look.c.number)
    )


def _numbers(found: Look) -> dict[str, float]:
    return {
        "reviews": found.reviews,
        "mean": found.mean,
        "low": found.low,
        "high": found.high,
        "e_better": found.e_better,
        "e_worse": found.e_worse,
        "e_not_worse": found.e_not_worse,
    }


def _trial(row: RowMapping) -> Trial:
    values = dict(row)
    values["policy"] = msgspec.convert(values["policy"], Policy)
    values["lineage"] = Lineage(values["lineage"])
    values["verdict"] = Verdict(values["verdict"]) if values["verdict"] else None
    if values["latest"] is not None:
        values["latest"] = msgspec.convert(values["latest"], Look)
    return Trial(**values)
