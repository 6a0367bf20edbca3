"""The charts of a dashboard. Lists have one entry a bucket; null: nothing there."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.metrics.dto.quality import Numbers


class HistogramDto(BaseModel):
    """`counts[i]` lie in [edges[i], edges[i + 1])."""

    edges: list[float]
    counts: list[int]


class NamedCountsDto(BaseModel):
    """Counts of named bins."""

    names: list[str]
    counts: list[int]


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
    """Outlier scores of each bucket and the share at or above `alarm`.

    `comparable_from`: what came before was scored by another embedding, and is null until it is
    scored anew; null: all is comparable.
    """

    p50: Numbers
    p95: Numbers
    share_alarm: Numbers
    alarm: float
    comparable_from: datetime | None


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
