"""The HTTP interface of metrics."""

from services.metrics.dto.alerts import (
    AlertDto,
    AlertMetricDto,
    AlertMetricsDto,
    FiringDto,
    RehearsalDto,
    RuleBody,
    RuleDto,
    RulesDto,
    SilenceBody,
)
from services.metrics.dto.dashboard import DashboardDto, SummariesDto, SummaryDto
from services.metrics.dto.details import LabelDto, VersionsDto
from services.metrics.dto.label_free import LabelFreeDto
from services.metrics.dto.quality import (
    HarmDto,
    ModelRole,
    QualityReportDto,
    ReviewedImagesDto,
)
from services.metrics.dto.references import (
    BackboneChoice,
    BackboneChosen,
    BackboneDto,
    BackbonesDto,
    CurveDto,
    DriftCurvesDto,
    JobAccepted,
    ReferenceDto,
    TrainingDataBody,
)

__all__ = [
    "AlertDto",
    "AlertMetricDto",
    "AlertMetricsDto",
    "BackboneChoice",
    "BackboneChosen",
    "BackboneDto",
    "BackbonesDto",
    "CurveDto",
    "DashboardDto",
    "DriftCurvesDto",
    "FiringDto",
    "HarmDto",
    "JobAccepted",
    "LabelDto",
    "LabelFreeDto",
    "ModelRole",
    "QualityReportDto",
    "ReferenceDto",
    "RehearsalDto",
    "ReviewedImagesDto",
    "RuleBody",
    "RuleDto",
    "RulesDto",
    "SilenceBody",
    "SummariesDto",
    "SummaryDto",
    "TrainingDataBody",
    "VersionsDto",
]
