"""Lists of predictions: filters, orders, places. Every order is an index's: no sort, no OFFSET."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import eq, ge, lt
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    RowMapping,
    Select,
    and_,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.values import DeployedModel
from libs.store.session import Read, Tx
from services.review.core.columns import label_bits, label_words, shuffle_start
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


class LabelUnknown(Exception):
    """No version of the deployment ever had this label. `known`: those it has."""

    def __init__(self, label: str, known: Sequence[str]) -> None:
        super().__init__(f"{label[:100]!r} is no label; there are {', '.join(known)[:500]}")


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
    conditions = [
        prediction.c.organization == organization,
        prediction.c.deployment == deployment,
        *_columns(filters),
    ]
    if filters.label is not None:
        labelmaps = await _labelmaps(read, organization, deployment)
        conditions.append(_has_label(filters.label, labelmaps, champion))
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


async def _labelmaps(read: Read, organization: UUID, deployment: UUID) -> dict[UUID, list[str]]:
    rows = await read.all(
        select(labelmap.c.version, labelmap.c.labels).where(
            labelmap.c.organization == organization, labelmap.c.deployment == deployment
        )
    )
    return {row["version"]: row["labels"] for row in rows}


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


def _has_label(
    label: str, labelmaps: Mapping[UUID, Sequence[str]], champion: DeployedModel
) -> Column:
    known = {champion.version: champion.labels} | dict(labelmaps)
    bits = label_bits(label, known)
    if not bits:
        raise LabelUnknown(label, champion.labels)
    conditions = [and_(prediction.c.version == b.version, _bit(b.word, b.bit)) for b in bits]
    for b in bits:
        if b.version == champion.version:
            stranger = prediction.c.version.not_in(known)
            conditions.append(and_(stranger, _bit(b.word, b.bit)))
    return or_(*conditions)


def _bit(word: int, bit: int) -> Column:
    # `<> 0`, not `= mask`: the planner takes equality with an expression for rare (0.5 %) and
    # then sorts the whole deployment instead of walking an index for one page.
    held: Column = prediction.c.labels[word + 1]
    return held.bitwise_and(literal(label_words([bit])[0], BigInteger)) != 0


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
