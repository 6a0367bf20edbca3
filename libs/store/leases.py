"""A lease: one holder at a time, for a while. Unlike an advisory lock it ends with its holder's
node even where the connection lives on for hours."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, or_, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import JobState
from libs.store.session import Tx
from libs.store.tables import job, lease


async def acquire(tx: Tx, name: str, *, holder: UUID, duration: timedelta) -> bool:
    """Take or renew a lease by this process's clock; False while somebody else holds it."""
    now = tx.clock.now()
    taken = insert(lease).values(name=name, holder=holder, until=now + duration)
    statement = taken.on_conflict_do_update(
        index_elements=[lease.c.name],
        set_={"holder": holder, "until": now + duration},
        where=or_(lease.c.holder == holder, lease.c.until < now),
    ).returning(lease.c.holder)
    return (await tx.execute(statement)).first() is not None


async def release(tx: Tx, name: str, *, holder: UUID) -> None:
    """Give a lease back; nothing happens where it is not ours."""
    await tx.execute(delete(lease).where(lease.c.name == name, lease.c.holder == holder))


async def end_all(tx: Tx) -> None:
    """End every lease, of jobs too: for a process that knows it is alone on this database."""
    await tx.execute(delete(lease))
    running = job.c.state == JobState.RUNNING
    await tx.execute(update(job).where(running).values(lease_until=tx.clock.now()))
