"""What live images are compared with, and how one feature of both is distributed."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from services.metrics.core.backbone import Scaling


class ReferenceDto(BaseModel):
    """What live images are compared with, and how far its computation is.

    `origin`: dataset, champion (what it was trained on) or production (its first images).
    `backbone`: the user's own network that embeds its images, and so outlier scores and drift are
    of; null: the built-in one.
    """

    state: str
    dataset_version: UUID | None
    done: int
    total: int
    images: int
    error: str | None
    job: UUID | None
    origin: str | None
    pinned: bool
    backbone: "BackboneRef | None"


class BackboneRef(BaseModel):
    """A backbone by its name, which a removed one keeps here."""

    id: UUID
    name: str


class BackboneDto(BaseModel):
    """A user's own network that embeds images. `features`: values of an image; `size` in bytes."""

    id: UUID
    name: str
    scaling: Scaling
    features: int
    size: int
    sha256: str
    created: datetime


class BackbonesDto(BaseModel):
    """The backbones of an organisation, in the order made."""

    items: list[BackboneDto]


class BackboneChoice(BaseModel):
    """Which backbone a deployment's references are made with; null: the built-in net."""

    backbone: UUID | None


class BackboneChosen(BackboneChoice):
    """The choice; `job` makes the reference anew, where there is one of another backbone."""

    job: UUID | None = None


class TrainingDataBody(BaseModel):
    """What live images are compared with: a dataset version, or where there is none the first so
    many images of production. `pinned`: a new champion does not bring its own."""

    dataset_version: UUID | None = None
    production_images: int | None = Field(default=None, ge=8, le=4000)
    pinned: bool = False

    @model_validator(mode="after")
    def _one(self) -> "TrainingDataBody":
        if (self.dataset_version is None) == (self.production_images is None):
            raise ValueError("give either dataset_version or production_images")
        return self


class JobAccepted(BaseModel):
    """Long work was asked for."""

    job: UUID


class CurveDto(BaseModel):
    """A distribution function: the share `f` at or below each `x`."""

    x: list[float]
    f: list[float]


class DriftCurvesDto(BaseModel):
    """Both distributions of one feature."""

    feature: str
    live: CurveDto
    reference: CurveDto
    d: float
    threshold: float
