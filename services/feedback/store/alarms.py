"""Firings of alerts that a training waits for, and what came of them."""

from uuid import UUID

from sqlalchemy import RowMapping, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import AlertFired
from libs.store.session import Read, Tx
from services.feedback.core.training import AlarmOutcome
from services.feedback.tables import alarm


async def keep(tx: Tx, organization: UUID, fired: AlertFired) -> bool:
    """Keep a firing until it is answered; False where it was told before."""
    new = await tx.execute(
        insert(alarm)
        .values(
            deployment=fired.deployment,
            alert=fired.alert,
            organization=organization,
            rule=fired.rule,
            text=fired.text,
            fired_time=fired.fired_time,
            outcome=AlarmOutcome.WAITING,
        )
        .on_conflict_do_nothing()
        .returning(alarm.c.alert)
    )
    return new.first() is not None


async def waiting(read: Read) -> list[RowMapping]:
    """The firings that nobody has answered, of every organisation, the oldest first."""
    return await read.all(
        select(alarm.c.organization, alarm.c.deployment, alarm.c.alert)
        .where(alarm.c.outcome == AlarmOutcome.WAITING)
        .order_by(alarm.c.fired_time)
    )


async def lock(tx: Tx, organization: UUID, deployment: UUID, alert: UUID) -> RowMapping | None:
    """A firing that waits, held; None where it was answered meanwhile."""
    return await tx.first(
        select(alarm)
        .where(
            alarm.c.organization == organization,
            alarm.c.deployment == deployment,
            alarm.c.alert == alert,
            alarm.c.outcome == AlarmOutcome.WAITING,
        )
        .with_for_update()
    )


async def answer(
    tx: Tx,
    held: RowMapping,
    outcome: AlarmOutcome,
    *,
    why: str | None = None,
    experiment: UUID | None,
) -> None:
    """Say what came of a firing; its row must be locked."""
    await tx.execute(
        update(alarm)
        .where(
            alarm.c.organization == held["organization"],
            alarm.c.deployment == held["deployment"],
            alarm.c.alert == held["alert"],
        )
        .values(outcome=outcome, why=why, experiment=experiment)
    )


async def latest(
    read: Read, organization: UUID, deployment: UUID, *, limit: int
) -> list[RowMapping]:
    """The newest firings of a deployment."""
    return await read.all(
        select(alarm)
        .where(alarm.c.organization == organization, alarm.c.deployment == deployment)
        .order_by(alarm.c.fired_time.desc(), alarm.c.alert)
        .limit(limit)
    )
