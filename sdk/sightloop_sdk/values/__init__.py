"""What the server tells, as values. Fields that a newer server adds are ignored."""

from sightloop_sdk.values.base import Value
from sightloop_sdk.values.data import Asset, Data, Dataset, DatasetVersion, Difference
from sightloop_sdk.values.predictions import (
    Answer,
    Detail,
    Predicted,
    Queued,
    Refusal,
    Review,
    ReviewShapes,
    Shapes,
    Submission,
    Submitted,
)
from sightloop_sdk.values.server import Change, DeploymentInfo, Job, Me, Role
from sightloop_sdk.values.training import (
    Artifact,
    Experiment,
    File,
    Logged,
    LogLine,
    Model,
    ModelVersion,
    Project,
    Series,
)

__all__ = [
    "Answer",
    "Artifact",
    "Asset",
    "Change",
    "Data",
    "Dataset",
    "DatasetVersion",
    "DeploymentInfo",
    "Detail",
    "Difference",
    "Experiment",
    "File",
    "Job",
    "LogLine",
    "Logged",
    "Me",
    "Model",
    "ModelVersion",
    "Predicted",
    "Project",
    "Queued",
    "Refusal",
    "Review",
    "ReviewShapes",
    "Role",
    "Series",
    "Shapes",
    "Submission",
    "Submitted",
    "Value",
]
