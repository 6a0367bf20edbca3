"""The books: what tills write down, and what all of it comes to."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    RowMapping,
    Select,
    Table,
    cast,
    extract,
    func,
    select,
    union,
)
from sqlalchemy.dialects.postgresql import insert

from libs.store.session import Read, Tx
from services.ingest.core.books import Gap, Ledger, split_gaps
from services.ingest.core.till import Taken
from services.ingest.tables import (
    book,
    book_alert,
    boot,
    gap,
    rejection,
    rejection_hour,
    uncertain,
)

_COUNTS = ("stored", "duplicate", "dead_lettered", "replayed")


async def write_till(tx: Tx, taken: Taken) -> None:
    """Write down what a process gave out and refused."""
    if taken.given:
        rows = insert(boot).values(
            [
                {
                    "organization": given.organization,
                    "deployment": given.deployment,
                    "boot": given.boot,
                    "given": given.sequence,
                    "moved": tx.clock.now(),
                }
                for given in taken.given
            ]
        )
        await tx.execute(
            rows.on_conflict_do_update(
                index_elements=[boot.c.deployment, boot.c.boot],
                set_={
                    "given": func.greatest(boot.c.given, rows.excluded.given),
                    "moved": rows.excluded.moved,
                },
            )
        )
    if taken.uncertain:
        failed = [asdict(one) for one in taken.uncertain]
        await tx.execute(insert(uncertain).on_conflict_do_nothing(), failed)
    if taken.refused:
        await _write_refused(tx, taken)


async def _write_refused(tx: Tx, taken: Taken) -> None:
    hours = insert(rejection_hour).values([asdict(one) for one in taken.refused])
    await tx.execute(
        hours.on_conflict_do_update(
            index_elements=["deployment", "reason", "hour"],
            set_={"count": rejection_hour.c.count + hours.excluded.count},
        )
    )
    totals: dict[tuple[UUID, UUID, str], int] = {}
    for one in taken.refused:
        key = (one.organization, one.deployment, one.reason)
        totals[key] = totals.get(key, 0) + one.count
    counts = insert(rejection).values(
        [
            {"organization": o, "deployment": d, "reason": reason, "count": count}
            for (o, d, reason), count in totals.items()
        ]
    )
    await tx.execute(
        counts.on_conflict_do_update(
            index_elements=["deployment", "reason"],
            set_={"count": rejection.c.count + counts.excluded.count},
        )
    )


async def ledger(read: Read, organization: UUID, deployment: UUID, *, now: datetime) -> Ledger:
    """The books of a deployment."""
    row = await read.first(_ledgers(organization, deployment))
    if row is None:
        return Ledger(organization=organization, deployment=deployment)
    return _ledger(row, now)


async def ledgers(read: Read, organization: UUID | None, *, now: datetime) -> list[Ledger]:
    """The books of every deployment that has any; of an organisation or, None, of all."""
    return [_ledger(row, now) for row in await read.all(_ledgers(organization, None))]


async def rejections(
    read: Read,
    organization: UUID,
    *,
    since: datetime,
    until: datetime,
    deployment: UUID | None = None,
) -> list[RowMapping]:
    """Refusals by deployment, hour and reason, `since` included, oldest first."""
    query = select(rejection_hour).where(
        rejection_hour.c.organization == organization,
        rejection_hour.c.hour >= since,
        rejection_hour.c.hour < until,
    )
    if deployment is not None:
        query = query.where(rejection_hour.c.deployment == deployment)
    return await read.all(
        query.order_by(rejection_hour.c.hour, rejection_hour.c.deployment, rejection_hour.c.reason)
    )


def _ledgers(organization: UUID | None, deployment: UUID | None) -> Select[Any]:
    """One statement, so that all of it is of one instant: the books never flicker."""

    def mine(table: Table) -> Sequence[ColumnElement[bool]]:
        return [
            table.c[name] == value
            for name, value in (("organization", organization), ("deployment", deployment))
            if value is not None
        ]

    def grouped(table: Table, *columns: ColumnElement[Any]) -> FromClause:
        query = select(table.c.deployment, *columns).where(*mine(table))
        return query.group_by(table.c.deployment).subquery()

    known = union(
        select(boot.c.organization, boot.c.deployment).where(*mine(boot)),
        select(rejection.c.organization, rejection.c.deployment).where(*mine(rejection)),
    ).subquery()
    highest = func.greatest(boot.c.given, boot.c.consumed)
    boots = grouped(
        boot,
        cast(func.sum(highest), BigInteger).label("reached"),
        cast(func.sum(boot.c.consumed), BigInteger).label("consumed"),
        func.min(boot.c.moved).filter(boot.c.given > boot.c.consumed).label("waiting_since"),
    )
    refused = grouped(
        rejection, func.jsonb_object_agg(rejection.c.reason, rejection.c.count).label("refused")
    )
    gaps = grouped(
        gap,
        func.jsonb_agg(
            func.jsonb_build_array(
                gap.c.boot, gap.c.first, gap.c.last, extract("epoch", gap.c.seen)
            )
        ).label("gaps"),
    )
    failed = grouped(
        uncertain,
        func.jsonb_agg(
            func.jsonb_build_array(uncertain.c.boot, uncertain.c.first, uncertain.c.last)
        ).label("failed"),
    )
    source: FromClause = known
    for part in (boots, book, refused, gaps, failed, book_alert):
        source = source.outerjoin(part, part.c.deployment == known.c.deployment)
    return select(
        known.c.organization,
        known.c.deployment,
        boots.c.reached,
        boots.c.consumed,
        boots.c.waiting_since,
        *(book.c[name] for name in _COUNTS),
        refused.c.refused,
        gaps.c.gaps,
        failed.c.failed,
        book_alert.c.since.label("alert_since"),
    ).select_from(source)


def _ledger(row: RowMapping, now: datetime) -> Ledger:
    gaps = [
        Gap(boot=UUID(number), first=first, last=last, seen=datetime.fromtimestamp(seen, UTC))
        for number, first, last, seen in row["gaps"] or ()
    ]
    failed = [(UUID(number), first, last) for number, first, last in row["failed"] or ()]
    explained, open_gaps, lost = split_gaps(gaps, failed, now=now)
    return Ledger(
        organization=row["organization"],
        deployment=row["deployment"],
        reached=row["reached"] or 0,
        consumed=row["consumed"] or 0,
        **{name: row[name] or 0 for name in _COUNTS},
        uncertain=explained,
        open_gaps=open_gaps,
        lost=lost,
        waiting_since=row["waiting_since"],
        alert_since=row["alert_since"],
        rejected_by_reason=dict(sorted((row["refused"] or {}).items())),
    )
