"""Where the assets of a version come from, and where an image has gone."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import RowMapping, func, or_, select

from libs.store.session import Read
from services.feedback.tables import asset, dataset, dataset_version

_MOST = 1000


async def origins(read: Read, organization: UUID, version: UUID) -> list[RowMapping]:
    """(deployment, reviewer, assets, annotated, first, last), the most assets first."""
    return await read.all(
        select(
            asset.c.deployment,
            asset.c.reviewer,
            func.count().label("assets"),
            func.count(asset.c.annotation).label("annotated"),
            func.min(asset.c.created).label("first"),
            func.max(asset.c.created).label("last"),
        )
        .where(asset.c.organization == organization, asset.c.dataset_version == version)
        .group_by(asset.c.deployment, asset.c.reviewer)
        .order_by(func.count().desc(), asset.c.deployment, asset.c.reviewer)
        .limit(_MOST)
    )


async def uses(
    read: Read, organization: UUID, *, data: Collection[UUID], sha256: Collection[str]
) -> list[RowMapping]:
    """The assets that images of the Datalake, or pictures, are; newest first, a thousand at most.

    With `version_name`, `dataset` and `dataset_name`.
    """
    return await read.all(
        select(
            asset,
            dataset_version.c.version.label("version_name"),
            dataset_version.c.type.label("version_type"),
            dataset_version.c.labels.label("version_labels"),
            dataset_version.c.dataset,
            dataset.c.name.label("dataset_name"),
        )
        .join(dataset_version, dataset_version.c.id == asset.c.dataset_version)
        .join(dataset, dataset.c.id == dataset_version.c.dataset)
        .where(
            asset.c.organization == organization,
            or_(asset.c.data.in_(data), asset.c.picture_sha256.in_(sha256)),
        )
        .order_by(asset.c.created.desc(), asset.c.id)
        .limit(_MOST)
    )
