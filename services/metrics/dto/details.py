"""One label, or each model version, over a range. Lists over time have one entry a bucket."""

from uuid import UUID

from pydantic import BaseModel

from services.metrics.dto.charts import HistogramDto


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
