"""Images as the existing client lists them: by offset or by place, by names or by a query."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Text, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY

from libs.query.sql import where
from libs.query.tree import Expression
from libs.store.session import Read, Tx
from services.ingest.tables import data

_COLUMNS: dict[str, ColumnElement[Any]] = {"created_at": data.c.event_time, "filename": data.c.filename}  # noqa: E501  # fmt: skip
ORDERS = tuple(_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which images; None: any. All that is given holds."""

    ids: Collection[UUID] | None = None
    filenames: Collection[str] | None = None
    keys: Collection[str] | None = None
    query: Expression | None = None


async def page(
    read: Read,
    organization: UUID,
    wanted: Wanted,
    *,
    after: tuple[datetime, UUID] | None,
    offset: int,
    limit: int,
) -> list[RowMapping]:
    """Images, newest first, behind a place; one more than `limit`."""
    query = select(data).where(*_conditions(organization, wanted))
    if after is not None:
        query = query.where(tuple_(data.c.event_time, data.c.id) < after)
    query = query.order_by(data.c.event_time.desc(), data.c.id.desc())
    return await read.all(query.offset(offset).limit(limit + 1))


async def ordered(
    read: Read,
    organization: UUID,
    wanted: Wanted,
    *,
    orders: Sequence[tuple[str, bool]],
    offset: int,
    limit: int,
) -> list[RowMapping]:
    """Images by some of ORDERS, each with whether it descends."""
    query = select(data).where(*_conditions(organization, wanted))
    for name, descending in orders:
        query = query.order_by(_COLUMNS[name].desc() if descending else _COLUMNS[name])
    return await read.all(query.order_by(data.c.id).offset(offset).limit(limit))


async def count(read: Read, organization: UUID, wanted: Wanted) -> int:
    """How many images there are."""
    query = select(func.count()).where(*_conditions(organization, wanted))
    return int(await read.scalar(query) or 0)


async def change(tx: Tx, organization: UUID, image: UUID, **values: Any) -> RowMapping | None:
    """Change an image's metadata; None where there is no such image."""
    changed = await tx.execute(
        update(data)
        .where(data.c.organization == organization, data.c.id == image)
        .values(**values)
        .returning(data)
    )
    return changed.mappings().first()


def _conditions(organization: UUID, wanted: Wanted) -> list[ColumnElement[bool]]:
    found = [data.c.organization == organization, data.c.picture_key.is_not(None)]
    if wanted.ids is not None:
        found.append(data.c.id.in_(wanted.ids))
    if wanted.filenames is not None:
        found.append(data.c.filename.in_(wanted.filenames))
    if wanted.keys is not None:
        # A key is named by its content, which has an index.
        stems = {PurePosixPath(key).stem for key in wanted.keys}
        found += [data.c.picture_sha256.in_(stems), data.c.picture_key.in_(wanted.keys)]
    if wanted.query is not None:
        found.append(_asked(wanted.query))
    return found


def _asked(wanted: Expression) -> ColumnElement[bool]:
    def tagged(name: str | None) -> ColumnElement[Any]:
        if name is None:
            return func.cardinality(data.c.tags) == 0
        return data.c.tags.contains(literal([name], ARRAY(Text)))

    return where(
        wanted,
        {
            "id": data.c.id,
            "filename": data.c.filename,
            "content_type": data.c.content_type,
            "width": data.c.width,
            "height": data.c.height,
            "source": data.c.source,
            "tags": tagged,
            "created_at": data.c.event_time,
        },
    )
