"""What goes into a version, where it came from, and how two versions differ."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import msgspec
from pydantic import BaseModel, Field, model_validator
from sqlalchemy import RowMapping

from libs.query.reading import LONGEST
from libs.schemas.manifest import ManifestAsset
from services.feedback.core.contents import Difference, LabelShare
from services.feedback.dto.datasets import ShapesDto
from services.feedback.dto.values import Body


class JobAccepted(BaseModel):
    """Long work was accepted."""

    job: UUID


class AdditionBody(Body):
    """Images of the Datalake: those named, or all that a query over it finds."""

    images: Annotated[list[UUID], Field(min_length=1, max_length=10_000)] | None = None
    q: Annotated[str, Field(max_length=LONGEST)] | None = None

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if (self.images is None) == (self.q is None):
            raise ValueError("give either images or q")
        return self


class OriginDto(BaseModel):
    """Assets of one origin. `deployment` null: imported or added by hand; `reviewer` null also
    for what was submitted before reviewers were noted down."""

    deployment: UUID | None
    reviewer: str | None
    assets: int
    annotated: int
    first: datetime
    last: datetime


class ProvenanceDto(BaseModel):
    """Where a version's assets come from, the most first. `base`, `query`: it was copied."""

    base: UUID | None
    query: str | None
    items: list[OriginDto]


class LabelShareDto(BaseModel):
    """Shapes of a label in both versions, and their share of all shapes (null: there are none)."""

    label: str
    before: int
    after: int
    before_share: float | None
    after_share: float | None


class DifferenceDto(BaseModel):
    """How `base` became this version, in pictures."""

    added: int
    removed: int
    changed: int
    same: int
    equal: bool
    labels: list[LabelShareDto]


class ChangedDto(BaseModel):
    """A picture that is other than in `base`. `asset`: in the version that has it (null: it has
    left that too since); `before`, `after` null: not there, or not annotated."""

    asset: UUID | None
    data: UUID
    filename: str
    width: int
    height: int
    before: ShapesDto | None
    after: ShapesDto | None


def origin_dto(row: RowMapping) -> OriginDto:
    return OriginDto.model_validate(dict(row))


def difference_dto(found: Difference, shares: Sequence[LabelShare]) -> DifferenceDto:
    return DifferenceDto(
        added=found.added,
        removed=found.removed,
        changed=found.changed,
        same=found.same,
        equal=not (found.added or found.removed or found.changed),
        labels=[LabelShareDto(**asdict(one)) for one in shares],
    )


def changed_dto(
    before: ManifestAsset | None, after: ManifestAsset | None, *, asset: UUID | None
) -> ChangedDto:
    shown = after or before
    assert shown is not None
    return ChangedDto(
        asset=asset,
        data=shown.data,
        filename=shown.filename,
        width=shown.width,
        height=shown.height,
        before=_shapes(before),
        after=_shapes(after),
    )


def _shapes(asset: ManifestAsset | None) -> ShapesDto | None:
    if asset is None or asset.annotation is None:
        return None
    return ShapesDto.model_validate(msgspec.to_builtins(asset.annotation))
