"""Every event of the platform. Importing this package registers them all."""

from libs.schemas.events.alerts import AlertFired, AlertResolved, Severity
from libs.schemas.events.data import DataChanged, DataDeleted, DataRegistered
from libs.schemas.events.platform import (
    JobChanged,
    JobState,
    ReferenceReady,
    SeriesAdvanced,
    ServingLoaded,
    TokenChanged,
)
from libs.schemas.events.predictions import (
    PredictionLogged,
    PredictionShadowLogged,
    PredictionsScored,
    Score,
)
from libs.schemas.events.processes import BreakerCloseAsked, ProcessReported
from libs.schemas.events.registry import (
    DatasetVersionChanged,
    DeploymentChanged,
    ModelVersionChanged,
    State,
)
from libs.schemas.events.reviews import (
    DrawClosed,
    DrawOpened,
    PredictionDeleted,
    PredictionReviewed,
    PredictionSkipped,
    PredictionSubmitted,
    SubmissionSettled,
)
from libs.schemas.events.training import (
    ExperimentChanged,
    ExperimentFinished,
    ExperimentLogged,
    ExperimentStatus,
    RetrainingTriggered,
    RolloutFinished,
    VerdictReached,
)

__all__ = [
    "AlertFired",
    "AlertResolved",
    "BreakerCloseAsked",
    "DataChanged",
    "DataDeleted",
    "DataRegistered",
    "DatasetVersionChanged",
    "DeploymentChanged",
    "DrawClosed",
    "DrawOpened",
    "ExperimentChanged",
    "ExperimentFinished",
    "ExperimentLogged",
    "ExperimentStatus",
    "JobChanged",
    "JobState",
    "ModelVersionChanged",
    "PredictionDeleted",
    "PredictionLogged",
    "PredictionReviewed",
    "PredictionShadowLogged",
    "PredictionSkipped",
    "PredictionSubmitted",
    "PredictionsScored",
    "ProcessReported",
    "ReferenceReady",
    "RetrainingTriggered",
    "RolloutFinished",
    "Score",
    "SeriesAdvanced",
    "ServingLoaded",
    "Severity",
    "State",
    "SubmissionSettled",
    "TokenChanged",
    "VerdictReached",
]
