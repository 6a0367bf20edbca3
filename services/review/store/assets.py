"""Predicted assets as the existing client lists them: with a picture, by offset or by place."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, func, select, tuple_

from libs.store.session import Read
from services.review.tables import prediction

Place = tuple[datetime, UUID]


class Order(StrEnum):
    """What assets are ordered by; the client knows our columns by other names."""

    TIME = "time"
    FILENAME = "filename"
    LATENCY = "latency"
    OUTLIER = "outlier"
    STATUS = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which assets; None: any. All that is given holds."""

    ids: Collection[UUID] | None = None
    data: UUID | None = None
    filename: str | None = None
    query: ColumnElement[Any] | None = None
    with_picture: bool = True


ALL = Wanted()


_COLUMNS: dict[Order, ColumnElement[Any]] = {
    Order.TIME: prediction.c.event_time,
    Order.FILENAME: prediction.c.filename,
    Order.LATENCY: prediction.c.latency,
    Order.OUTLIER: prediction.c.outlier,
    Order.STATUS: prediction.c.status,
}


async def page(
    read: Read,
    organization: UUID,
    deployment: UUID,
    wanted: Wanted = ALL,
    *,
    after: Place | None,
    offset: int,
    limit: int,
) -> list[RowMapping]:
    """Assets, newest first, behind a place; one more than `limit`."""
    query = select(prediction).where(*_conditions(organization, deployment, wanted))
    if after is not None:
        query = query.where(tuple_(prediction.c.event_time, prediction.c.id) < after)
    query = query.order_by(prediction.c.event_time.desc(), prediction.c.id.desc())
    return await read.all(query.offset(offset).limit(limit + 1))


async def ordered(
    read: Read,
    organization: UUID,
    deployment: UUID,
    wanted: Wanted = ALL,
    *,
    orders: Collection[tuple[Order, bool]],
    offset: int,
    limit: int,
) -> list[RowMapping]:
    """Assets by some columns, each with whether it descends."""
    query = select(prediction).where(*_conditions(organization, deployment, wanted))
    for order, descending in orders:
        column = _COLUMNS[order]
        query = query.order_by(column.desc().nulls_last() if descending else column.nulls_last())
    return await read.all(query.order_by(prediction.c.id).offset(offset).limit(limit))


async def count(read: Read, organization: UUID, deployment: UUID, wanted: Wanted = ALL) -> int:
    """How many assets there are."""
    query = select(func.count()).where(*_conditions(organization, deployment, wanted))
    return int(await read.scalar(query) or 0)


async def matching(
    read: Read, organization: UUID, deployment: UUID, wanted: Wanted, *, limit: int
) -> list[RowMapping]:
    """Those that are wanted, newest first, `limit` at most."""
    query = select(prediction).where(*_conditions(organization, deployment, wanted))
    query = query.order_by(prediction.c.event_time.desc(), prediction.c.id.desc())
    return await read.all(query.limit(limit))


async def deployment_with(
    read: Read, organization: UUID, deployments: Collection[UUID], asset: UUID
) -> UUID | None:
    """Which of the deployments has an asset: its own id says nothing of it."""
    found: UUID | None = await read.scalar(
        select(prediction.c.deployment)
        .where(
            prediction.c.organization == organization,
            prediction.c.deployment.in_(deployments),
            prediction.c.id == asset,
            prediction.c.has_picture,
        )
        .limit(1)
    )
    return found


def _conditions(organization: UUID, deployment: UUID, wanted: Wanted) -> list[ColumnElement[bool]]:
    found = [
        prediction.c.organization == organization,
        prediction.c.deployment == deployment,
    ]
    if wanted.with_picture:
        found.append(prediction.c.has_picture.is_(True))
    if wanted.ids is not None:
        found.append(prediction.c.id.in_(wanted.ids))
    if wanted.data is not None:
        found.append(prediction.c.data == wanted.data)
    if wanted.filename is not None:
        found.append(prediction.c.filename == wanted.filename)
    if wanted.query is not None:
        found.append(wanted.query)
    return found
