"""What the existing client looks for by name, and how it changes a version that is empty."""

from uuid import UUID

from sqlalchemy import RowMapping, func, select, update

from libs.schemas.values import TaskType
from libs.store.session import Read, Tx
from services.feedback.errors import DatasetUnknown, NamedUnknown, NameTaken, TypeInUse
from services.feedback.store import datasets
from services.feedback.tables import asset, dataset, dataset_version


async def dataset_named(read: Read, organization: UUID, name: str) -> RowMapping:
    """A dataset by its name. Raises DatasetUnknown."""
    row = await read.first(
        select(dataset).where(dataset.c.organization == organization, dataset.c.name == name)
    )
    if row is None:
        raise DatasetUnknown(f"there is no dataset {name!r}")
    return row


async def version_named(read: Read, organization: UUID, dataset_id: UUID, name: str) -> RowMapping:
    """A dataset's version by its name. Raises NamedUnknown."""
    found: UUID | None = await read.scalar(
        select(dataset_version.c.id).where(
            dataset_version.c.organization == organization,
            dataset_version.c.dataset == dataset_id,
            dataset_version.c.version == name,
        )
    )
    if found is None:
        raise NamedUnknown(f"there is no version {name!r} of dataset {dataset_id}")
    return await datasets.find_version(read, organization, found)


async def change_version(
    tx: Tx,
    organization: UUID,
    version: UUID,
    *,
    name: str | None,
    type: TaskType | None,  # noqa: A002
) -> RowMapping:
    """Rename a version, or give it its type; what has annotations keeps its type.

    Raises:
        VersionUnknown, VersionFrozen, NameTaken, TypeInUse.
    """
    row = await datasets.open_version(tx, organization, version)
    values: dict[str, object] = {}
    if name is not None and name != row["version"]:
        taken = await tx.scalar(
            select(dataset_version.c.id).where(
                dataset_version.c.dataset == row["dataset"], dataset_version.c.version == name
            )
        )
        if taken is not None:
            raise NameTaken(f'{row["dataset_name"]} has a version "{name}" already')
        values["version"] = name
    if type is not None and type != row["type"]:
        annotated = await tx.scalar(
            select(func.count()).where(
                asset.c.organization == organization,
                asset.c.dataset_version == version,
                asset.c.annotation.is_not(None),
            )
        )
        if annotated:
            raise TypeInUse(f"the version has {annotated} annotations of type {row['type']}")
        values["type"] = type
    if values:
        await tx.execute(
            update(dataset_version)
            .where(dataset_version.c.organization == organization, dataset_version.c.id == version)
            .values(**values)
        )
        await datasets.tell(tx, organization, version)
    return await datasets.find_version(tx, organization, version)
