"""What humans said of predictions, and the draws that put images before them."""

from datetime import datetime
from uuid import UUID

from libs.schemas.envelope import Event, event
from libs.schemas.topics import REVIEWS
from libs.schemas.values import DrawnImage, Logged, Review


class _OfPrediction(Event, frozen=True, kw_only=True):
    logged: Logged

    @property
    def deployment(self) -> UUID:
        return self.logged.deployment


@event("prediction.reviewed.v1", REVIEWS)
class PredictionReviewed(_OfPrediction, frozen=True, kw_only=True):
    """A review was saved or corrected, or the shadow of a reviewed prediction came late.

    The higher (`review.revision`, `logged.shadow` present) replaces what is held.
    """

    review: Review


@event("prediction.skipped.v1", REVIEWS)
class PredictionSkipped(Event, frozen=True, kw_only=True):
    """A reviewer left a drawn image out."""

    deployment: UUID
    prediction: UUID
    draw: UUID | None
    pi: float | None
    reason: str


@event("prediction.submitted.v1", REVIEWS)
class PredictionSubmitted(_OfPrediction, frozen=True, kw_only=True):
    """A reviewed prediction goes to the feedback loop.

    `targets`: dataset versions asked for; empty: all that the deployment's loop names.
    `correction`: the review was corrected after submission; no trigger counts it again.
    """

    review: Review
    targets: list[UUID] = []
    correction: bool = False


@event("prediction.deleted.v1", REVIEWS)
class PredictionDeleted(_OfPrediction, frozen=True, kw_only=True):
    """A prediction was deleted; its content is here so that every number can subtract it."""

    review: Review | None
    reason: str
    erase: bool = False


@event("submission.settled.v1", REVIEWS)
class SubmissionSettled(Event, frozen=True, kw_only=True):
    """The asset that a submission became in a dataset version, or why it was refused."""

    deployment: UUID
    prediction: UUID
    revision: int
    dataset_version: UUID | None
    asset: UUID | None
    refused: str | None = None


@event("draw.opened.v1", REVIEWS)
class DrawOpened(Event, frozen=True, kw_only=True):
    """A draw of `population` images was made; `images` in the order served, at most 500.

    `uniform`: share u of π that is equal for all images (1: every image has the same π).
    """

    deployment: UUID
    draw: UUID
    number: int
    population: int
    uniform: float
    images: list[DrawnImage]
    opened_time: datetime


@event("draw.closed.v1", REVIEWS)
class DrawClosed(Event, frozen=True, kw_only=True):
    """A draw ended with `served` of its `chosen` images served: π ← π·served/chosen."""

    deployment: UUID
    draw: UUID
    served: int
    chosen: int
