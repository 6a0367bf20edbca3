"""Alert rules, how they stand, and every firing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, case, delete, func, insert, or_, select, tuple_, update

from libs.store.session import Read, Tx
from services.metrics.core.buckets import Level
from services.metrics.tables import alert, alert_rule, review, rollup

Before = tuple[datetime, UUID] | None


async def rules(read: Read, organization: UUID, deployment: UUID) -> list[RowMapping]:
    """A deployment's rules, the oldest first."""
    return await read.all(
        select(alert_rule)
        .where(alert_rule.c.organization == organization, alert_rule.c.deployment == deployment)
        .order_by(alert_rule.c.created, alert_rule.c.id)
    )


async def find_rule(
    read: Read, organization: UUID, deployment: UUID, rule: UUID
) -> RowMapping | None:
    return await read.first(_rule(organization, deployment, rule))


async def lock_rule(tx: Tx, organization: UUID, deployment: UUID, rule: UUID) -> RowMapping | None:
    """A rule's row, held until the transaction ends: who checks it has it too."""
    return await tx.first(_rule(organization, deployment, rule).with_for_update())


async def add_rule(tx: Tx, row: Mapping[str, Any]) -> RowMapping:
    made = await tx.execute(insert(alert_rule).values(dict(row)).returning(alert_rule))
    return made.mappings().one()


async def set_rule(tx: Tx, rule: UUID, **values: Any) -> RowMapping:
    """Change a rule that is locked."""
    changed = await tx.execute(
        update(alert_rule).where(alert_rule.c.id == rule).values(values).returning(alert_rule)
    )
    return changed.mappings().one()


async def delete_rule(tx: Tx, rule: UUID) -> None:
    """Forget a rule that is locked; its firings stay."""
    await tx.execute(delete(alert_rule).where(alert_rule.c.id == rule))


async def due_rules(read: Read, now: datetime) -> list[RowMapping]:
    """What is to be checked, of every organisation: id, organisation, deployment."""
    return await read.all(
        select(alert_rule.c.id, alert_rule.c.organization, alert_rule.c.deployment)
        .where(alert_rule.c.enabled, alert_rule.c.due <= now)
        .order_by(alert_rule.c.due)
    )


async def open_alert(tx: Tx, row: Mapping[str, Any]) -> None:
    await tx.execute(insert(alert).values(dict(row)))


async def find_alert(read: Read, organization: UUID, alert_id: UUID) -> RowMapping | None:
    return await read.first(
        select(alert).where(alert.c.id == alert_id, alert.c.organization == organization)
    )


async def set_alert(tx: Tx, organization: UUID, alert_id: UUID, **values: Any) -> RowMapping:
    changed = await tx.execute(
        update(alert)
        .where(alert.c.id == alert_id, alert.c.organization == organization)
        .values(values)
        .returning(alert)
    )
    return changed.mappings().one()


async def alerts(
    read: Read,
    organization: UUID,
    *,
    deployment: UUID | None,
    firing: bool | None,
    before: Before,
    limit: int,
) -> list[RowMapping]:
    """Firings, the newest first; one more than `limit` where there are more."""
    query = select(alert).where(alert.c.organization == organization)
    if deployment is not None:
        query = query.where(alert.c.deployment == deployment)
    if firing is not None:
        over = alert.c.resolved_time
        query = query.where(over.is_(None) if firing else over.is_not(None))
    if before is not None:
        query = query.where(tuple_(alert.c.fired_time, alert.c.id) < before)
    return await read.all(
        query.order_by(alert.c.fired_time.desc(), alert.c.id.desc()).limit(limit + 1)
    )


async def first_bucket(read: Read, organization: UUID, deployment: UUID) -> datetime | None:
    """The first minute that anything was counted in; None: nothing was."""
    found: datetime | None = await read.scalar(
        select(func.min(rollup.c.bucket)).where(
            rollup.c.deployment == deployment,
            rollup.c.organization == organization,
            rollup.c.level == str(Level.MINUTE),
        )
    )
    return found


async def reviewed_of(
    read: Read, organization: UUID, deployment: UUID, start: datetime, end: datetime
) -> list[RowMapping]:
    """What is known of each reviewed image, in time."""
    return await read.all(
        select(
            review.c.event_time,
            review.c.champion_version,
            review.c.shadow_version,
            review.c.champion_ap,
            review.c.shadow_ap,
            review.c.truth,
            review.c.champion_class,
            review.c.shadow_class,
        )
        .where(
            review.c.deployment == deployment,
            review.c.organization == organization,
            review.c.event_time >= start,
            review.c.event_time < end,
        )
        .order_by(review.c.event_time)
    )


async def answers_of(
    read: Read,
    organization: UUID,
    deployment: UUID,
    start: datetime,
    end: datetime,
    *,
    version: UUID,
) -> list[RowMapping]:
    """What reviews say of a version, in time: `state` of a detector, `truth` and `said` of a
    classifier."""
    champion = review.c.champion_version == version
    return await read.all(
        select(
            review.c.event_time,
            review.c.prediction,
            review.c.truth,
            case((champion, review.c.champion_state), else_=review.c.shadow_state).label("state"),
            case((champion, review.c.champion_class), else_=review.c.shadow_class).label("said"),
        )
        .where(
            review.c.deployment == deployment,
            review.c.organization == organization,
            review.c.event_time >= start,
            review.c.event_time < end,
            or_(champion, review.c.shadow_version == version),
        )
        .order_by(review.c.event_time)
    )


def _rule(organization: UUID, deployment: UUID, rule: UUID) -> Any:
    return select(alert_rule).where(
        alert_rule.c.id == rule,
        alert_rule.c.organization == organization,
        alert_rule.c.deployment == deployment,
    )
