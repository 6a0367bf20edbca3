"""Trials: one candidate against one champion under one policy, and every look at them.

open ──verdict──▶ reached ──promoted──▶ ended      (a look after the end is logged too)
  '────────────── candidate, champion, threshold or policy changed ──▶ ended
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, RowMapping, and_, exists, false, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.ids import uuid7
from libs.schemas.values import Start
from libs.store.session import Read, Tx
from services.deployer.core.draws import Answer, Drawn
from services.deployer.core.policy import Policy, Verdict
from services.deployer.core.verdict import Look
from services.deployer.store.deployments import Deployment
from services.deployer.store.models import Version
from services.deployer.tables import draw, drawn, look, review, trained_image, trial

# Until the shadow is loaded everywhere it cannot have been asked.
_LOADING = timedelta(minutes=1)
_FAIR_STARTS = (Start.BLANK, Start.COIN_CHAMPION, Start.COIN_SHADOW)


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


async def drawn_images(
    read: Read, of: Trial, *, champion: Version, candidate: Version
) -> list[Drawn]:
    """The images of a trial's draws, in draw order, and what became of each."""
    manifests = [t.manifest for t in (*champion.trained_on, *candidate.trained_on)]
    seen_in_training: ColumnElement[bool] = false()
    if manifests:
        seen_in_training = exists().where(
            trained_image.c.organization == of.organization,
            trained_image.c.manifest.in_(manifests),
            or_(
                trained_image.c.sha256 == review.c.sha256,
                trained_image.c.block == review.c.block,
            ),
        )
    within = [draw.c.opened >= of.since]
    if of.ended is not None:
        within.append(draw.c.opened < of.ended)
    rows = await read.all(
        select(
            draw.c.number,
            draw.c.opened,
            drawn.c.weight,
            drawn.c.skipped,
            review,
            seen_in_training.label("trained"),
        )
        .join(drawn, and_(drawn.c.deployment == draw.c.deployment, drawn.c.draw == draw.c.id))
        .outerjoin(
            review,
            and_(
                review.c.deployment == drawn.c.deployment,
                review.c.prediction == drawn.c.prediction,
                review.c.organization == of.organization,
            ),
        )
        .where(
            draw.c.organization == of.organization,
            draw.c.deployment == of.deployment,
            or_(draw.c.served.is_(None), drawn.c.position < draw.c.served),
            *within,
        )
        .order_by(draw.c.number, drawn.c.position)
    )
    seen: set[UUID] = set()
    images = []
    for row in rows:
        prediction = row["prediction"]
        if prediction is not None and prediction in seen:
            continue
        if prediction is not None:
            seen.add(prediction)
        images.append(_drawn(row, of))
    return images


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


def _drawn(row: RowMapping, of: Trial) -> Drawn:
    answer = _answer(row, of)
    return Drawn(
        draw=row["number"],
        opened=row["opened"],
        answer=answer,
        w=row["weight"],
        d=row["d"] if answer is Answer.COUNTS else 0.0,
        time=row["event_time"],
        block=row["burst"],
    )


def _answer(row: RowMapping, of: Trial) -> Answer:
    if row["prediction"] is None:
        return Answer.LEFT_OUT if row["skipped"] else Answer.OPEN
    if row["trained"] or row["champion"] != of.champion:
        return Answer.FOREIGN
    if row["candidate"] is None:
        asked = row["receive_time"] >= of.since + _LOADING
        return Answer.LEFT_OUT if asked else Answer.FOREIGN
    if row["candidate"] != of.candidate:
        return Answer.FOREIGN
    if row["deleted"] or row["start"] not in _FAIR_STARTS:
        return Answer.LEFT_OUT
    thresholds = (row["champion_threshold"], row["candidate_threshold"])
    if row["d"] is None or thresholds != (of.champion_threshold, of.candidate_threshold):
        return Answer.FOREIGN
    return Answer.COUNTS


def _trial(row: RowMapping) -> Trial:
    values = dict(row)
    values["policy"] = msgspec.convert(values["policy"], Policy)
    values["lineage"] = Lineage(values["lineage"])
    values["verdict"] = Verdict(values["verdict"]) if values["verdict"] else None
    if values["latest"] is not None:
        values["latest"] = msgspec.convert(values["latest"], Look)
    return Trial(**values)
