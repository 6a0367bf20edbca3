"""References of deployments and the looks taken against them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert

from libs.store.session import Read, Tx
from libs.store.tables import job
from services.metrics.tables import look, prediction, reference


async def find(read: Read, organization: UUID, deployment: UUID) -> RowMapping | None:
    """A deployment's reference with the state of the job that makes it."""
    return await read.first(
        select(
            reference,
            job.c.state.label("job_state"),
            job.c.done.label("job_done"),
            job.c.total.label("job_total"),
            job.c.error.label("job_error"),
            job.c.payload.label("job_payload"),
        )
        .join(job, job.c.id == reference.c.job, isouter=True)
        .where(reference.c.deployment == deployment, reference.c.organization == organization)
    )


async def every(read: Read) -> list[RowMapping]:
    """Every deployment's reference with the state of its job, of every organisation."""
    return await read.all(
        select(reference, job.c.state.label("job_state")).join(
            job, job.c.id == reference.c.job, isouter=True
        )
    )


async def pin(tx: Tx, organization: UUID, deployment: UUID, *, pinned: bool) -> None:
    """Say whether a reference stays after a promotion."""
    await tx.execute(
        update(reference)
        .where(reference.c.deployment == deployment, reference.c.organization == organization)
        .values(pinned=pinned)
    )


async def keep_with(tx: Tx, organization: UUID, deployment: UUID, champion: UUID) -> None:
    """A reference goes on under another champion."""
    await tx.execute(
        update(reference)
        .where(reference.c.deployment == deployment, reference.c.organization == organization)
        .values(champion=champion)
    )


async def first_pictures(
    read: Read, organization: UUID, deployment: UUID, *, limit: int
) -> list[str]:
    """Keys of the pictures of the first images logged, in time."""
    rows = await read.all(
        select(prediction.c.picture)
        .where(
            prediction.c.deployment == deployment,
            prediction.c.organization == organization,
            prediction.c.deleted.is_(other=False),
            prediction.c.picture.is_not(None),
        )
        .order_by(prediction.c.event_time, prediction.c.id)
        .limit(limit)
    )
    return [row["picture"] for row in rows]


async def all_ready(read: Read) -> list[RowMapping]:
    """Every deployment's reference that can be compared with, of every organisation."""
    return await read.all(select(reference).where(reference.c.ready.is_not(None)))


async def put(tx: Tx, row: Mapping[str, Any]) -> None:
    """Set a deployment's reference, not yet ready; what was is replaced."""
    fresh: dict[str, Any] = {
        "digest": None,
        "key": None,
        "images": 0,
        "compared": 0,
        "window": 0,
        "threshold": None,
        "features": [],
        "labels": {},
        "ready": None,
    }
    values = fresh | dict(row)
    await tx.execute(
        insert(reference)
        .values(values)
        .on_conflict_do_update(
            index_elements=[reference.c.deployment],
            set_={name: value for name, value in values.items() if name != "deployment"},
        )
    )


async def make_ready(tx: Tx, deployment: UUID, reference_id: UUID, **values: Any) -> bool:
    """Store what the job found; False where another reference was set meanwhile."""
    made = await tx.execute(
        update(reference)
        .where(reference.c.deployment == deployment, reference.c.id == reference_id)
        .values(ready=tx.clock.now(), **values)
        .returning(reference.c.id)
    )
    return made.first() is not None


async def remove(tx: Tx, organization: UUID, deployment: UUID) -> RowMapping | None:
    """Switch a reference off; its row as it was."""
    gone = await tx.execute(
        delete(reference)
        .where(reference.c.deployment == deployment, reference.c.organization == organization)
        .returning(reference)
    )
    return gone.mappings().first()


