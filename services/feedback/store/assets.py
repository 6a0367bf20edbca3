"""Assets, their pictures, and the memory of what was erased."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, RowMapping, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from libs.query.tree import Expression
from libs.schemas.ids import derived
from libs.schemas.manifest import Annotation, ManifestAsset
from libs.schemas.values import Picture
from libs.store.session import Read, Tx
from services.feedback.store.asking import condition
from services.feedback.tables import asset, erasure

_CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The submission that an annotation comes from."""

    deployment: UUID
    prediction: UUID
    revision: int
    reviewer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAsset:
    """A picture for a version. `annotation` None: not annotated yet."""

    data: UUID
    filename: str
    picture: Picture
    width: int
    height: int
    annotation: Annotation | None
    block: str | None = None
    event_time: datetime | None = None
    origin: Origin | None = None


def asset_id(version: UUID, data: UUID) -> UUID:
    """An image is one asset of a version, however often it is told."""
    return derived("asset", version, data)


async def put_assets(tx: Tx, organization: UUID, version: UUID, assets: Sequence[NewAsset]) -> None:
    """Add assets; the annotation of one that is there is replaced where there is a new one."""
    for start in range(0, len(assets), _CHUNK):
        rows = [_row(tx, organization, version, new) for new in assets[start : start + _CHUNK]]
        new = insert(asset).values(rows)
        kept = ("annotation", "block", "event_time")
        replaced = ("filename", "deployment", "prediction", "review_revision", "reviewer")
        await tx.execute(
            new.on_conflict_do_update(
                constraint="asset_once",
                set_={name: new.excluded[name] for name in replaced}
                | {name: func.coalesce(new.excluded[name], asset.c[name]) for name in kept},
            )
        )


async def find_asset(
    read: Read, organization: UUID, version: UUID, data: UUID
) -> RowMapping | None:
    """The asset that an image is in a version."""
    return await read.first(
        select(asset).where(
            asset.c.organization == organization,
            asset.c.dataset_version == version,
            asset.c.data == data,
        )
    )


async def ids_of(
    read: Read, organization: UUID, version: UUID, data: Collection[UUID]
) -> dict[UUID, UUID]:
    """The assets that images are in a version, by image."""
    rows = await read.all(
        select(asset.c.data, asset.c.id).where(
            asset.c.organization == organization,
            asset.c.dataset_version == version,
            asset.c.data.in_(data),
        )
    )
    return {row["data"]: row["id"] for row in rows}


async def list_assets(
    read: Read,
    organization: UUID,
    version: UUID,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
    wanted: Expression | None = None,
) -> list[RowMapping]:
    """Assets of a version that a query wants, newest first, one more than `limit`."""
    query = select(asset).where(*_asked(organization, version, wanted))
    if before is not None:
        query = query.where(tuple_(asset.c.created, asset.c.id) < before)
    order = asset.c.created.desc(), asset.c.id.desc()
    return await read.all(query.order_by(*order).limit(limit + 1))


async def count_assets(
    read: Read, organization: UUID, version: UUID, wanted: Expression | None
) -> int:
    """How many assets of a version a query wants."""
    found = select(func.count()).select_from(asset).where(*_asked(organization, version, wanted))
    return int(await read.scalar(found) or 0)


async def contents(read: Read, organization: UUID, version: UUID) -> list[RowMapping]:
    """Every asset of a version, for `manifest_asset`."""
    columns = (
        asset.c.data, asset.c.filename, asset.c.picture_key, asset.c.picture_sha256,
        asset.c.width, asset.c.height, asset.c.block, asset.c.event_time, asset.c.annotation,
    )  # fmt: skip
    return await read.all(
        select(*columns).where(
            asset.c.organization == organization, asset.c.dataset_version == version
        )
    )


async def keep_pictures(tx: Tx, organization: UUID) -> None:
    """Until the commit, no picture of the organisation is erased."""
    name = func.hashtextextended(f"pictures {organization}", 0)
    await tx.execute(select(func.pg_advisory_xact_lock_shared(name)))


