"""Lists of predictions: filters, orders, places. Every order is an index's: no sort, no OFFSET."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import eq, ge, lt
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert

from libs.query.tree import Expression
from libs.schemas.values import DeployedModel
from libs.store.session import Read, Tx
from services.review.core.columns import shuffle_start
from services.review.store.asking import condition, has, labelmaps
from services.review.tables import labelmap, prediction

Column = ColumnElement[Any]


class Sort(StrEnum):
    DATE = "date"
    NAME = "name"
    OUTLIER = "outlier"
    RANDOM = "random"


class Direction(StrEnum):
    ASC = "asc"
    DESC = "desc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What is listed; None: anything. `since` ≤ event time < `until`."""

    status: str | None = None
    label: str | None = None
    outlier_min: float | None = None
    boxes_min: int | None = None
    has_picture: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    query: Expression | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Behind which row a page begins: the segment of the order, its value, the row's id."""

    segment: int
    value: Any
    id: UUID


@dataclass(frozen=True, slots=True)
class _Segment:
    """A part of an order that one index gives: `value` of rows that fulfil `where`."""

    value: Column | None
    descending: bool
    where: Column | None = None

    def ordered(self, query: Select[Any], after: Place | None) -> Select[Any]:
        columns = [prediction.c.id] if self.value is None else [self.value, prediction.c.id]
        if self.where is not None:
            query = query.where(self.where)
        if after is not None:
            place = tuple_(*columns)
            values = (after.id,) if self.value is None else (after.value, after.id)
            query = query.where(place < values if self.descending else place > values)
        return query.order_by(*(c.desc() if self.descending else c.asc() for c in columns))


async def page(
    read: Read,
    organization: UUID,
    deployment: UUID,
    *,
    filters: Filters,
    champion: DeployedModel,
    sort: Sort,
    direction: Direction,
    seed: int,
    after: Place | None,
    limit: int,
) -> list[RowMapping]:
    """Rows with their `segment`, one more than `limit`.

    `champion`: whose labelmap reads the masks of versions that were never deployed.

    Raises:
        LabelUnknown: the filter's label.
    """
    conditions = await conditions_of(read, organization, deployment, filters, champion)
    found: list[RowMapping] = []
    for number, segment in enumerate(_segments(sort, direction, seed)):
        if after is not None and number < after.segment:
            continue
        query = select(prediction, literal(number).label("segment")).where(*conditions)
        behind = after if after is not None and after.segment == number else None
        query = segment.ordered(query, behind).limit(limit + 1 - len(found))
        found += await read.all(query)
        if len(found) > limit:
            break
    return found


async def count(
    read: Read, organization: UUID, deployment: UUID, *, filters: Filters, champion: DeployedModel
) -> int:
    """How many predictions the filters find. Raises LabelUnknown."""
    conditions = await conditions_of(read, organization, deployment, filters, champion)
    found: int = await read.scalar(select(func.count()).select_from(prediction).where(*conditions))
    return found


async def conditions_of(
    read: Read, organization: UUID, deployment: UUID, filters: Filters, champion: DeployedModel
) -> list[Column]:
    """What a row that the filters find fulfils. Raises LabelUnknown."""
    found = [
        prediction.c.organization == organization,
        prediction.c.deployment == deployment,
        *_columns(filters),
    ]
    if filters.label is None and filters.query is None:
        return found
    known = await labelmaps(read, organization, deployment, champion)
    if filters.label is not None:
        found.append(has(filters.label, known, champion))
    if filters.query is not None:
        found.append(condition(filters.query, known, champion))
    return found


def value_of(row: RowMapping, sort: Sort) -> Any:
    """What a cursor remembers of a row beside its segment and id."""
    match sort:
        case Sort.DATE:
            return row["event_time"]
        case Sort.NAME:
            return row["filename"]
        case Sort.OUTLIER:
            return row["outlier"]
        case Sort.RANDOM:
            return row["shuffle"]


async def counts(read: Read, organization: UUID, deployment: UUID) -> dict[str | None, int]:
    """How many predictions have each status; None: without a picture."""
    rows = await read.all(
        select(prediction.c.status, func.count().label("n"))
        .where(prediction.c.organization == organization, prediction.c.deployment == deployment)
        .group_by(prediction.c.status)
    )
    return {row["status"]: row["n"] for row in rows}


async def learn_labels(
    tx: Tx, organization: UUID, deployment: UUID, labelmaps: Mapping[UUID, Sequence[str]]
) -> bool:
    """Remember the labelmaps of versions; a version's never changes. True: one was new."""
    rows = [
        {
            "organization": organization,
            "deployment": deployment,
            "version": version,
            "labels": list(labels),
        }
        for version, labels in labelmaps.items()
    ]
    known = insert(labelmap).values(rows).on_conflict_do_nothing()
    return (await tx.execute(known.returning(labelmap.c.version))).first() is not None


def _columns(filters: Filters) -> list[Column]:
    asked: list[tuple[object, Column, Callable[[Any, Any], Column]]] = [
        (filters.status, prediction.c.status, eq),
        (filters.outlier_min, prediction.c.outlier, ge),
        (filters.boxes_min, prediction.c.boxes, ge),
        (filters.has_picture, prediction.c.has_picture, eq),
        (filters.since, prediction.c.event_time, ge),
        (filters.until, prediction.c.event_time, lt),
    ]
    return [compare(column, value) for value, column, compare in asked if value is not None]


def _segments(sort: Sort, direction: Direction, seed: int) -> tuple[_Segment, ...]:
    descending = direction is Direction.DESC
    match sort:
        case Sort.DATE:
            return (_Segment(prediction.c.event_time, descending),)
        case Sort.NAME:
            return (_Segment(prediction.c.filename, descending),)
        case Sort.OUTLIER:
            # Those without a score come last, whatever the direction.
            scored = prediction.c.outlier
            return (
                _Segment(scored, descending, scored.is_not(None)),
                _Segment(None, descending, scored.is_(None)),
            )
        case Sort.RANDOM:
            # One circle of random numbers, entered at the seed's place.
            start = shuffle_start(seed)
            shuffle = prediction.c.shuffle
            return (
                _Segment(shuffle, False, shuffle >= start),
                _Segment(shuffle, False, shuffle < start),
            )
