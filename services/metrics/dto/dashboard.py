"""Dashboards. Lists of a chart have one entry a bucket; null: nothing there."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from services.metrics.dto.charts import (
    AnswersDto,
    CardDto,
    DisagreementDto,
    DistributionDto,
    DriftDto,
    HeatMapDto,
    HistogramDto,
    ImageSizeDto,
    LabelsDto,
    LatencyDto,
    OutlierDto,
    PointDto,
    ToneDto,
)
from services.metrics.dto.quality import QualityDto
from services.metrics.dto.references import ReferenceDto


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
