"""What reviews say. Null: nothing was reviewed that would tell."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, Field

Numbers = list[float | None]


class ModelRole(StrEnum):
    """Which of the deployed models."""

    CHAMPION = "champion"
    SHADOW = "shadow"


class RatesDto(BaseModel):
    """Precision, recall and F1; 0/0 is null."""

    precision: float | None
    recall: float | None
    f1: float | None


class DetectionLabelDto(RatesDto):
    """One label. `support`: reviewed boxes."""

    label: str
    support: int
    ap_50_95: float | None
    ap_50: float | None


class DetectionQualityDto(BaseModel):
    """COCO's series; P, R and F1 at the model's threshold and IoU 0.5: all boxes together, by
    label, the mean over labels (`macro`), and weighted by support."""

    ap_50_95: float | None
    ap_50: float | None
    ap_75: float | None
    ap_small: float | None
    ap_medium: float | None
    ap_large: float | None
    ar_50_95: float | None
    ar_50: float | None
    ar_75: float | None
    ar_small: float | None
    ar_medium: float | None
    ar_large: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    per_label: list[DetectionLabelDto]
    macro: RatesDto
    weighted: RatesDto
    images: int


class ConfusionDto(BaseModel):
    """`counts[i][j]`: predicted as label i, reviewed as label j."""

    labels: list[str]
    counts: list[list[int]]


class LabelQualityDto(BaseModel):
    """One label."""

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


class ClassificationQualityDto(BaseModel):
    """A classifier on reviewed images."""

    accuracy: float | None
    confusion: ConfusionDto
    per_label: list[LabelQualityDto]
    macro: RatesDto
    weighted: RatesDto
    macro_f1: float | None
    weighted_f1: float | None
    images: int


class QualityDto(BaseModel):
    """What the present champion and shadow said of the reviewed images of the range."""

    kind: str
    reviewed: int
    champion: DetectionQualityDto | ClassificationQualityDto | None
    shadow: DetectionQualityDto | ClassificationQualityDto | None


class EstimateDto(BaseModel):
    """A number and the ends of its 95 % interval; no ends below 50 images."""

    value: float | None
    low: float | None
    high: float | None


class IfSkippedDto(BaseModel):
    """A number were all skipped images wrong, and were they all right."""

    name: str
    low: float
    high: float


class ProductionEstimateDto(BaseModel):
    """Numbers by name for all images of the draws' traffic. `effective`: Kish's number of images;
    `skipped_share`: of the weight; above 2 % `if_skipped` says how much hangs on them. Null where
    a source or tag was asked for: of what was skipped neither is known."""

    kind: str
    images: int
    effective: float
    numbers: dict[str, EstimateDto]
    skipped: int | None
    skipped_share: float | None
    if_skipped: IfSkippedDto | None


class PrecisionOfLabelDto(BaseModel):
    """Precision at each recall point."""

    label: str
    precision: list[float]


class PrecisionRecallDto(BaseModel):
    """Precision by recall at IoU 0.5, mean over labels and each."""

    recall: list[float]
    mean: list[float] | None
    labels: list[PrecisionOfLabelDto]


class CalibrationDto(BaseModel):
    """Detections (or images) by score: how many, their mean score, the share that is right.

    `error`: D-ECE; `by_chance`: what a calibrated model would show with so few.
    """

    edges: list[float]
    counts: list[int]
    scores: Numbers
    right: Numbers
    error: float | None
    by_chance: float | None


class DetectionConfusionDto(ConfusionDto):
    """`labels` end with background. `images`: those whose boxes were told apart."""

    images: int


class ErrorsDto(BaseModel):
    """Wrong boxes by kind, and what was missed."""

    images: int
    classification: int
    location: int
    both: int
    duplicate: int
    background: int
    missed: int


class SliceDto(BaseModel):
    """Reviewed images of one source, tag or hour of the day (UTC)."""

    name: str
    images: int
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    image_f1: float | None = None
    accuracy: float | None = None


class SlicesDto(BaseModel):
    """The most frequent sources and tags, and the hours."""

    source: list[SliceDto]
    tag: list[SliceDto]
    hour: list[SliceDto]


class DetectionOnReviewedDto(DetectionQualityDto):
    """On reviewed images, each once."""

    kind: str


class ClassificationOnReviewedDto(ClassificationQualityDto):
    """On reviewed images, each once."""

    kind: str


class ReportDto(BaseModel):
    """Both kinds of numbers. `estimate` null: no image was drawn; a classifier's confusion is in
    `on_reviewed`."""

    on_reviewed: DetectionOnReviewedDto | ClassificationOnReviewedDto
    estimate: ProductionEstimateDto | None
    precision_recall: PrecisionRecallDto | None
    calibration: CalibrationDto
    confusion: DetectionConfusionDto | None
    errors: ErrorsDto | None
    slices: SlicesDto


class QualityReportDto(BaseModel):
    """What reviews say of a version. `report` null: no image of it was reviewed."""

    from_: datetime = Field(alias="from")
    to: datetime
    version: UUID
    threshold: float
    source: str | None
    tag: str | None
    images: int
    report: ReportDto | None


class ReviewedImagesDto(BaseModel):
    """Reviewed images by event time, in columns; `ap` of detectors, `right` of classifiers."""

    prediction: list[UUID]
    t: list[float]
    ap: Numbers | None
    right: list[bool] | None
    pi: Numbers


class BaselineDto(BaseModel):
    """The first drawn reviews of a version: what its loss was. `bound`: the most that its mean may
    be, at 97.5 %; null while reviews are being collected."""

    images: int
    needed: int
    loss: float | None
    bound: float | None


class HarmDto(BaseModel):
    """The harm alarm. Loss: 1 − F1 at IoU 0.5 and the threshold of an image, or wrong (1) or right.

    `state`: collecting, watching or ringing; `evidence` (log10) after each review since the
    baseline, at its event time `t`; it rings at `threshold`, and did first at `rang`.
    """

    version: UUID
    state: str
    baseline: BaselineDto
    margin: float
    images: int
    loss: float | None
    t: list[float]
    evidence: list[float]
    threshold: float
    rang: datetime | None
    alpha: float
