"""The HTTP interface of metrics."""

from services.metrics.dto.dashboard import (
    CurveDto,
    DashboardDto,
    DriftCurvesDto,
    JobAccepted,
    LabelDto,
    ReferenceDto,
    SummariesDto,
    SummaryDto,
    TrainingDataBody,
    VersionsDto,
)
from services.metrics.dto.label_free import LabelFreeDto
from services.metrics.dto.quality import (
    HarmDto,
    ModelRole,
    QualityReportDto,
    ReviewedImagesDto,
)

__all__ = [
    "CurveDto",
    "DashboardDto",
    "DriftCurvesDto",
    "HarmDto",
    "JobAccepted",
    "LabelDto",
    "LabelFreeDto",
    "ModelRole",
    "QualityReportDto",
    "ReferenceDto",
    "ReviewedImagesDto",
    "SummariesDto",
    "SummaryDto",
    "TrainingDataBody",
    "VersionsDto",
]
