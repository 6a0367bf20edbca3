"""The history of roll-outs."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import RowMapping, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import RolloutFinished
from libs.schemas.ids import uuid7
from libs.store.session import Read, Tx
from services.deployer.store.deployments import Deployment
from services.deployer.tables import rollout


class Action(StrEnum):
    """What happened to a role of a deployment."""

    DEPLOY = "DEPLOY"
    DEPLOY_SHADOW = "DEPLOY_SHADOW"
    DEPLOY_CHAMPION = "DEPLOY_CHAMPION"
    PROMOTE = "PROMOTE"
    REMOVE_SHADOW = "REMOVE_SHADOW"
    ROLLBACK = "ROLLBACK"


async def record(
    tx: Tx,
    of: Deployment,
    action: Action,
    *,
    version: UUID,
    previous: UUID | None,
    reason: str,
    actor: str | None = None,
    rollout_id: UUID | None = None,
) -> bool:
    """Write a roll-out down and tell it; False where this id has been recorded before.

    `actor`: by default the transaction's; the platform itself is `sightloop`.
    """
    now = tx.clock.now()
    made = await tx.execute(
        insert(rollout)
        .values(
            id=rollout_id or uuid7(now),
            organization=of.organization,
            deployment=of.id,
            action=action,
            version=version,
            previous=previous,
            reason=reason,
            actor=actor or tx.cause.actor or "sightloop",
            time=now,
        )
        .on_conflict_do_nothing()
        .returning(rollout.c.id)
    )
    row = made.first()
    if row is None:
        return False
    await tx.emit(
        RolloutFinished(
            deployment=of.id,
            rollout=row[0],
            action=action,
            version=version,
            previous=previous,
            reason=reason,
        ),
        organization=of.organization,
    )
    return True


async def recorded(read: Read, organization: UUID, rollout_id: UUID) -> bool:
    """Whether a roll-out of this id has been."""
    found = await read.scalar(
        select(rollout.c.id).where(
            rollout.c.organization == organization, rollout.c.id == rollout_id
        )
    )
    return found is not None


async def listed(
    read: Read,
    organization: UUID,
    deployment: UUID,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[RowMapping]:
    """Roll-outs of a deployment, newest first, one more than `limit`."""
    query = select(rollout).where(
        rollout.c.organization == organization, rollout.c.deployment == deployment
    )
    if before is not None:
        query = query.where(tuple_(rollout.c.time, rollout.c.id) < before)
    query = query.order_by(rollout.c.time.desc(), rollout.c.id.desc())
    return await read.all(query.limit(limit + 1))
