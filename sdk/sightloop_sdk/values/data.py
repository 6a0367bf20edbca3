"""The Datalake, datasets and their versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sightloop_sdk.values.base import Value
from sightloop_sdk.values.predictions import ReviewShapes


class Data(Value, frozen=True, kw_only=True):
    """An image of the Datalake."""

    id: UUID
    filename: str
    content_type: str
    width: int
    height: int
    source: str
    tags: list[str]
    metadata: dict[str, Any]
    created: datetime
    has_picture: bool


class Dataset(Value, frozen=True, kw_only=True):
    """A dataset."""

    id: UUID
    name: str
    description: str
    created: datetime


class DatasetVersion(Value, frozen=True, kw_only=True):
    """A version of a dataset. Numbers and digest are of its last settled content."""

    id: UUID
    dataset: UUID
    dataset_name: str
    version: str
    type: str
    labels: list[str]
    assets: int
    annotated: int
    objects_per_label: dict[str, int]
    digest: str | None
    settled: bool
    created: datetime


class Asset(Value, frozen=True, kw_only=True):
    """An image of a dataset version. `annotation` None: nobody has annotated it."""

    id: UUID
    data: UUID
    filename: str
    width: int
    height: int
    annotation: ReviewShapes | None


class Difference(Value, frozen=True, kw_only=True):
    """How one version became another, in pictures."""

    added: int
    removed: int
    changed: int
    same: int
    equal: bool
