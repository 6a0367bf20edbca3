"""The books while records are consumed, in the transaction that stores what they say."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.envelope import Received
from libs.schemas.events import PredictionLogged
from libs.store.session import Tx
from services.ingest.core.counting import Counted, Number, Open
from services.ingest.tables import book, boot, dead, gap


async def open_books(
    tx: Tx, organization: UUID, deployment: UUID, events: Sequence[Received[PredictionLogged]]
) -> Open:
    """What is written down of the boots of these events, locked until the transaction ends."""
    boots = {e.data.boot for e in events}
    passed = await _lock_boots(tx, organization, deployment, boots)
    if unknown := boots - passed.keys():
        # A process that was stopped and goes on may count the same records at this moment.
        who = {"organization": organization, "deployment": deployment, "moved": tx.clock.now()}
        rows = [who | {"boot": number} for number in sorted(unknown)]
        await tx.execute(insert(boot).on_conflict_do_nothing(), rows)
        passed = await _lock_boots(tx, organization, deployment, boots)
    if not any(e.data.sequence <= passed.get(e.data.boot, 0) for e in events):
        return Open.read(passed)
    gaps = await tx.all(
        select(gap.c.boot, gap.c.first, gap.c.last)
        .where(
            gap.c.organization == organization,
            gap.c.deployment == deployment,
            gap.c.boot.in_(boots),
        )
        .order_by(gap.c.first)
    )
    died = await tx.all(
        select(dead.c.boot, dead.c.sequence).where(
            dead.c.organization == organization,
            dead.c.deployment == deployment,
            dead.c.boot.in_(boots),
        )
    )
    return Open.read(
        passed,
        [(row["boot"], (row["first"], row["last"])) for row in gaps],
        [(row["boot"], row["sequence"]) for row in died],
    )


async def _lock_boots(
    tx: Tx, organization: UUID, deployment: UUID, boots: set[UUID]
) -> dict[UUID, int]:
    rows = await tx.all(
        select(boot.c.boot, boot.c.consumed)
        .where(
            boot.c.organization == organization,
            boot.c.deployment == deployment,
            boot.c.boot.in_(boots),
        )
        .order_by(boot.c.boot)
        .with_for_update()
    )
    return {row["boot"]: row["consumed"] for row in rows}


async def close_books(
    tx: Tx, organization: UUID, deployment: UUID, books: Open, counted: Counted
) -> None:
    """Write down what was counted, how far it came, and what was passed over."""
    revived = len(books.revived)
    added = insert(book).values(
        deployment=deployment,
        organization=organization,
        stored=counted.stored,
        duplicate=counted.duplicate,
        dead_lettered=counted.dead_lettered - revived,
        replayed=revived,
    )
    names = ("stored", "duplicate", "dead_lettered", "replayed")
    await tx.execute(
        added.on_conflict_do_update(
            index_elements=[book.c.deployment],
            set_={name: book.c[name] + added.excluded[name] for name in names},
        )
    )
    who = {"organization": organization, "deployment": deployment}
    now = tx.clock.now()
    if books.passed:
        seen = insert(boot).values(
            [
                who | {"boot": number, "consumed": highest, "moved": now}
                for number, highest in sorted(books.passed.items())
            ]
        )
        await tx.execute(
            seen.on_conflict_do_update(
                index_elements=[boot.c.deployment, boot.c.boot],
                set_={
                    "consumed": func.greatest(boot.c.consumed, seen.excluded.consumed),
                    "moved": seen.excluded.moved,
                },
            )
        )
    if books.old_gaps:
        filled = [(number, first) for number, (first, _) in books.old_gaps]
        await tx.execute(
            delete(gap).where(
                gap.c.organization == organization,
                gap.c.deployment == deployment,
                tuple_(gap.c.boot, gap.c.first).in_(filled),
            )
        )
    new: list[dict[str, Any]] = [
        who | {"boot": number, "first": first, "last": last, "seen": now}
        for number, (first, last) in sorted(books.new_gaps)
    ]
    if new:
        await tx.execute(insert(gap), new)
    if books.revived:
        await tx.execute(
            delete(dead).where(
                dead.c.organization == organization,
                dead.c.deployment == deployment,
                tuple_(dead.c.boot, dead.c.sequence).in_(sorted(books.revived)),
            )
        )


async def count_dead(
    tx: Tx, organization: UUID, deployment: UUID, events: Sequence[Received[PredictionLogged]]
) -> None:
    """Count records that died; one that is told again, or dies again in a replay, is not."""
    books = await open_books(tx, organization, deployment, events)
    numbers: list[Number] = [
        (e.data.boot, e.data.sequence) for e in events if books.takes(e.data.boot, e.data.sequence)
    ]
    if not numbers:
        return
    await close_books(tx, organization, deployment, books, Counted(dead_lettered=len(numbers)))
    await tx.execute(
        insert(dead),
        [
            {
                "organization": organization,
                "deployment": deployment,
                "boot": number,
                "sequence": sequence,
                "died": tx.clock.now(),
            }
            for number, sequence in numbers
        ],
    )