async def ask_for_scores(
    tx: Tx, organization: UUID, deployment: UUID, *, formers: Sequence[UUID]
) -> None:
    """Every prediction with a picture waits to be scored (again).

    One without a picture keeps its score, but for one of the `formers`: that is taken out.
    """
    has_picture = prediction.c.picture.is_not(None)
    scorable = or_(has_picture, prediction.c.reference.in_(formers)) if formers else has_picture
    await tx.execute(
        update(prediction)
        .where(
            prediction.c.deployment == deployment,
            prediction.c.organization == organization,
            scorable,
            prediction.c.pending.is_(other=False),
        )
        .values(pending=True)
    )


async def pending(
    read: Read, organization: UUID, deployment: UUID, *, limit: int
) -> list[RowMapping]:
    """The newest predictions that wait to be scored."""
    return await read.all(
        select(prediction.c.id, prediction.c.picture, prediction.c.event_time, prediction.c.content)
        .where(
            prediction.c.deployment == deployment,
            prediction.c.organization == organization,
            prediction.c.pending,
        )
        .order_by(prediction.c.event_time.desc(), prediction.c.id.desc())
        .limit(limit)
    )


async def set_scored(tx: Tx, deployment: UUID, prediction_id: UUID, **values: Any) -> None:
    """Keep what scoring found, or that nothing could be found."""
    await tx.execute(
        update(prediction)
        .where(prediction.c.deployment == deployment, prediction.c.id == prediction_id)
        .values(pending=False, **values)
    )


async def live_features(
    read: Read, organization: UUID, deployment: UUID, reference_id: UUID, *, limit: int
) -> list[RowMapping]:
    """Packed features of the newest scored images, newest first."""
    return await read.all(
        select(prediction.c.event_time, prediction.c.features)
        .where(
            prediction.c.deployment == deployment,
            prediction.c.organization == organization,
            prediction.c.reference == reference_id,
        )
        .order_by(prediction.c.event_time.desc(), prediction.c.id.desc())
        .limit(limit)
    )


async def last_look(
    read: Read, organization: UUID, deployment: UUID, reference_id: UUID
) -> RowMapping | None:
    """The newest look."""
    return await read.first(
        select(look)
        .where(
            look.c.deployment == deployment,
            look.c.organization == organization,
            look.c.reference == reference_id,
        )
        .order_by(look.c.time.desc())
        .limit(1)
    )


async def last_looks(read: Read, organization: UUID) -> dict[UUID, RowMapping]:
    """The newest look at each deployment of an organisation, with its reference's sizes."""
    newest = (
        select(look.c.d, look.c.alarm)
        .where(look.c.deployment == reference.c.deployment, look.c.reference == reference.c.id)
        .order_by(look.c.time.desc())
        .limit(1)
        .lateral("newest")
    )
    rows = await read.all(
        select(
            reference.c.deployment,
            reference.c.compared,
            reference.c.window,
            reference.c.threshold,
            newest.c.d,
            newest.c.alarm,
        )
        .select_from(reference.join(newest, true()))
        .where(reference.c.organization == organization, reference.c.ready.is_not(None))
    )
    return {row["deployment"]: row for row in rows}


async def looks(
    read: Read,
    organization: UUID,
    deployment: UUID,
    reference_id: UUID,
    start: datetime,
    end: datetime,
    *,
    limit: int,
) -> list[RowMapping]:
    """The newest looks of a range, newest first."""
    return await read.all(
        select(look.c.time, look.c.d)
        .where(
            look.c.deployment == deployment,
            look.c.organization == organization,
            look.c.reference == reference_id,
            look.c.time >= start,
            look.c.time < end,
        )
        .order_by(look.c.time.desc())
        .limit(limit)
    )


async def add_looks(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store looks; one at a time that has one already is left as it is."""
    if rows:
        await tx.execute(insert(look).values([dict(row) for row in rows]).on_conflict_do_nothing())


async def forget_looks(
    tx: Tx, organization: UUID, deployment: UUID, reference_id: UUID, *, since: datetime
) -> None:
    """Forget the looks from a time on: an image came into their windows."""
    await tx.execute(
        delete(look).where(
            look.c.deployment == deployment,
            look.c.organization == organization,
            look.c.reference == reference_id,
            look.c.time >= since,
        )
    )
