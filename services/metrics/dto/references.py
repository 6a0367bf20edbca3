"""What live images are compared with, and how one feature of both is distributed."""

from uuid import UUID

from pydantic import BaseModel, Field, model_validator


class ReferenceDto(BaseModel):
    """What live images are compared with, and how far its computation is.

    `origin`: dataset, champion (what it was trained on) or production (its first images).
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
