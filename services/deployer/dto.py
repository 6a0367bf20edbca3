"""The HTTP interface of the deployer."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from libs.schemas.values import TaskType
from services.deployer.core.policy import Bursts, Delivery, Policy, Verdict
from services.deployer.core.verdict import Recent

Name = Annotated[str, Field(min_length=1, max_length=200)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Days = Annotated[int, Field(ge=1, le=36_500)]
_USUAL = Policy()


class Body(BaseModel):
    """A request's body: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("name", check_fields=False)
    @classmethod
    def _stripped(cls, name: str | None) -> str | None:
        if name is not None and not name.strip():
            raise ValueError("a name needs a visible character")
        return name.strip() if name is not None else None

    @model_validator(mode="after")
    def _storable(self) -> Self:
        """PostgreSQL holds every character but one."""
        if "\\u0000" in self.model_dump_json():
            raise ValueError("a text contains the character U+0000")
        return self


class NewModel(Body):
    """A model to be."""

    name: Name
    type: TaskType


class ModelDto(BaseModel):
    """A model; `versions` is how many it has had."""

    id: UUID
    name: str
    type: TaskType
    versions: int
    created: datetime


class TrainingData(Body):
    """A dataset version that a model was trained on."""

    alias: Name
    dataset_version: UUID


class NewVersionBody(Body):
    """The part `version` of an upload. `threshold`: by default the file's own."""

    name: Name | None = None
    labels: list[str] | None = Field(default=None, max_length=10_000)
    parameters: dict[str, Any] = {}
    trained_on: list[TrainingData] = Field(default=[], max_length=100)
    threshold: Share | None = None


class FromExperiment(Body):
    """The experiment to publish."""

    experiment: UUID


class FileDto(BaseModel):
    """A file of a version; `model-latest` is the ONNX file."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    sha256: str
    size: int


class TrainedOnDto(BaseModel):
    """A dataset version as it was when the model was trained on it."""

    model_config = ConfigDict(from_attributes=True)

    alias: str
    dataset_version: UUID
    digest: str


class VersionDto(BaseModel):
    """A model version."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    model: UUID
    name: str
    number: int
    type: TaskType
    framework: str
    labels: list[str]
    files: list[FileDto]
    parameters: dict[str, Any]
    trained_on: list[TrainedOnDto]
    threshold: float
    experiment: UUID | None
    created: datetime


class NewDeployment(Body):
    """A deployment to be. `threshold`: by default the model's own."""

    name: Name
    model_version: UUID
    threshold: Share | None = None
    shadow_model_version: UUID | None = None
    sample_rate: Share = 1.0
    retention_days: Days | None = None


class DeploymentChange(Body):
    """What is given is changed; `retention_days` null keeps for ever."""

    name: Name | None = None
    threshold: Share | None = None
    sample_rate: Share | None = None
    retention_days: Days | None = None


class RoleDto(BaseModel):
    """A model version in its role. `error`: why serving could not load it."""

    version: UUID
    model: UUID
    name: str
    number: int
    labels: list[str]
    threshold: float
    error: str | None


class VerdictPolicy(Body):
    """How a candidate is judged; fixed by the first look at it.

    `block`: which images come in one burst: `source`, `metadata.<key>`, `custom_metadata.<key>`,
    a window such as `60s`, or both: `metadata.truck 60s`.
    """

    alpha: float = Field(default=_USUAL.alpha, allow_inf_nan=False)
    delta: float = Field(default=_USUAL.delta, allow_inf_nan=False)
    minimum: int = _USUAL.minimum
    maximum: int = _USUAL.maximum
    uniform: float = Field(default=_USUAL.uniform, allow_inf_nan=False)
    block: str | None = Field(default=None, max_length=200)

    def policy(self) -> Policy:
        """Raises PolicyRefused."""
        return Policy(
            alpha=self.alpha,
            delta=self.delta,
            minimum=self.minimum,
            maximum=self.maximum,
            uniform=self.uniform,
            block=Bursts.read(self.block) if self.block else None,
        )


class DeliveryDto(Body):
    """What becomes of a retrained model."""

    active: bool
    policy: Delivery
    verdict: VerdictPolicy = VerdictPolicy()


class DeploymentDto(BaseModel):
    """A deployment. `warnings`: what its owner should act on."""

    id: UUID
    name: str
    type: TaskType
    state: str
    threshold: float
    sample_rate: float
    retention_days: int | None
    champion: RoleDto
    shadow: RoleDto | None
    delivery: DeliveryDto
    can_roll_back: bool
    warnings: list[str]
    revision: int
    created: datetime


class ShadowBody(Body):
    """The version to run beside the champion."""

    model_version: UUID


class RolloutDto(BaseModel):
    """A model version was put in a role, or taken out of it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    action: str
    version: UUID
    previous: UUID | None
    reason: str
    actor: str
    time: datetime


class LookDto(BaseModel):
    """A look that was logged; `n` reviews counted."""

    n: int
    time: datetime
    mean: float
    low: float
    high: float
    e_better: float
    e_worse: float
    e_not_worse: float


class Waiting(BaseModel):
    """Images that were drawn and do not count yet, or never will."""

    unanswered: int
    skipped: int


class VerdictDto(BaseModel):
    """Champion against shadow, as of the last look."""

    candidate: UUID
    champion: UUID
    since: datetime
    sentence: str
    reviews: int
    mean_difference: float
    low: float
    high: float
    e_better: float
    e_worse: float
    e_not_worse: float
    alpha: float
    delta: float
    minimum: int
    maximum: int
    uniform: float
    action: str
    reached: Verdict | None
    reached_time: datetime | None
    recent: Recent | None
    looks: list[LookDto]
    waiting: Waiting
    warnings: list[str]


def verdict_policy(policy: Policy) -> VerdictPolicy:
    """A policy as the interface shows it."""
    return VerdictPolicy(
        alpha=policy.alpha,
        delta=policy.delta,
        minimum=policy.minimum,
        maximum=policy.maximum,
        uniform=policy.uniform,
        block=str(policy.block) if policy.block else None,
    )
