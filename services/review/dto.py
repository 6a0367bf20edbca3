"""The HTTP interface of review."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import RowMapping

from libs.schemas.values import Box, Logged, Output, Point, Review, ReviewShapes, Shapes, Start
from services.review.core.lottery import coin

Status = Literal["TO_REVIEW", "REVIEWED", "SUBMITTED"]


class ShapesDto(BaseModel):
    """A model's answer: classes index its labelmap; pixels."""

    classes: list[int]
    scores: list[float]
    boxes: list[Box]
    polygons: list[list[Point]]


class ReviewShapesDto(BaseModel):
    """Ground truth by label name, in columns. No labels: nothing is there."""

    labels: list[str]
    boxes: list[Box] = []
    polygons: list[list[Point]] = []


class AnswerDto(BaseModel):
    """What one model version said."""

    version: UUID
    shapes: ShapesDto
    latency: float


class PredictedDto(BaseModel):
    """A predicted asset. `status` null: its picture was not kept."""

    id: UUID
    data: UUID
    filename: str
    width: int
    height: int
    time: datetime
    status: Status | None
    outlier: float | None
    boxes: int
    has_picture: bool
    champion: AnswerDto
    shadow: AnswerDto | None
    revision: int
    source: str
    tags: list[str]
    flags: list[str]


class QueuedDto(PredictedDto):
    """An image to review: its draw, how likely it was drawn, what to begin at."""

    draw: UUID
    pi: float
    start: Start


class ReviewDto(BaseModel):
    """A saved review."""

    shapes: ReviewShapesDto
    revision: int
    reviewer: str
    time: datetime
    start: Start
    draw: UUID | None
    pi: float | None


class SubmissionDto(BaseModel):
    """How far a prediction is on its way to a dataset."""

    state: Literal["none", "pending", "settled", "refused"]
    dataset_version: UUID | None
    asset: UUID | None
    refused: str | None


class DetailDto(PredictedDto):
    """A predicted asset in full. `review`: the valid one; `revisions`: all, the first first."""

    review: ReviewDto | None
    revisions: list[ReviewDto]
    metadata: dict[str, Any]
    submission: SubmissionDto


class CountsDto(BaseModel):
    """Predictions of a deployment by status."""

    TO_REVIEW: int
    REVIEWED: int
    SUBMITTED: int
    without_picture: int


class FacetDto(BaseModel):
    """How many have a value."""

    value: str
    count: int


class FacetsDto(BaseModel):
    """Counts among the newest `looked` predictions that a query finds; `complete`: these are all.

    `labels`: the first 64 of the champion, in its order; `sources` and `tags`: the twenty most
    frequent.
    """

    looked: int
    complete: bool
    status: list[FacetDto]
    without_picture: int
    labels: list[FacetDto]
    sources: list[FacetDto]
    tags: list[FacetDto]


class ReviewBody(BaseModel):
    """A review to save. `draw`: the draw that served the image; null: picked by hand."""

    shapes: ReviewShapesDto
    start: Start
    draw: UUID | None = None


class SkipBody(BaseModel):
    """Why an image is left out."""

    reason: str = Field(min_length=1, max_length=1000)


class SubmissionsBody(BaseModel):
    """Which predictions to submit, and to which dataset versions (none: the loop's own)."""

    predictions: list[UUID] | None = Field(default=None, max_length=10_000)
    all_reviewed: bool = False
    targets: list[UUID] = Field(default=[], max_length=100)


class RefusedDto(BaseModel):
    """A prediction that was not submitted."""

    prediction: UUID
    why: str


class SubmittedDto(BaseModel):
    """What became of a call to submit."""

    submitted: int
    refused: list[RefusedDto]


def predicted_dto(row: RowMapping, logged: Logged) -> PredictedDto:
    return PredictedDto(**_predicted(row, logged))


def queued_dto(row: RowMapping, logged: Logged) -> QueuedDto:
    return QueuedDto(
        **_predicted(row, logged),
        draw=row["draw"],
        pi=row["pi"],
        start=coin(row["id"], row["draw"], has_shadow=row["has_shadow"]),
    )


def detail_dto(row: RowMapping, logged: Logged, revisions: list[Review]) -> DetailDto:
    told = [review_dto(review) for review in revisions]
    return DetailDto(
        **_predicted(row, logged),
        review=told[-1] if told else None,
        revisions=told,
        metadata=logged.metadata,
        submission=SubmissionDto(
            state=row["state"] or "none",
            dataset_version=row["dataset_version"],
            asset=row["asset"],
            refused=row["refused"],
        ),
    )


def review_dto(review: Review) -> ReviewDto:
    shapes = review.shapes
    return ReviewDto(
        shapes=ReviewShapesDto(labels=shapes.labels, boxes=shapes.boxes, polygons=shapes.polygons),
        revision=review.revision,
        reviewer=review.reviewer,
        time=review.reviewed_time,
        start=review.start,
        draw=review.draw,
        pi=review.pi,
    )


def shapes_of(body: ReviewShapesDto) -> ReviewShapes:
    return ReviewShapes(labels=body.labels, boxes=body.boxes, polygons=body.polygons)


def _predicted(row: RowMapping, logged: Logged) -> dict[str, Any]:
    return {
        "id": logged.prediction,
        "data": logged.data,
        "filename": logged.filename,
        "width": logged.width,
        "height": logged.height,
        "time": logged.event_time,
        "status": row["status"],
        "outlier": row["outlier"],
        "boxes": row["boxes"],
        "has_picture": row["has_picture"],
        "champion": _answer(logged.champion),
        "shadow": None if logged.shadow is None else _answer(logged.shadow),
        "revision": row["revision"],
        "source": logged.source,
        "tags": logged.tags,
        "flags": logged.flags,
    }


def _answer(output: Output) -> AnswerDto:
    return AnswerDto(version=output.version, shapes=_shapes(output.shapes), latency=output.latency)


def _shapes(shapes: Shapes) -> ShapesDto:
    return ShapesDto(
        classes=shapes.classes, scores=shapes.scores, boxes=shapes.boxes, polygons=shapes.polygons
    )
