"""What the server tells, as values. Fields that a newer server adds are ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

Box = tuple[float, float, float, float]
Ring = list[tuple[float, float]]


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A document of the server."""


class Me(Value, frozen=True, kw_only=True):
    """Whose token it is. `expires` None: never."""

    organization: dict[str, Any]
    name: str
    role: str | None = None
    scopes: list[str]
    expires: datetime | None = None


class Role(Value, frozen=True, kw_only=True):
    """A model version as champion or shadow; `labels` in the order of its classes."""

    version: UUID
    model: UUID
    name: str
    number: int
    labels: list[str]
    threshold: float | None = None
    error: str | None = None


class DeploymentInfo(Value, frozen=True, kw_only=True):
    """A deployment. `sample_rate`: share of pictures that is kept."""

    id: UUID
    name: str
    type: str
    state: str
    threshold: float
    sample_rate: float
    champion: Role
    shadow: Role | None = None
    retention_days: int | None = None
    warnings: list[str] = []
    created: datetime | None = None


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


class Data(Value, frozen=True, kw_only=True):
    """An image of the Datalake."""

    id: UUID
    filename: str
    content_type: str
    width: int
    height: int
    source: str
    tags: list[str]
    metadata: dict[str, Any]
    created: datetime
    has_picture: bool


class Dataset(Value, frozen=True, kw_only=True):
    """A dataset."""

    id: UUID
    name: str
    description: str
    created: datetime


class DatasetVersion(Value, frozen=True, kw_only=True):
    """A version of a dataset. Numbers and digest are of its last settled content."""

    id: UUID
    dataset: UUID
    dataset_name: str
    version: str
    type: str
    labels: list[str]
    assets: int
    annotated: int
    objects_per_label: dict[str, int]
    digest: str | None
    settled: bool
    created: datetime


class Asset(Value, frozen=True, kw_only=True):
    """An image of a dataset version. `annotation` None: nobody has annotated it."""

    id: UUID
    data: UUID
    filename: str
    width: int
    height: int
    annotation: ReviewShapes | None


class Difference(Value, frozen=True, kw_only=True):
    """How one version became another, in pictures."""

    added: int
    removed: int
    changed: int
    same: int
    equal: bool


class Job(Value, frozen=True, kw_only=True):
    """Long work of the server: QUEUED, RUNNING, SUCCEEDED, FAILED or CANCELLED."""

    id: UUID
    kind: str
    subject: str
    state: str
    done: int
    total: int
    message: str
    error: str | None = None


class Project(Value, frozen=True, kw_only=True):
    """A project: a name that experiments share."""

    id: UUID
    name: str
    created: datetime


class Artifact(Value, frozen=True, kw_only=True):
    """A file that an experiment made. `size` in bytes."""

    name: str
    sha256: str
    size: int


class Experiment(Value, frozen=True, kw_only=True):
    """A training: what was asked for, how far it is, what came out."""

    id: UUID
    project: UUID
    name: str
    status: str
    deployment: UUID | None
    why: str | None
    base_version: UUID | None
    parameters: dict[str, Any]
    done: int
    total: int
    created: datetime
    started: datetime | None
    finished: datetime | None
    error: str | None
    metrics: dict[str, float]
    artifacts: list[Artifact]


class LogLine(Value, frozen=True, kw_only=True):
    """A line of an experiment's log."""

    n: int
    t: datetime
    text: str


class Series(Value, frozen=True, kw_only=True):
    """Values by step."""

    steps: list[int]
    values: list[float]


class Model(Value, frozen=True, kw_only=True):
    """A model; `versions`: how many it has had."""

    id: UUID
    name: str
    type: str
    versions: int
    created: datetime


class File(Value, frozen=True, kw_only=True):
    """A file of a model version; `model-latest` is the ONNX file."""

    name: str
    sha256: str
    size: int


class ModelVersion(Value, frozen=True, kw_only=True):
    """A version of a model; `labels` in the order of its classes."""

    id: UUID
    model: UUID
    name: str
    number: int
    type: str
    framework: str
    labels: list[str]
    files: list[File]
    parameters: dict[str, Any]
    threshold: float
    experiment: UUID | None
    created: datetime


class Change(Value, frozen=True, kw_only=True):
    """Something changed. `kind`: e.g. `prediction.reviewed`; `reset`: changes were missed."""

    kind: str
    id: str | None
    subject: str | None = None
    deployment: UUID | None = None
    time: datetime | None = None
