"""What is taken from places outside: how far it is, and what could not be taken.

A registration's id is its job's.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, tuple_, update

from libs.store.session import Read, Tx
from libs.store.tables import job
from services.ingest.tables import registration, registration_error

KIND = "registration"
MOST_ERRORS = 10_000
_STATE = (job.c.state, job.c.message, job.c.error, job.c.finished)
_WITH_JOB = select(registration, *_STATE).join(job, job.c.id == registration.c.id)


async def add(tx: Tx, row: dict[str, object]) -> None:
    """Store what was asked for."""
    await tx.execute(insert(registration).values(row))


async def find(read: Read, organization: UUID, registered: UUID) -> RowMapping | None:
    """One, with the state of its job."""
    return await read.first(
        _WITH_JOB.where(
            registration.c.organization == organization, registration.c.id == registered
        )
    )


async def listed(
    read: Read, organization: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[RowMapping]:
    """The organisation's, newest first, one more than `limit`."""
    query = _WITH_JOB.where(registration.c.organization == organization)
    if before is not None:
        query = query.where(tuple_(registration.c.created, registration.c.id) < before)
    return await read.all(
        query.order_by(registration.c.created.desc(), registration.c.id.desc()).limit(limit + 1)
    )


async def errors_of(
    read: Read, organization: UUID, registered: UUID, *, after: int, limit: int
) -> list[RowMapping]:
    """What could not be taken, in order, behind a number; one more than `limit`."""
    return await read.all(
        select(registration_error)
        .where(
            registration_error.c.organization == organization,
            registration_error.c.registration == registered,
            registration_error.c.number > after,
        )
        .order_by(registration_error.c.number)
        .limit(limit + 1)
    )


async def know_total(tx: Tx, organization: UUID, registered: UUID, total: int) -> None:
    """Store how many files there are."""
    await tx.execute(
        update(registration)
        .where(registration.c.organization == organization, registration.c.id == registered)
        .values(total=total)
    )


async def advance(
    tx: Tx,
    before: RowMapping,
    *,
    position: str,
    added: int,
    duplicates: int,
    passed_over: int,
    errors: Sequence[tuple[str, str]],
) -> RowMapping | None:
    """Count a page and move on from `before`, the row as it was read; returns it as it is now.

    None: somebody else has moved it on meanwhile, and this page is his.
    """
    moved = await tx.execute(
        update(registration)
        .where(
            registration.c.organization == before["organization"],
            registration.c.id == before["id"],
            registration.c.position == before["position"],
        )
        .values(
            position=position,
            added=registration.c.added + added,
            duplicates=registration.c.duplicates + duplicates,
            passed_over=registration.c.passed_over + passed_over,
            failed=registration.c.failed + len(errors),
        )
        .returning(registration)
    )
    row = moved.mappings().first()
    first = before["failed"] + 1
    kept = [
        {
            "registration": before["id"],
            "organization": before["organization"],
            "number": number,
            "name": name,
            "error": error,
        }
        for number, (name, error) in enumerate(errors, first)
        if number <= MOST_ERRORS
    ]
    if row is not None and kept:
        await tx.execute(insert(registration_error).values(kept))
    return row
