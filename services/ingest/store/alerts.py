"""Alerts of the books: fired once, resolved once, however many processes watch."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select

from libs.store.session import Tx
from services.ingest.tables import book_alert, dead, rejection_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class FiredAlert:
    """An alert that fires."""

    alert: UUID
    organization: UUID
    deployment: UUID
    since: datetime
    fired_time: datetime
    text: str
    missing: int


async def fired_alerts(tx: Tx) -> dict[UUID, FiredAlert]:
    """The alerts that fire, of every organisation, by deployment."""
    rows = await tx.all(select(book_alert).with_for_update())
    return {row["deployment"]: FiredAlert(**row) for row in rows}


async def add_alert(tx: Tx, alert: FiredAlert) -> None:
    await tx.execute(
        insert(book_alert),
        [{name: getattr(alert, name) for name in FiredAlert.__dataclass_fields__}],
    )


async def delete_alert(tx: Tx, organization: UUID, deployment: UUID) -> None:
    await tx.execute(
        delete(book_alert).where(
            book_alert.c.organization == organization, book_alert.c.deployment == deployment
        )
    )


async def prune_books(tx: Tx, *, hours_before: datetime, dead_before: datetime) -> None:
    """Forget refusals by hour (their sums stay), and the dead whose letters are gone."""
    await tx.execute(delete(rejection_hour).where(rejection_hour.c.hour < hours_before))
    await tx.execute(delete(dead).where(dead.c.died < dead_before))
