"""Users' own networks that embed images, which deployment uses which, and scores of others."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.store.session import Read, Tx
from services.metrics.errors import BackboneNameTaken, TooManyBackbones
from services.metrics.tables import backbone, deployment_backbone, prediction, reference


async def every(read: Read, organization: UUID) -> list[RowMapping]:
    """The backbones of an organisation, in the order made."""
    return await read.all(
        select(backbone)
        .where(backbone.c.organization == organization)
        .order_by(backbone.c.created, backbone.c.id)
    )


async def find(read: Read, organization: UUID, backbone_id: UUID) -> RowMapping | None:
    """One backbone."""
    return await read.first(
        select(backbone).where(
            backbone.c.organization == organization, backbone.c.id == backbone_id
        )
    )


async def refuse_another(read: Read, organization: UUID, name: str, *, most: int) -> None:
    """Raises BackboneNameTaken, TooManyBackbones where one of that name cannot be added."""
    row = await read.first(
        select(
            func.count().label("count"),
            func.count().filter(backbone.c.name == name).label("named"),
        ).where(backbone.c.organization == organization)
    )
    assert row is not None
    if row["named"]:
        raise BackboneNameTaken(f"there is a backbone {name!r} already")
    if row["count"] >= most:
        raise TooManyBackbones(f"there are {most} backbones, as many as may be: remove one first")


async def add(tx: Tx, row: Mapping[str, Any]) -> bool:
    """Add a backbone; False where another of its name came first."""
    made = await tx.execute(
        insert(backbone)
        .values(**row)
        .on_conflict_do_nothing(constraint="backbone_name")
        .returning(backbone.c.id)
    )
    return made.first() is not None


async def remove(tx: Tx, organization: UUID, backbone_id: UUID) -> RowMapping | None:
    """Remove a backbone; its row as it was."""
    gone = await tx.execute(
        delete(backbone)
        .where(backbone.c.organization == organization, backbone.c.id == backbone_id)
        .returning(backbone)
    )
    return gone.mappings().first()


async def chosen(read: Read, organization: UUID, deployment: UUID) -> RowMapping | None:
    """The backbone that a deployment's references are made with; None: the built-in net."""
    return await read.first(
        select(backbone)
        .join(deployment_backbone, deployment_backbone.c.backbone == backbone.c.id)
        .where(
            deployment_backbone.c.organization == organization,
            deployment_backbone.c.deployment == deployment,
        )
    )


async def choose(tx: Tx, organization: UUID, deployment: UUID, backbone_id: UUID | None) -> None:
    """Say which backbone a deployment's references are made with."""
    if backbone_id is None:
        await tx.execute(
            delete(deployment_backbone).where(
                deployment_backbone.c.organization == organization,
                deployment_backbone.c.deployment == deployment,
            )
        )
        return
    row = insert(deployment_backbone).values(
        deployment=deployment, organization=organization, backbone=backbone_id
    )
    await tx.execute(
        row.on_conflict_do_update(
            index_elements=[deployment_backbone.c.deployment], set_={"backbone": backbone_id}
        )
    )


async def forget_choices(tx: Tx, organization: UUID, backbone_id: UUID) -> list[UUID]:
    """No deployment uses the backbone any more; those that did."""
    gone = await tx.execute(
        delete(deployment_backbone)
        .where(
            deployment_backbone.c.organization == organization,
            deployment_backbone.c.backbone == backbone_id,
        )
        .returning(deployment_backbone.c.deployment)
    )
    return [row.deployment for row in gone]


async def scored_otherwise(
    read: Read, organization: UUID, deployment: UUID, formers: Sequence[UUID]
) -> datetime | None:
    """Event time of the newest prediction whose score is still one of the `formers`'."""
    row = await read.first(
        select(func.max(prediction.c.event_time).label("newest")).where(
            prediction.c.deployment == deployment,
            prediction.c.organization == organization,
            prediction.c.reference.in_(formers),
        )
    )
    assert row is not None
    newest: datetime | None = row["newest"]
    return newest


async def forget_formers(tx: Tx, organization: UUID, deployment: UUID, reference_id: UUID) -> None:
    """Nothing of another embedding is left in the numbers."""
    await tx.execute(
        update(reference)
        .where(
            reference.c.deployment == deployment,
            reference.c.organization == organization,
            reference.c.id == reference_id,
        )
        .values(formers=[])
    )
