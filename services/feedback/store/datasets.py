"""Datasets and their versions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, Select, case, func, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import DatasetVersionChanged, State
from libs.schemas.ids import uuid7
from libs.schemas.values import TaskType
from libs.store.session import Read, Tx
from services.feedback.core.agreement import Labelled
from services.feedback.core.contents import Counts
from services.feedback.errors import DatasetUnknown, NameTaken, VersionFrozen, VersionUnknown
from services.feedback.tables import dataset, dataset_version

Before = tuple[datetime, UUID] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a version's content is at the change `content`."""

    content: int
    digest: str
    manifest: str
    counts: Counts


async def add_dataset(tx: Tx, organization: UUID, *, name: str, description: str) -> RowMapping:
    """Raises NameTaken."""
    now = tx.clock.now()
    made = await tx.execute(
        insert(dataset)
        .values(
            id=uuid7(now), organization=organization, name=name, description=description,
            created=now,
        )
        .on_conflict_do_nothing(constraint="dataset_name")
        .returning(dataset)
    )  # fmt: skip
    row = made.mappings().first()
    if row is None:
        raise NameTaken(f'there is a dataset "{name}" already')
    return row


async def list_datasets(
    read: Read, organization: UUID, *, before: Before, limit: int
) -> list[RowMapping]:
    """Newest first, one more than `limit`."""
    query = select(dataset).where(dataset.c.organization == organization)
    if before is not None:
        query = query.where(tuple_(dataset.c.created, dataset.c.id) < before)
    order = dataset.c.created.desc(), dataset.c.id.desc()
    return await read.all(query.order_by(*order).limit(limit + 1))


async def find_dataset(read: Read, organization: UUID, dataset_id: UUID) -> RowMapping:
    """Raises DatasetUnknown."""
    row = await read.first(
        select(dataset).where(dataset.c.organization == organization, dataset.c.id == dataset_id)
    )
    if row is None:
        raise DatasetUnknown(f"there is no dataset {dataset_id}")
    return row


async def add_version(
    tx: Tx,
    organization: UUID,
    dataset_id: UUID,
    *,
    version: str,
    type: TaskType,  # noqa: A002
    labels: list[str],
    base: UUID | None = None,
    query: str | None = None,
) -> RowMapping:
    """Make an empty version and tell it. `base`, `query`: what will be copied into it.

    Raises:
        DatasetUnknown, NameTaken.
    """
    owner = await find_dataset(tx, organization, dataset_id)
    now = tx.clock.now()
    made = await tx.execute(
        insert(dataset_version)
        .values(
            id=uuid7(now), organization=organization, dataset=dataset_id, version=version,
            type=type, labels=labels, revision=0, content=1, settled=0, dirty=now, changed=now,
            objects_per_label=dict.fromkeys(labels, 0), created=now, base=base, query=query,
        )
        .on_conflict_do_nothing(constraint="dataset_version_name")
        .returning(dataset_version.c.id)
    )  # fmt: skip
    new = made.scalar()
    if new is None:
        raise NameTaken(f'{owner["name"]} has a version "{version}" already')
    await tell(tx, organization, new)
    return await find_version(tx, organization, new)


async def list_versions(
    read: Read,
    organization: UUID,
    *,
    before: Before,
    limit: int,
    dataset_id: UUID | None = None,
    type: TaskType | None = None,  # noqa: A002
) -> list[RowMapping]:
    """Newest first, one more than `limit`; of one dataset or type where it is named."""
    query = _versions(organization)
    if dataset_id is not None:
        query = query.where(dataset_version.c.dataset == dataset_id)
    if type is not None:
        query = query.where(dataset_version.c.type == type)
    if before is not None:
        query = query.where(tuple_(dataset_version.c.created, dataset_version.c.id) < before)
    order = dataset_version.c.created.desc(), dataset_version.c.id.desc()
    return await read.all(query.order_by(*order).limit(limit + 1))


async def find_version(
    read: Read, organization: UUID, version: UUID, *, lock: bool = False
) -> RowMapping:
    """A version with its `dataset_name`. `lock`: nobody else changes it. Raises VersionUnknown."""
    query = _versions(organization).where(dataset_version.c.id == version)
    if lock:
        query = query.with_for_update(of=dataset_version)
    row = await read.first(query)
    if row is None:
        raise VersionUnknown(version)
    return row


async def open_version(tx: Tx, organization: UUID, version: UUID) -> RowMapping:
    """A version that is about to change; nobody else changes it.

    Raises:
        VersionUnknown, VersionFrozen.
    """
    row = await find_version(tx, organization, version, lock=True)
    if row["frozen"] is not None:
        raise VersionFrozen(labelled(row).name)
    return row


