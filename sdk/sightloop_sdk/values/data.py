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


class Place(Value, frozen=True, kw_only=True):
    """A folder or a bucket of the server's that images may be registered from."""

    name: str
    kind: str


class Registration(Value, frozen=True, kw_only=True):
    """Images that the server takes from a place of its own. `id` is its job's.

    Of `total` files some were `added`, some were there (`duplicates`), some are no pictures by
    their names (`passed_over`), some `failed`.
    """

    id: UUID
    place: str
    path: str
    state: str
    message: str
    error: str | None
    total: int | None
    added: int
    duplicates: int
    passed_over: int
    failed: int
    created: datetime
    finished: datetime | None


class RegistrationError(Value, frozen=True, kw_only=True):
    """A file that could not be taken, and why."""

    name: str
    error: str


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
