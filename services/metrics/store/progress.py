"""How far a deployment's numbers are, and the register of its label names."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.store.session import Read, Tx
from services.metrics.errors import RegisterLost
from services.metrics.tables import prediction, progress, register


async def advance(
    tx: Tx,
    organization: UUID,
    deployment: UUID,
    *,
    predictions: int = 0,
    logged: int = 0,
    scored: int = 0,
    reviewed: int = 0,
    referenced: int = 0,
) -> None:
    """Say that numbers moved; `predictions` is how many more are counted."""
    steps = {
        "predictions": predictions,
        "logged": logged,
        "scored": scored,
        "reviewed": reviewed,
        "referenced": referenced,
    }
    row = insert(progress).values(
        deployment=deployment, organization=organization, changed=tx.clock.now(), **steps
    )
    await tx.execute(
        row.on_conflict_do_update(
            index_elements=[progress.c.deployment],
            set_={
                "changed": row.excluded.changed,
                **{name: progress.c[name] + row.excluded[name] for name in steps},
            },
        )
    )


async def find(read: Read, organization: UUID, deployment: UUID) -> RowMapping | None:
    """How far a deployment is; None: nothing was counted yet."""
    return await read.first(
        select(progress).where(
            progress.c.deployment == deployment, progress.c.organization == organization
        )
    )


async def counted(
    read: Read, organization: UUID, deployments: Sequence[UUID]
) -> dict[UUID, tuple[int, datetime | None]]:
    """Predictions of each deployment that has any, and the event time of the newest."""
    newest = (
        select(prediction.c.event_time)
        .where(
            prediction.c.deployment == progress.c.deployment,
            prediction.c.deleted.is_(other=False),
        )
        .order_by(prediction.c.event_time.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = await read.all(
        select(progress.c.deployment, progress.c.predictions, newest.label("newest")).where(
            progress.c.organization == organization, progress.c.deployment.in_(deployments)
        )
    )
    return {row["deployment"]: (row["predictions"], row["newest"]) for row in rows}


async def changed_since(read: Read, since: datetime) -> list[RowMapping]:
    """Deployments, of every organisation, whose numbers moved at `since` or later."""
    return await read.all(select(progress).where(progress.c.changed >= since))


async def label_names(read: Read, organization: UUID, deployment: UUID) -> list[str]:
    """The register of label names."""
    names = await read.scalar(
        select(register.c.names).where(
            register.c.deployment == deployment, register.c.organization == organization
        )
    )
    return list(names or [])


async def register_labels(
    tx: Tx, organization: UUID, deployment: UUID, names: Sequence[str]
) -> dict[str, int]:
    """Where the names stand in the register; those that are new are added to its end."""
    known = await label_names(tx, organization, deployment)
    if not set(names) <= set(known):
        await tx.execute(
            insert(register)
            .values(deployment=deployment, organization=organization, names=[])
            .on_conflict_do_nothing()
        )
        mine = register.c.deployment == deployment
        locked = await tx.scalar(select(register.c.names).where(mine).with_for_update())
        if locked is None:
            raise RegisterLost(deployment)
        known = list(locked)
        known += [name for name in dict.fromkeys(names) if name not in known]
        await tx.execute(update(register).where(mine).values(names=known))
    return {name: index for index, name in enumerate(known)}
