"""Log a vision model's predictions to Sightloop without slowing its loop.

from sightloop_sdk import Client
deployment = Client().deployment("belt")
deployment.monitor("belt-17.jpg", latency=0.021, prediction=detections(boxes, scores, classes))
"""

from sightloop_sdk.aio import AsyncClient, AsyncDeployment
from sightloop_sdk.buffer import BufferedMonitor, Buffering, Loss, Report
from sightloop_sdk.client import Client
from sightloop_sdk.convert.outputs import from_torchvision, to_prediction
from sightloop_sdk.datalake import Uploaded
from sightloop_sdk.deployment import Deployment
from sightloop_sdk.errors import (
    ApiError,
    BadToken,
    Busy,
    Conflict,
    Invalid,
    InvalidPrediction,
    JobFailed,
    MissingExtra,
    MissingScope,
    MonitorClosed,
    NotConfigured,
    NotFlushed,
    NotFound,
    NotThere,
    ServerFault,
    SightloopError,
    SpoolUnusable,
    TooLarge,
    UnknownLabel,
    Unreachable,
    UnreadableImage,
)
from sightloop_sdk.formats import Prediction, classification, detections, segmentation
from sightloop_sdk.listing import Listing
from sightloop_sdk.monitoring import Accepted, Bulk, Rejected
from sightloop_sdk.record import Options, Record
from sightloop_sdk.training import Training
from sightloop_sdk.transport import Retry
from sightloop_sdk.values import Predicted, Review, ReviewShapes

__all__ = [
    "Accepted",
    "ApiError",
    "AsyncClient",
    "AsyncDeployment",
    "BadToken",
    "BufferedMonitor",
    "Buffering",
    "Bulk",
    "Busy",
    "Client",
    "Conflict",
    "Deployment",
    "Invalid",
    "InvalidPrediction",
    "JobFailed",
    "Listing",
    "Loss",
    "MissingExtra",
    "MissingScope",
    "MonitorClosed",
    "NotConfigured",
    "NotFlushed",
    "NotFound",
    "NotThere",
    "Options",
    "Predicted",
    "Prediction",
    "Record",
    "Rejected",
    "Report",
    "Retry",
    "Review",
    "ReviewShapes",
    "ServerFault",
    "SightloopError",
    "SpoolUnusable",
    "TooLarge",
    "Training",
    "UnknownLabel",
    "Unreachable",
    "UnreadableImage",
    "Uploaded",
    "classification",
    "detections",
    "from_torchvision",
    "segmentation",
    "to_prediction",
]
