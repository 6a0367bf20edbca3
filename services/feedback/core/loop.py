"""A deployment's feedback loop, and what becomes of a submission."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """Where a deployment's reviews go. `automatic`: each as soon as it is saved."""

    active: bool = False
    automatic: bool = False
    dataset_versions: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a review in a version: `asset`, or why not. None: no version was named."""

    deployment: UUID
    prediction: UUID
    revision: int
    dataset_version: UUID | None
    asset: UUID | None = None
    refused: str | None = None
