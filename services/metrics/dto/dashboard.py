"""Dashboards. Lists of a chart have one entry a bucket; null: nothing there."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from services.metrics.dto.quality import Numbers, QualityDto


class SummaryDto(BaseModel):
    """A deployment in a list. `last_24h`: predictions in each hour, the present one last."""

    deployment: UUID
    predictions: int
    last_24h: list[int]
    latency_p95: float | None
    last_prediction: datetime | None


class SummariesDto(BaseModel):
    """Deployments in the order asked for."""

    items: list[SummaryDto]


class ReferenceDto(BaseModel):
    """What live images are compared with, and how far its computation is.

    `origin`: dataset, champion (what it was trained on) or production (its first images).
    """

    state: str
    dataset_version: UUID | None
    done: int
    total: int
    images: int
    error: str | None
    job: UUID | None
    origin: str | None
    pinned: bool


class TrainingDataBody(BaseModel):
    """What live images are compared with: a dataset version, or where there is none the first so
    many images of production. `pinned`: a new champion does not bring its own."""

    dataset_version: UUID | None = None
    production_images: int | None = Field(default=None, ge=8, le=4000)
    pinned: bool = False

    @model_validator(mode="after")
    def _one(self) -> "TrainingDataBody":
        if (self.dataset_version is None) == (self.production_images is None):
            raise ValueError("give either dataset_version or production_images")
        return self


class JobAccepted(BaseModel):
    """Long work was asked for."""

    job: UUID


class BandsDto(BaseModel):
    """Quantiles of each bucket."""

    p50: Numbers
    p95: Numbers
    p99: Numbers


class LatencyDto(BaseModel):
    """Seconds from input to answer."""

    champion: BandsDto
    shadow: BandsDto | None
    unit: str


class LabelsDto(BaseModel):
    """Boxes, and images with at least one, by label and bucket."""

    names: list[str]
    boxes: list[list[int]]
    images: list[list[int]]


class HistogramDto(BaseModel):
    """`counts[i]` lie in [edges[i], edges[i + 1])."""

    edges: list[float]
    counts: list[int]


class NamedCountsDto(BaseModel):
    """Counts of named bins."""

    names: list[str]
    counts: list[int]


class ImageSizeDto(BaseModel):
    """Pixels; ratio is width / height."""

    width: HistogramDto
    height: HistogramDto
    area: HistogramDto
    ratio: NamedCountsDto


class HeatMapOfLabelDto(BaseModel):
    """How many shapes lie over each cell, row by row."""

    label: str
    grid: list[float]


class HeatMapDto(BaseModel):
    """A grid of size × size over the unit image, of the labels that cover most.

    `more`: labels whose maps the route of one label gives.
    """

    size: int
    labels: list[HeatMapOfLabelDto]
    more: list[str]


class PointDto(BaseModel):
    """One prediction."""

    prediction: UUID
    t: float
    latency: float
    outlier: float | None
    boxes: int


class OutlierDto(BaseModel):
    """Outlier scores of each bucket and the share at or above `alarm`."""

    p50: Numbers
    p95: Numbers
    share_alarm: Numbers
    alarm: float


class ToneDto(BaseModel):
    """Means over the scored images of each bucket."""

    brightness: Numbers
    contrast: Numbers
    sharpness: Numbers


class FeatureDto(BaseModel):
    """One feature at the last look; `rejected`: by Benjamini-Hochberg at 5 %."""

    name: str
    d: float
    threshold: float
    p: float
    rejected: bool


class DriftDto(BaseModel):
    """The largest D of all features at each look."""

    t: list[float]
    d: list[float]
    threshold: float
    alarm: bool
    features: list[FeatureDto]
    window: int


class DistributionDto(BaseModel):
    """Shapes by label: shares of each, and how many they are."""

    names: list[str]
    training: list[float] | None
    production: list[float]
    training_counts: list[int] | None
    production_counts: list[int]


class AnswersDto(BaseModel):
    """What a model's answers are made of."""

    labels: LabelsDto
    box_count: HistogramDto
    scores: HistogramDto
    box_area: HistogramDto


class DisagreementTotalDto(BaseModel):
    """Of all images of the range that both models answered; `low`, `high`: 95 %."""

    compared: int
    differ: int
    share: float | None
    low: float
    high: float


class DisagreementDto(BaseModel):
    """Images on which champion and shadow differ. `share` of each bucket; `low`, `high`: the
    confidence sequence of all images from the range's start on, valid whenever it is read."""

    compared: list[int]
    share: Numbers
    low: list[float]
    high: list[float]
    total: DisagreementTotalDto
    level: float


class CardDto(BaseModel):
    """One of the newest predictions."""

    prediction: UUID
    data: UUID
    t: float


class DashboardDto(BaseModel):
    """Every number of a deployment in a range."""

    from_: datetime = Field(alias="from")
    to: datetime
    bucket_seconds: int
    t: list[int]
    predictions: int
    receive_lag_p95: float | None
    volume: list[int]
    latency: LatencyDto
    labels: LabelsDto
    box_count: HistogramDto
    scores: HistogramDto
    box_area: HistogramDto
    shadow: AnswersDto | None
    disagreement: DisagreementDto | None
    image_size: ImageSizeDto
    heat_map: HeatMapDto
    points: list[PointDto] | None
    outlier: OutlierDto | None
    tone: ToneDto | None
    drift: DriftDto | None
    global_distribution: DistributionDto
    last: list[CardDto]
    quality: QualityDto
    reference: ReferenceDto


class CurveDto(BaseModel):
    """A distribution function: the share `f` at or below each `x`."""

    x: list[float]
    f: list[float]


class DriftCurvesDto(BaseModel):
    """Both distributions of one feature."""

    feature: str
    live: CurveDto
    reference: CurveDto
    d: float
    threshold: float


class LabelDto(BaseModel):
    """One label. `heat_map`: 32 × 32 row by row, of the champion's boxes; null: none."""

    label: str
    bucket_seconds: int
    t: list[int]
    boxes: list[int]
    images: list[int]
    scores: HistogramDto
    box_area: HistogramDto
    heat_map: list[float] | None


class QuantilesDto(BaseModel):
    """Quantiles of a range."""

    p50: float | None
    p95: float | None
    p99: float | None


class BoxesOfLabelDto(BaseModel):
    """Boxes of a label."""

    label: str
    boxes: int


class VersionDto(BaseModel):
    """A model version in the role in which it answered."""

    version: UUID
    role: str
    predictions: int
    volume: list[int]
    latency: QuantilesDto
    scores: HistogramDto
    labels: list[BoxesOfLabelDto]


class VersionsDto(BaseModel):
    """Every version that answered in a range."""

    bucket_seconds: int
    t: list[int]
    versions: list[VersionDto]
