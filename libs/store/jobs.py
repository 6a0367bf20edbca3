"""Leased jobs: long work that a lost worker cannot lose.

QUEUED --claim--> RUNNING --returns--> SUCCEEDED
  ^                  |---raises------> FAILED      (a transient fault: QUEUED, later)
  '--lease expired---'---cancelled---> CANCELLED
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, and_, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import JobChanged, JobState
from libs.schemas.ids import uuid7
from libs.store.session import Read, Tx
from libs.store.tables import job

FINISHED = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class JobFailed(Exception):
    """The job cannot be done; the text is shown to the user. Never tried again."""


class JobNotFound(LookupError):
    """No such job in this organisation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as its worker gets it. `attempt` counts from 1."""

    id: UUID
    organization: UUID
    kind: str
    subject: str
    payload: Mapping[str, Any]
    attempt: int


async def enqueue(
    tx: Tx,
    kind: str,
    *,
    organization: UUID,
    key: str,
    subject: str,
    payload: Mapping[str, Any],
    run_after: datetime | None = None,
) -> UUID:
    """Ask for work once: a job of the same kind and key is not made again, its id is returned.

    `subject` says in words what the work is about, `payload` is JSON.
    """
    now = tx.clock.now()
    made = await tx.execute(
        insert(job)
        .values(
            id=uuid7(now),
            organization=organization,
            kind=kind,
            key=key,
            subject=subject,
            payload=dict(payload),
            state=JobState.QUEUED,
            revision=1,
            run_after=run_after or now,
            created=now,
        )
        .on_conflict_do_nothing(constraint="job_once")
        .returning(job)
    )
    row = made.mappings().first()
    if row is None:
        existing = await tx.scalar(select(job.c.id).where(job.c.kind == kind, job.c.key == key))
        return UUID(str(existing))
    await _tell(tx, row)
    return UUID(str(row["id"]))


async def claim(tx: Tx, kinds: list[str], *, holder: UUID, duration: timedelta) -> Job | None:
    """The job that has been due for longest, now leased to `holder`; None where nothing is due.

    A job whose lease has expired is due again: its worker was lost.
    """
    now = tx.clock.now()
    due = or_(
        and_(job.c.state == JobState.QUEUED, job.c.run_after <= now),
        and_(job.c.state == JobState.RUNNING, job.c.lease_until < now),
    )
    row = await tx.first(
        select(job)
        .where(job.c.kind.in_(kinds), due)
        .order_by(job.c.run_after)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return None
    changed = await _change(
        tx,
        row["id"],
        state=JobState.RUNNING,
        holder=holder,
        lease_until=now + duration,
        attempt=row["attempt"] + 1,
        message="",
        error=None,
    )
    return Job(
        id=changed["id"],
        organization=changed["organization"],
        kind=changed["kind"],
        subject=changed["subject"],
        payload=changed["payload"],
        attempt=changed["attempt"],
    )


async def next_due(read: Read, kinds: list[str]) -> datetime | None:
    """When the next queued job of these kinds is due; None where none is queued."""
    queued = and_(job.c.kind.in_(kinds), job.c.state == JobState.QUEUED)
    due: datetime | None = await read.scalar(select(func.min(job.c.run_after)).where(queued))
    return due


async def heartbeat(tx: Tx, job_id: UUID, *, holder: UUID, duration: timedelta) -> bool | None:
    """Renew the lease. None: it was lost; otherwise whether cancellation was asked for."""
    row = (
        await tx.execute(
            update(job)
            .where(job.c.id == job_id, job.c.holder == holder, job.c.state == JobState.RUNNING)
            .values(lease_until=tx.clock.now() + duration)
            .returning(job.c.cancel_asked)
        )
    ).first()
    return None if row is None else bool(row[0])


async def report(tx: Tx, job_id: UUID, *, done: int, total: int, message: str) -> None:
    """Store progress and tell it."""
    await _change(tx, job_id, done=done, total=total, message=message)


async def finish(
    tx: Tx, job_id: UUID, *, holder: UUID, state: JobState, error: str | None = None
) -> bool:
    """End a job; False where its lease was lost and somebody else runs it."""
    ours = await tx.scalar(
        select(job.c.id).where(job.c.id == job_id, job.c.holder == holder).with_for_update()
    )
    if ours is None:
        return False
    now = tx.clock.now()
    await _change(tx, job_id, state=state, error=error, holder=None, lease_until=None, finished=now)
    return True


async def put_back(tx: Tx, job_id: UUID, *, holder: UUID, after: timedelta, why: str) -> None:
    """Queue a job again after a fault that passes."""
    ours = await tx.scalar(
        select(job.c.id).where(job.c.id == job_id, job.c.holder == holder).with_for_update()
    )
    if ours is not None:
        await _change(
            tx,
            job_id,
            state=JobState.QUEUED,
            holder=None,
            lease_until=None,
            run_after=tx.clock.now() + after,
            message=why,
        )


async def cancel(tx: Tx, job_id: UUID, *, organization: UUID) -> None:
    """Ask for the end of a job: at once where it is queued, at its next step where it runs."""
    row = await tx.first(
        select(job).where(job.c.id == job_id, job.c.organization == organization).with_for_update()
    )
    if row is None:
        raise JobNotFound(f"there is no job {job_id}")
    if row["state"] == JobState.QUEUED:
        await _change(tx, job_id, state=JobState.CANCELLED, finished=tx.clock.now())
    elif row["state"] == JobState.RUNNING:
        await _change(tx, job_id, cancel_asked=True)


async def find(read: Read, job_id: UUID, *, organization: UUID) -> RowMapping:
    """A job's row."""
    row = await read.first(
        select(job).where(job.c.id == job_id, job.c.organization == organization)
    )
    if row is None:
        raise JobNotFound(f"there is no job {job_id}")
    return row


def listed(organization: UUID, *, before: tuple[datetime, UUID] | None) -> Select[Any]:
    """The jobs of an organisation, newest first, before a (time, id)."""
    query = select(job).where(job.c.organization == organization)
    if before is not None:
        query = query.where(tuple_(job.c.created, job.c.id) < before)
    return query.order_by(job.c.created.desc(), job.c.id.desc())


async def _change(tx: Tx, job_id: UUID, **values: object) -> RowMapping:
    changed = await tx.execute(
        update(job)
        .where(job.c.id == job_id)
        .values(revision=job.c.revision + 1, **values)
        .returning(job)
    )
    row = changed.mappings().one()
    await _tell(tx, row)
    return row


async def _tell(tx: Tx, row: RowMapping) -> None:
    await tx.emit(
        JobChanged(
            job=row["id"],
            service=tx.service,
            kind=row["kind"],
            revision=row["revision"],
            state=JobState(row["state"]),
            subject=row["subject"],
            done=row["done"],
            total=row["total"],
            message=row["message"],
            attempt=row["attempt"],
            error=row["error"],
        ),
        organization=row["organization"],
    )
