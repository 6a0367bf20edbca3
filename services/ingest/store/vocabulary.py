"""Names of tags and sources: those that were made, and those that images have."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import DataChanged
from libs.schemas.ids import derived
from libs.store.session import Read, Tx
from services.ingest.tables import data, vocabulary


class Kind(StrEnum):
    TAG = "tag"
    SOURCE = "source"


def name_id(kind: Kind, organization: UUID, name: str) -> UUID:
    """The id of a name: the same whoever makes it."""
    return derived(f"data {kind}", organization, name)


async def add_name(tx: Tx, organization: UUID, kind: Kind, name: str) -> UUID:
    """Make a name; one that is there stays."""
    made = name_id(kind, organization, name)
    row = insert(vocabulary).values(
        organization=organization, kind=kind, name=name, id=made, created=tx.clock.now()
    )
    await tx.execute(row.on_conflict_do_nothing())
    return made


async def has_name(read: Read, organization: UUID, kind: Kind, name: str) -> bool:
    """Whether somebody has made the name."""
    found = select(vocabulary.c.id).where(
        vocabulary.c.organization == organization,
        vocabulary.c.kind == kind,
        vocabulary.c.name == name,
    )
    return await read.scalar(found) is not None


async def names(read: Read, organization: UUID, kind: Kind) -> list[str]:
    """Every name, made or in use, in order."""
    made = select(vocabulary.c.name).where(
        vocabulary.c.organization == organization, vocabulary.c.kind == kind
    )
    column = func.unnest(data.c.tags) if kind is Kind.TAG else data.c.source
    used = select(column).where(data.c.organization == organization).distinct()
    return sorted(str(row["name"]) for row in await read.all(made.union(used)))


async def names_of(read: Read, organization: UUID, kind: Kind, ids: set[UUID]) -> dict[UUID, str]:
    """The names of some ids; images are asked only for those that nobody has made."""
    rows = await read.all(
        select(vocabulary.c.id, vocabulary.c.name).where(
            vocabulary.c.organization == organization,
            vocabulary.c.kind == kind,
            vocabulary.c.id.in_(ids),
        )
    )
    found: dict[UUID, str] = {row["id"]: row["name"] for row in rows}
    if ids - found.keys():
        for name in await names(read, organization, kind):
            known = name_id(kind, organization, name)
            if known in ids:
                found[known] = name
    return found


async def tag(
    tx: Tx, organization: UUID, name: str, images: list[UUID], *, attach: bool
) -> set[UUID]:
    """Give images a tag, or take it from them, and tell it; returns those that changed."""
    has = data.c.tags.contains([name])
    changed = await tx.execute(
        update(data)
        .where(data.c.organization == organization, data.c.id.in_(images), ~has if attach else has)
        .values(
            revision=data.c.revision + 1,
            tags=func.array_append(data.c.tags, name)
            if attach
            else func.array_remove(data.c.tags, name),
        )
        .returning(data.c.id, data.c.revision, data.c.source, data.c.tags)
    )
    rows = changed.mappings().all()
    for row in rows:
        await tx.emit(
            DataChanged(
                data=row["id"], revision=row["revision"], source=row["source"], tags=row["tags"]
            ),
            organization=organization,
        )
    return {row["id"] for row in rows}
