"""From a review to the losses of both models."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from libs.schemas.events import PredictionReviewed
from libs.schemas.values import Logged, TaskType
from libs.store.session import Tx
from services.deployer.core.draws import block_of
from services.deployer.core.losses import Reader, paired
from services.deployer.store import models, reviews, trials
from services.deployer.store.deployments import Deployment
from services.deployer.store.reviews import Losses, PairedReview
from services.deployer.store.trials import Trial


@dataclass(frozen=True, slots=True)
class Paired:
    """What became of a review. `trial`: the one whose steps it changes; None: no one's."""

    newer: bool
    trial: UUID | None


async def pair(tx: Tx, of: Deployment, reviewed: PredictionReviewed) -> Paired:
    """Keep a review of a locked deployment; a correction replaces what was held.

    The losses are those at the thresholds of the trial that the image was drawn in, so that a
    correction after a promotion changes the trial that led to it.
    """
    logged, review = reviewed.logged, reviewed.review
    held = await reviews.find_review(tx, of.organization, of.id, logged.prediction)
    if held is not None and (
        held["deleted"]
        or (held["revision"], held["candidate"] is not None)
        >= (review.revision, logged.shadow is not None)
    ):
        return Paired(newer=False, trial=None)
    trial = await _trial(tx, of, logged)
    await reviews.put_review(
        tx,
        PairedReview(
            deployment=of.id,
            prediction=logged.prediction,
            organization=of.organization,
            champion=logged.champion.version,
            candidate=logged.shadow.version if logged.shadow else None,
            draw=review.draw,
            pi=review.pi,
            start=review.start,
            block=review.block,
            sha256=logged.picture.sha256 if logged.picture else None,
            revision=review.revision,
            event_time=logged.event_time,
            receive_time=logged.receive_time,
            reviewed_time=review.reviewed_time,
        ),
        await _losses(tx, of, reviewed, trial),
    )
    judged = trial if trial is not None and (trial.ended is None or trial.promoted) else None
    return Paired(newer=True, trial=judged.id if judged else None)


async def _trial(tx: Tx, of: Deployment, logged: Logged) -> Trial | None:
    """The trial of these two versions that ran when the image was drawn; else their latest."""
    if logged.shadow is None:
        return None
    found = await trials.of_pair(
        tx,
        of.organization,
        of.id,
        champion=logged.champion.version,
        candidate=logged.shadow.version,
    )
    drawn = await reviews.drawn_at(tx, of.organization, of.id, logged.prediction)
    return next((t for t in found if drawn is not None and t.since <= drawn), _first(found))


def _first(found: list[Trial]) -> Trial | None:
    return found[0] if found else None


async def _losses(
    tx: Tx, of: Deployment, reviewed: PredictionReviewed, trial: Trial | None
) -> Losses:
    logged = reviewed.logged
    if logged.shadow is None:
        return Losses(why_not="the shadow gave no answer")
    if trial is None:
        return Losses(why_not="these versions were never champion and shadow")
    versions = await models.find_versions(
        tx, of.organization, [logged.champion.version, logged.shadow.version]
    )
    thresholds = trial.champion_threshold, trial.candidate_threshold
    outputs = logged.champion, logged.shadow
    readers = [
        Reader(labels=versions[output.version].labels, threshold=threshold)
        for output, threshold in zip(outputs, thresholds, strict=True)
    ]
    champion, candidate = await asyncio.to_thread(
        paired,
        (readers[0], outputs[0]),
        (readers[1], outputs[1]),
        review=reviewed.review.shapes,
        task=TaskType(logged.type),
        size=(logged.width, logged.height),
    )
    return Losses(
        champion_threshold=thresholds[0],
        candidate_threshold=thresholds[1],
        champion_loss=champion,
        candidate_loss=candidate,
        d=champion - candidate,
        burst=_burst(trial, logged),
    )


def _burst(trial: Trial, logged: Logged) -> str | None:
    if trial.policy.block is None:
        return None
    return block_of(
        trial.policy.block,
        source=logged.source,
        metadata=logged.metadata,
        custom=logged.custom_metadata,
        time=logged.event_time,
    )