async def own_pictures(tx: Tx, organization: UUID) -> None:
    """Until the commit, nobody adds an asset in the organisation: pictures may be erased."""
    name = func.hashtextextended(f"pictures {organization}", 0)
    await tx.execute(select(func.pg_advisory_xact_lock(name)))


async def remember_erased(tx: Tx, organization: UUID, data: UUID) -> None:
    """Note that an image is to be forgotten, as of now."""
    new = insert(erasure).values(organization=organization, data=data, erased=tx.clock.now())
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=[erasure.c.organization, erasure.c.data],
            set_={"erased": new.excluded.erased},
        )
    )


async def is_erased(read: Read, organization: UUID, data: UUID) -> bool:
    """Whether somebody had this image erased."""
    found = select(erasure.c.data).where(
        erasure.c.organization == organization, erasure.c.data == data
    )
    return await read.scalar(found) is not None


async def erased_since(read: Read, organization: UUID, time: datetime) -> bool:
    """Whether any image was erased since then."""
    found = select(erasure.c.data).where(
        erasure.c.organization == organization, erasure.c.erased >= time
    )
    return await read.scalar(found.limit(1)) is not None


async def delete_assets(tx: Tx, organization: UUID, data: UUID) -> list[RowMapping]:
    """Take an image out of every version; returns the rows that were."""
    gone = await tx.execute(
        delete(asset)
        .where(asset.c.organization == organization, asset.c.data == data)
        .returning(asset.c.dataset_version, asset.c.picture_key, asset.c.picture_sha256)
    )
    return list(gone.mappings())


async def picture_in_use(read: Read, organization: UUID, sha256: str) -> bool:
    """Whether any asset of the organisation has this picture."""
    found = select(asset.c.id).where(
        asset.c.organization == organization, asset.c.picture_sha256 == sha256
    )
    return await read.scalar(found.limit(1)) is not None


def thumbnails_of(organization: UUID) -> str:
    """Where the thumbnails of an organisation lie."""
    return f"feedback/{organization}/thumbnails"


def annotation_of(row: RowMapping) -> Annotation | None:
    """The annotation of an asset's row."""
    stored = row["annotation"]
    return None if stored is None else msgspec.convert(stored, Annotation)


def manifest_asset(row: RowMapping) -> ManifestAsset:
    """A row of `contents` as the manifest says it."""
    return ManifestAsset(
        data=row["data"],
        filename=row["filename"],
        picture=row["picture_key"],
        sha256=row["picture_sha256"],
        width=row["width"],
        height=row["height"],
        block=row["block"],
        event_time=row["event_time"],
        annotation=annotation_of(row),
    )


def _asked(
    organization: UUID, version: UUID, wanted: Expression | None
) -> list[ColumnElement[bool]]:
    ours = [asset.c.organization == organization, asset.c.dataset_version == version]
    return ours if wanted is None else [*ours, condition(wanted)]


def _row(tx: Tx, organization: UUID, version: UUID, new: NewAsset) -> dict[str, Any]:
    return {
        "id": asset_id(version, new.data),
        "organization": organization,
        "dataset_version": version,
        "data": new.data,
        "filename": new.filename,
        "content_type": new.picture.content_type,
        "picture_key": new.picture.key,
        "picture_sha256": new.picture.sha256,
        "picture_size": new.picture.size,
        "width": new.width,
        "height": new.height,
        "block": new.block,
        "event_time": new.event_time,
        "annotation": None if new.annotation is None else msgspec.to_builtins(new.annotation),
        "deployment": new.origin.deployment if new.origin else None,
        "prediction": new.origin.prediction if new.origin else None,
        "review_revision": new.origin.revision if new.origin else None,
        "reviewer": new.origin.reviewer if new.origin else None,
        "created": tx.clock.now(),
    }