async def freeze(tx: Tx, organization: UUID, version: UUID) -> RowMapping:
    """Let a version change no more; again, it stays as it is. Raises VersionUnknown."""
    await find_version(tx, organization, version, lock=True)
    await tx.execute(
        update(dataset_version)
        .where(
            dataset_version.c.organization == organization,
            dataset_version.c.id == version,
            dataset_version.c.frozen.is_(None),
        )
        .values(frozen=tx.clock.now())
    )
    return await find_version(tx, organization, version)


async def find_versions(
    read: Read, organization: UUID, versions: Iterable[UUID], *, lock: bool = False
) -> Mapping[UUID, RowMapping]:
    """Those of the versions that there are. `lock`: nobody else changes them."""
    query = _versions(organization).where(dataset_version.c.id.in_(list(versions)))
    if lock:
        query = query.order_by(dataset_version.c.id).with_for_update(of=dataset_version)
    return {row["id"]: row for row in await read.all(query)}


async def name_labels(tx: Tx, organization: UUID, version: UUID, labels: list[str]) -> None:
    """Give a version without labels the ones it will have for good."""
    await tx.execute(
        update(dataset_version)
        .where(
            dataset_version.c.organization == organization,
            dataset_version.c.id == version,
            func.cardinality(dataset_version.c.labels) == 0,
        )
        .values(labels=labels)
    )


async def touch(tx: Tx, organization: UUID, version: UUID) -> None:
    """Say that the assets of a version have changed: it will be settled again."""
    now = tx.clock.now()
    await tx.execute(
        update(dataset_version)
        .where(dataset_version.c.organization == organization, dataset_version.c.id == version)
        .values(
            content=dataset_version.c.content + 1,
            changed=now,
            dirty=func.coalesce(dataset_version.c.dirty, now),
        )
    )


async def unsettled(read: Read, *, rested: datetime, waited: datetime) -> list[tuple[UUID, UUID]]:
    """(organisation, version) of what has rested since `rested` or waits since `waited`."""
    rows = await read.all(
        select(dataset_version.c.organization, dataset_version.c.id)
        .where(
            dataset_version.c.dirty.is_not(None),
            or_(dataset_version.c.changed <= rested, dataset_version.c.dirty <= waited),
        )
        .order_by(dataset_version.c.dirty)
        .limit(20)
    )
    return [(row["organization"], row["id"]) for row in rows]


async def write_settled(tx: Tx, organization: UUID, version: UUID, settled: Settled) -> bool:
    """Store and tell what a version holds; False where a later content has been settled."""
    row = await find_version(tx, organization, version, lock=True)
    if row["settled"] >= settled.content:
        return False
    now = tx.clock.now()
    await tx.execute(
        update(dataset_version)
        .where(dataset_version.c.organization == organization, dataset_version.c.id == version)
        .values(
            settled=settled.content,
            dirty=case((dataset_version.c.content > settled.content, literal(now))),
            digest=settled.digest,
            manifest=settled.manifest,
            assets=settled.counts.assets,
            annotated=settled.counts.annotated,
            objects_per_label=settled.counts.objects_per_label,
        )
    )
    if row["manifest"] != settled.manifest:
        await tell(tx, organization, version)
    return True


def labelled(row: RowMapping) -> Labelled:
    """A version as its name, type and labels."""
    return Labelled(
        name=f"{row['dataset_name']} {row['version']}",
        type=TaskType(row["type"]),
        labels=row["labels"],
    )


def _versions(organization: UUID) -> Select[tuple[object, ...]]:
    return (
        select(dataset_version, dataset.c.name.label("dataset_name"))
        .join(dataset, dataset.c.id == dataset_version.c.dataset)
        .where(dataset_version.c.organization == organization)
    )


async def tell(tx: Tx, organization: UUID, version: UUID) -> None:
    """Tell a version in full, at its next revision."""
    await tx.execute(
        update(dataset_version)
        .where(dataset_version.c.organization == organization, dataset_version.c.id == version)
        .values(revision=dataset_version.c.revision + 1)
    )
    row = await find_version(tx, organization, version)
    await tx.emit(
        DatasetVersionChanged(
            dataset_version=version,
            dataset=row["dataset"],
            revision=row["revision"],
            name=row["dataset_name"],
            version=row["version"],
            type=TaskType(row["type"]),
            state=State.ACTIVE,
            labels=row["labels"],
            assets=row["assets"],
            annotated=row["annotated"],
            objects_per_label=row["objects_per_label"],
            digest=row["digest"],
            manifest=row["manifest"],
        ),
        organization=organization,
    )
