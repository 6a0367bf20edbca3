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
from services.metrics.dto.quality import (
    HarmDto,
    QualityReportDto,
    ReviewedImagesDto,
    Role,
)

__all__ = [
    "CurveDto",
    "DashboardDto",
    "DriftCurvesDto",
    "HarmDto",
    "JobAccepted",
    "LabelDto",
    "QualityReportDto",
    "ReferenceDto",
    "ReviewedImagesDto",
    "Role",
    "SummariesDto",
    "SummaryDto",
    "TrainingDataBody",
    "VersionsDto",
]
