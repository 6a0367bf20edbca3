"""Labels and annotations one by one, and assets by their names: as the existing client works."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, RowMapping, func, or_, select, update

from libs.schemas.ids import label_id
from libs.schemas.manifest import Annotation
from libs.store.session import Read, Tx
from services.feedback.store import datasets
from services.feedback.tables import asset, dataset_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which assets of a version; None: any. All that is given holds."""

    ids: Collection[UUID] | None = None
    data: Collection[UUID] | None = None
    filenames: Collection[str] | None = None
    starts: Collection[str] | None = None
    keys: Collection[str] | None = None
    annotated: bool | None = None


async def add_labels(tx: Tx, organization: UUID, version: UUID, names: list[str]) -> list[str]:
    """Give a version labels behind those that it has; returns all of them.

    Raises VersionUnknown, VersionFrozen.
    """
    row = await datasets.open_version(tx, organization, version)
    labels = list(dict.fromkeys([*row["labels"], *names]))
    if labels != row["labels"]:
        await tx.execute(
            update(dataset_version)
            .where(dataset_version.c.organization == organization, dataset_version.c.id == version)
            .values(labels=labels)
        )
        await datasets.touch(tx, organization, version)
        await datasets.tell(tx, organization, version)
    return labels


async def label_named(read: Read, organization: UUID, label: UUID) -> str | None:
    """The name of a label: its id is derived from it and its version."""
    rows = await read.all(
        select(dataset_version.c.id, dataset_version.c.labels).where(
            dataset_version.c.organization == organization
        )
    )
    return next(
        (name for row in rows for name in row["labels"] if label_id(row["id"], name) == label),
        None,
    )


async def find_assets(
    read: Read, organization: UUID, version: UUID, wanted: Wanted, *, offset: int, limit: int
) -> list[RowMapping]:
    """Assets of a version, newest first."""
    query = select(asset).where(*_conditions(organization, version, wanted))
    query = query.order_by(asset.c.created.desc(), asset.c.id.desc())
    return await read.all(query.offset(offset).limit(limit))


async def count_assets(read: Read, organization: UUID, version: UUID, wanted: Wanted) -> int:
    """How many there are."""
    query = select(func.count()).where(*_conditions(organization, version, wanted))
    return int(await read.scalar(query) or 0)


async def find_asset(read: Read, organization: UUID, asset_id: UUID) -> RowMapping | None:
    """An asset by its id."""
    return await read.first(
        select(asset).where(asset.c.organization == organization, asset.c.id == asset_id)
    )


async def annotate(
    tx: Tx, organization: UUID, version: UUID, annotations: Mapping[UUID, Annotation]
) -> int:
    """Replace annotations of assets; returns how many there were to replace."""
    done = 0
    for asset_id, annotation in annotations.items():
        changed = await tx.execute(
            update(asset)
            .where(
                asset.c.organization == organization,
                asset.c.dataset_version == version,
                asset.c.id == asset_id,
            )
            .values(annotation=msgspec.to_builtins(annotation))
            .returning(asset.c.id)
        )
        done += len(changed.all())
    if done:
        await datasets.touch(tx, organization, version)
    return done


def _conditions(organization: UUID, version: UUID, wanted: Wanted) -> list[ColumnElement[bool]]:
    found = [asset.c.organization == organization, asset.c.dataset_version == version]
    if wanted.ids is not None:
        found.append(asset.c.id.in_(wanted.ids))
    if wanted.data is not None:
        found.append(asset.c.data.in_(wanted.data))
    if wanted.filenames is not None:
        found.append(asset.c.filename.in_(wanted.filenames))
    if wanted.starts is not None:
        found.append(
            or_(*(asset.c.filename.startswith(one, autoescape=True) for one in wanted.starts))
        )
    if wanted.keys is not None:
        # Our copy has another key than the Datalake's picture, and the same content.
        found.append(asset.c.picture_sha256.in_({PurePosixPath(key).stem for key in wanted.keys}))
    if wanted.annotated is not None:
        has = asset.c.annotation.is_not(None)
        found.append(has if wanted.annotated else ~has)
    return found
