"""The HTTP interface of metrics."""

from services.metrics.dto.dashboard import (
    CurveDto,
    DashboardDto,
    DriftCurvesDto,
    JobAccepted,
    ReferenceDto,
    SummariesDto,
    SummaryDto,
    TrainingDataBody,
)
from services.metrics.dto.quality import (
    QualityReportDto,
    ReviewedImagesDto,
    Role,
)

__all__ = [
    "CurveDto",
    "DashboardDto",
    "DriftCurvesDto",
    "JobAccepted",
    "QualityReportDto",
    "ReferenceDto",
    "ReviewedImagesDto",
    "Role",
    "SummariesDto",
    "SummaryDto",
    "TrainingDataBody",
]
