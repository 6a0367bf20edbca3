"""Logged predictions, reviews and submissions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sightloop_sdk.values.base import Box, Ring, Value


class Shapes(Value, frozen=True, kw_only=True):
    """A model's answer: classes index its labelmap; boxes are x, y, width, height in pixels."""

    classes: list[int]
    scores: list[float]
    boxes: list[Box] = []
    polygons: list[Ring] = []


class Answer(Value, frozen=True, kw_only=True):
    """What one model version said, in `latency` seconds."""

    version: UUID
    shapes: Shapes
    latency: float


class ReviewShapes(Value, frozen=True, kw_only=True):
    """Ground truth by label name, in columns; boxes are x, y, width, height in pixels."""

    labels: list[str]
    boxes: list[Box] = []
    polygons: list[Ring] = []


class Review(Value, frozen=True, kw_only=True):
    """A saved review. `draw` and `pi` are None for one picked by hand."""

    shapes: ReviewShapes
    revision: int
    reviewer: str
    time: datetime
    start: str
    draw: UUID | None = None
    pi: float | None = None


class Predicted(Value, frozen=True, kw_only=True):
    """A logged prediction. `status` None: its picture was not kept; `revision` 0: no review."""

    id: UUID
    data: UUID
    filename: str
    width: int
    height: int
    time: datetime
    status: str | None
    outlier: float | None
    boxes: int
    has_picture: bool
    champion: Answer
    shadow: Answer | None
    revision: int
    source: str
    tags: list[str]
    flags: list[str] = []


class Queued(Predicted, frozen=True, kw_only=True):
    """A prediction to review: its draw, the probability it was drawn with, what to begin at."""

    draw: UUID
    pi: float
    start: str


class Submission(Value, frozen=True, kw_only=True):
    """How far a prediction is on its way to a dataset."""

    state: str
    dataset_version: UUID | None = None
    asset: UUID | None = None
    refused: str | None = None


class Detail(Predicted, frozen=True, kw_only=True):
    """A prediction in full. `review`: the valid one, of all `revisions`."""

    review: Review | None
    revisions: list[Review]
    metadata: dict[str, Any]
    submission: Submission


class Refusal(Value, frozen=True, kw_only=True):
    """A prediction that was not submitted."""

    prediction: UUID
    why: str


class Submitted(Value, frozen=True, kw_only=True):
    """What became of a call to submit."""

    submitted: int
    refused: list[Refusal]
