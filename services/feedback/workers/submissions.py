"""A reviewed prediction becomes an asset of each version it is for, or is told why not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping

from libs.schemas.envelope import Received
from libs.schemas.events import PredictionReviewed, PredictionSubmitted
from libs.schemas.manifest import Annotation
from libs.schemas.values import Picture, ReviewShapes, TaskType
from libs.store.session import Cause, Tx
from libs.store.workers import JobRun
from services.feedback.core.agreement import refusal
from services.feedback.core.loop import Outcome
from services.feedback.errors import PictureGone, VersionFrozen
from services.feedback.parts import Feedback
from services.feedback.store import assets, datasets, loops, trainings
from services.feedback.store.assets import NewAsset, Origin
from services.feedback.workers import pictures

KIND = "submission"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A review on its way into some versions: what an asset is made of, and no more."""

    deployment: UUID
    prediction: UUID
    data: UUID
    type: TaskType
    filename: str
    width: int
    height: int
    event_time: datetime
    picture: Picture | None
    shapes: ReviewShapes
    revision: int
    block: str | None
    targets: list[UUID]
    causation: UUID
    actor: str | None
    reviewer: str | None = None

    @classmethod
    def of(
        cls,
        event: Received[PredictionSubmitted] | Received[PredictionReviewed],
        targets: Sequence[UUID],
    ) -> Self:
        """What an event asks for."""
        logged, review = event.data.logged, event.data.review
        return cls(
            deployment=logged.deployment,
            prediction=logged.prediction,
            data=logged.data,
            type=logged.type,
            filename=logged.filename,
            width=logged.width,
            height=logged.height,
            event_time=logged.event_time,
            picture=logged.picture,
            shapes=review.shapes,
            revision=review.revision,
            block=review.block,
            targets=list(targets),
            causation=event.meta.id,
            actor=event.meta.actor,
            reviewer=review.reviewer,
        )

    def payload(self) -> Mapping[str, Any]:
        """As a job carries it."""
        found: Mapping[str, Any] = msgspec.to_builtins(self)
        return found

    def outcome(
        self, version: UUID, *, asset: UUID | None = None, refused: str | None = None
    ) -> Outcome:
        """What became of it in a version."""
        return Outcome(
            deployment=self.deployment,
            prediction=self.prediction,
            revision=self.revision,
            dataset_version=version,
            asset=asset,
            refused=refused,
        )


async def submit(parts: Feedback, run: JobRun) -> None:
    """The job: copy the picture, then settle each target that has not got this revision."""
    submission = msgspec.convert(run.job.payload, Submission)
    organization = run.job.organization
    await _copied(parts, organization, submission)
    cause = Cause(actor=submission.actor, causation=submission.causation)
    async with parts.database.begin(cause) as tx:
        await assets.keep_pictures(tx, organization)
        # Once more under the lock, where it is known to stay: before it, the last asset with
        # the same picture may have been erased.
        picture = await _copied(parts, organization, submission)
        if await assets.is_erased(tx, organization, submission.data):
            picture = "its image was erased"
        # Locked before what was accepted is read: the same revision is never settled twice.
        rows = await datasets.find_versions(tx, organization, submission.targets, lock=True)
        done = await loops.accepted(
            tx,
            organization,
            submission.deployment,
            submission.prediction,
            revision=submission.revision,
        )
        outcomes = [
            await _settle(
                tx, organization, submission, version, row=rows.get(version), picture=picture
            )
            for version in sorted(set(submission.targets) - done)
        ]
        for outcome in outcomes:
            await loops.settle(tx, organization, outcome)
        if any(outcome.asset for outcome in outcomes):
            await trainings.count_submission(
                tx, organization, submission.deployment, submission.prediction
            )


async def _copied(parts: Feedback, organization: UUID, submission: Submission) -> Picture | str:
    """Our copy of the picture, or in a sentence why there is none."""
    if submission.picture is None:
        return "no picture of it was kept"
    try:
        return await pictures.copy(parts.blobs, organization, submission.picture)
    except PictureGone as gone:
        return str(gone)


async def _settle(
    tx: Tx,
    organization: UUID,
    submission: Submission,
    version: UUID,
    *,
    row: RowMapping | None,
    picture: Picture | str,
) -> Outcome:
    if row is None:
        return submission.outcome(version, refused=f"there is no dataset version {version}")
    if row["frozen"] is not None:
        return submission.outcome(version, refused=str(VersionFrozen(datasets.labelled(row).name)))
    if isinstance(picture, str):
        return submission.outcome(version, refused=picture)
    why = refusal(submission.type, submission.shapes, datasets.labelled(row))
    if why is not None:
        return submission.outcome(version, refused=why)
    there = await assets.find_asset(tx, organization, version, submission.data)
    corrected = (
        there is not None
        and there["prediction"] == submission.prediction
        and there["review_revision"] > submission.revision
    )
    if not corrected:
        await assets.put_assets(tx, organization, version, [_asset(submission, picture)])
        await datasets.touch(tx, organization, version)
    return submission.outcome(version, asset=assets.asset_id(version, submission.data))


def _asset(submission: Submission, picture: Picture) -> NewAsset:
    shapes = submission.shapes
    return NewAsset(
        data=submission.data,
        filename=submission.filename,
        picture=picture,
        width=submission.width,
        height=submission.height,
        annotation=Annotation(labels=shapes.labels, boxes=shapes.boxes, polygons=shapes.polygons),
        block=submission.block,
        event_time=submission.event_time,
        origin=Origin(
            deployment=submission.deployment,
            prediction=submission.prediction,
            revision=submission.revision,
            reviewer=submission.reviewer,
        ),
    )
