"""Value types that several events and services share."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

Box = tuple[float, float, float, float]
Point = tuple[float, float]


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A frozen value; unknown fields of a later release are ignored."""


class TaskType(StrEnum):
    """What a model answers."""

    CLASSIFICATION = "CLASSIFICATION"
    OBJECT_DETECTION = "OBJECT_DETECTION"
    SEGMENTATION = "SEGMENTATION"


class Shapes(Value, frozen=True, kw_only=True, omit_defaults=True):
    """A model's answer, in columns of equal length, canonical.

    `boxes`: x, y, width, height in pixels of the picture (detection, segmentation).
    `polygons`: rings of x, y in pixels (segmentation). `classes` index the labelmap;
    `scores` lie in [0, 1]. Classification has classes and scores only, the best first.
    """

    classes: list[int]
    scores: list[float]
    boxes: list[Box] = []
    polygons: list[list[Point]] = []


class Output(Value, frozen=True, kw_only=True):
    """What one model version said. `assumed`: the client did not name the version."""

    version: UUID
    shapes: Shapes
    latency: float
    assumed: bool = False


class ReviewShapes(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Ground truth by label name, in columns. Empty: nothing is there (a valid review)."""

    labels: list[str]
    boxes: list[Box] = []
    polygons: list[list[Point]] = []


class Picture(Value, frozen=True, kw_only=True):
    """Where the bytes of an image are."""

    key: str
    sha256: str
    size: int
    content_type: str


class Logged(Value, frozen=True, kw_only=True):
    """A logged prediction in full: enough to show it, to count it and to subtract it again."""

    deployment: UUID
    prediction: UUID
    data: UUID
    type: TaskType
    champion: Output
    shadow: Output | None = None
    filename: str
    content_type: str
    width: int
    height: int
    source: str
    tags: list[str] = []
    flags: list[str] = []
    metadata: dict[str, Any] = {}
    custom_metadata: dict[str, Any] = {}
    custom_metrics: dict[str, Any] = {}
    event_time: datetime
    receive_time: datetime
    picture: Picture | None = None


class Start(StrEnum):
    """What the reviewer saw first. Only BLANK and COIN_* count for the verdict (anchoring)."""

    BLANK = "BLANK"
    CHAMPION = "CHAMPION"
    SHADOW = "SHADOW"
    COIN_CHAMPION = "COIN_CHAMPION"
    COIN_SHADOW = "COIN_SHADOW"


class Review(Value, frozen=True, kw_only=True):
    """A saved review. `draw` and `pi` are None for a review picked by hand."""

    shapes: ReviewShapes
    revision: int
    reviewer: str
    reviewed_time: datetime
    start: Start
    draw: UUID | None = None
    pi: float | None = None
    block: str | None = None


class DrawnImage(Value, frozen=True, kw_only=True):
    """One image of a draw, in the order served, with its probability of being chosen."""

    prediction: UUID
    pi: float


class ModelFile(Value, frozen=True, kw_only=True):
    """A file of a model version; `model-latest` is the ONNX file."""

    name: str
    key: str
    sha256: str
    size: int


class TrainedOn(Value, frozen=True, kw_only=True):
    """A dataset version as it was when a model was trained on it."""

    alias: str
    dataset_version: UUID
    digest: str
    manifest: str


class DeployedModel(Value, frozen=True, kw_only=True):
    """A model version as deployed: enough to run it and to read its answers."""

    version: UUID
    model: UUID
    name: str
    number: int
    threshold: float
    labels: list[str]
    onnx: ModelFile | None = None
    trained_on: list[TrainedOn] = []


class TrainingDataset(Value, frozen=True, kw_only=True):
    """A dataset version under the alias that the training knows it by."""

    alias: str
    dataset_version: UUID
    digest: str
    manifest: str


class Artifact(Value, frozen=True, kw_only=True):
    """What a run left in the blob store."""

    name: str
    key: str
    sha256: str
    size: int
