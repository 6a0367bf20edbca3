"""Receivers, what is told to them, and what came of each attempt."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, and_, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on, insert

from libs.store.session import Read, Tx
from services.gateway.core.delivery import DeliveryState, Outcome
from services.gateway.store.access import Before
from services.gateway.tables import attempt, delivery, receiver


async def list_receivers(
    read: Read, organization: UUID, *, before: Before, limit: int
) -> list[RowMapping]:
    query = select(receiver).where(receiver.c.organization == organization)
    if before is not None:
        query = query.where(tuple_(receiver.c.created, receiver.c.id) < before)
    return await read.all(
        query.order_by(receiver.c.created.desc(), receiver.c.id.desc()).limit(limit + 1)
    )


async def find_receiver(read: Read, organization: UUID, receiver_id: UUID) -> RowMapping | None:
    return await read.first(select(receiver).where(_mine(organization, receiver_id)))


async def receivers_of(read: Read, organization: UUID, event: str) -> list[RowMapping]:
    """The receivers of an organisation that ask for an event."""
    return await read.all(
        select(receiver).where(
            receiver.c.organization == organization,
            receiver.c.enabled,
            receiver.c.events.contains([event]),
        )
    )


async def add_receiver(tx: Tx, row: Mapping[str, Any]) -> RowMapping:
    made = await tx.execute(insert(receiver).values(dict(row)).returning(receiver))
    return made.mappings().one()


async def set_receiver(
    tx: Tx, organization: UUID, receiver_id: UUID, **values: Any
) -> RowMapping | None:
    """None where there is no such receiver."""
    changed = await tx.execute(
        update(receiver).where(_mine(organization, receiver_id)).values(values).returning(receiver)
    )
    return changed.mappings().first()


async def delete_receiver(tx: Tx, organization: UUID, receiver_id: UUID) -> bool:
    """Forget a receiver with its log; False where there is none."""
    gone = await tx.execute(
        delete(receiver).where(_mine(organization, receiver_id)).returning(receiver.c.id)
    )
    if gone.first() is None:
        return False
    its = and_(delivery.c.organization == organization, delivery.c.receiver == receiver_id)
    await tx.execute(
        delete(attempt).where(attempt.c.delivery.in_(select(delivery.c.id).where(its)))
    )
    await tx.execute(delete(delivery).where(its))
    return True


async def add_delivery(tx: Tx, row: Mapping[str, Any]) -> bool:
    """Ask for a delivery; False where this receiver is told of this event already."""
    made = await tx.execute(
        insert(delivery)
        .values(dict(row) | {"state": DeliveryState.PENDING})
        .on_conflict_do_nothing()
        .returning(delivery.c.id)
    )
    return made.first() is not None


async def list_deliveries(
    read: Read, organization: UUID, receiver_id: UUID, *, before: Before, limit: int
) -> list[RowMapping]:
    """What was told to a receiver, the newest first; one more than `limit` if there are more."""
    query = select(delivery).where(
        delivery.c.organization == organization, delivery.c.receiver == receiver_id
    )
    if before is not None:
        query = query.where(tuple_(delivery.c.created, delivery.c.id) < before)
    return await read.all(
        query.order_by(delivery.c.created.desc(), delivery.c.id.desc()).limit(limit + 1)
    )


async def attempts_of(
    read: Read, organization: UUID, deliveries: Sequence[UUID]
) -> dict[UUID, list[RowMapping]]:
    """The attempts of each delivery, the last one first."""
    rows = await read.all(
        select(attempt)
        .where(attempt.c.organization == organization, attempt.c.delivery.in_(deliveries))
        .order_by(attempt.c.delivery, attempt.c.number.desc())
    )
    found: dict[UUID, list[RowMapping]] = {}
    for row in rows:
        found.setdefault(row["delivery"], []).append(row)
    return found


async def last_settled(
    read: Read, organization: UUID, receivers: Sequence[UUID]
) -> dict[UUID, RowMapping]:
    """Of each receiver the delivery that was settled or tried last."""
    rows = await read.all(
        select(delivery.c.receiver, delivery.c.state, delivery.c.attempts, attempt.c.time,
               attempt.c.ok, attempt.c.detail)
        .join(attempt, attempt.c.delivery == delivery.c.id)
        .where(delivery.c.organization == organization, delivery.c.receiver.in_(receivers))
        .ext(distinct_on(delivery.c.receiver))
        .order_by(delivery.c.receiver, attempt.c.time.desc())
    )  # fmt: skip
    return {row["receiver"]: row for row in rows}


async def send_again(tx: Tx, organization: UUID, delivery_id: UUID) -> RowMapping | None:
    """Try a delivery anew, now, however often it was tried. None: there is no such one."""
    changed = await tx.execute(
        update(delivery)
        .where(delivery.c.id == delivery_id, delivery.c.organization == organization)
        .values(state=DeliveryState.PENDING, tries=0, held=False, due=tx.clock.now(), settled=None)
        .returning(delivery)
    )
    return changed.mappings().first()


async def due_deliveries(read: Read, *, now: datetime, limit: int) -> list[UUID]:
    """Deliveries that are due, one a receiver.

    A receiver that is being told waits: one that hangs keeps one place, not all of them. A lease
    that has ended is due again: who had it was lost.
    """
    busy = select(delivery.c.receiver).where(delivery.c.held, delivery.c.due > now)
    due = (
        select(delivery.c.id, delivery.c.due)
        .join(receiver, receiver.c.id == delivery.c.receiver)
        .where(
            delivery.c.state == DeliveryState.PENDING,
            delivery.c.due <= now,
            receiver.c.enabled,
            delivery.c.receiver.not_in(busy),
        )
        .ext(distinct_on(delivery.c.receiver))
        .order_by(delivery.c.receiver, delivery.c.due)
        .subquery("due")
    )
    chosen = await read.all(select(due.c.id).order_by(due.c.due).limit(limit))
    return [row["id"] for row in chosen]


async def claim(tx: Tx, chosen: Sequence[UUID], *, until: datetime) -> list[RowMapping]:
    """Those of the chosen deliveries that still are due, leased until a time."""
    now = tx.clock.now()
    # A process that has chosen the same ones waits here, and finds them leased.
    taken = await tx.execute(
        update(delivery)
        .where(
            delivery.c.id.in_(chosen),
            delivery.c.state == DeliveryState.PENDING,
            delivery.c.due <= now,
        )
        .values(
            held=True,
            due=until,
            attempts=delivery.c.attempts + 1,
            tries=delivery.c.tries + 1,
        )
        .returning(delivery.c.id)
    )
    ids = [row[0] for row in taken]
    return await tx.all(
        select(delivery, receiver.c.kind, receiver.c.target, receiver.c.secret, receiver.c.name)
        .join(receiver, receiver.c.id == delivery.c.receiver)
        .where(delivery.c.id.in_(ids))
    )


async def record(
    tx: Tx,
    held: RowMapping,
    outcome: Outcome,
    *,
    state: DeliveryState,
    due: datetime,
    time: datetime,
    seconds: float,
) -> None:
    """Write what came of an attempt. Where its lease was lost only the log has it."""
    await tx.execute(
        insert(attempt)
        .values(
            delivery=held["id"],
            number=held["attempts"],
            organization=held["organization"],
            time=time,
            ok=outcome.ok,
            status=outcome.status,
            detail=outcome.detail,
            seconds=seconds,
        )
        .on_conflict_do_nothing()
    )
    await tx.execute(
        update(delivery)
        .where(
            delivery.c.id == held["id"],
            delivery.c.attempts == held["attempts"],
            delivery.c.held,
        )
        .values(
            state=state,
            held=False,
            due=due,
            settled=None if state is DeliveryState.PENDING else tx.clock.now(),
        )
    )


async def prune(tx: Tx, *, before: datetime) -> None:
    """Forget what was told before a time, and what never could be."""
    old = select(delivery.c.id).where(delivery.c.created < before)
    await tx.execute(delete(attempt).where(attempt.c.delivery.in_(old)))
    await tx.execute(delete(delivery).where(delivery.c.created < before))


def _mine(organization: UUID, receiver_id: UUID) -> ColumnElement[bool]:
    return and_(receiver.c.id == receiver_id, receiver.c.organization == organization)
