"""The HTTP interface of serving."""

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel


class FormatDto(BaseModel):
    """A model's answer in the wire format; a classifier's has no boxes."""

    detection_classes: list[int]
    detection_scores: list[float]
    detection_boxes: list[tuple[float, float, float, float]] | None = None


class Predicted(BaseModel):
    """What the champion says. `latency`: seconds that the model took.

    `prediction_id` is the id under which it is logged; None where it is not (`monitor=false`).
    """

    prediction_id: UUID | None
    model_version: UUID
    latency: float
    prediction: FormatDto


class SeatState(StrEnum):
    """absent: loaded at the first prediction, as there are more deployments than may be loaded."""

    LOADED = "loaded"
    LOADING = "loading"
    FAILED = "failed"
    ABSENT = "absent"


class SeatDto(BaseModel):
    """A version in its role. `serving`: the version that answers meanwhile, None where none."""

    version: UUID
    state: SeatState
    error: str | None
    serving: UUID | None


class ServingDto(BaseModel):
    """What is loaded for a deployment in this process."""

    champion: SeatDto
    shadow: SeatDto | None
