"""How far a deployment's numbers are, and the register of its label names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    RowMapping,
    Table,
    Uuid,
    and_,
    bindparam,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from libs.store.session import Read, Tx
from libs.store.tables import Timestamp, job
from services.metrics.errors import RegisterLost
from services.metrics.tables import prediction, progress, reference, register


def _same(table: Table) -> ColumnElement[bool]:
    return and_(
        table.c.deployment == _WANTED.c.deployment, table.c.organization == _WANTED.c.organization
    )


_ADVANCE = text(
    "INSERT INTO progress AS p (deployment, organization, predictions, logged, scored, reviewed, "
    "referenced, moved, changed) VALUES (:deployment, :organization, :predictions, :logged, "
    ":scored, :reviewed, :referenced, 1, :changed) ON CONFLICT (deployment) DO UPDATE SET "
    "predictions = p.predictions + excluded.predictions, logged = p.logged + excluded.logged, "
    "scored = p.scored + excluded.scored, reviewed = p.reviewed + excluded.reviewed, "
    "referenced = p.referenced + excluded.referenced, moved = p.moved + 1, "
    "changed = excluded.changed RETURNING moved"
).bindparams(
    bindparam("deployment", type_=Uuid()),
    bindparam("organization", type_=Uuid()),
    bindparam("changed", type_=Timestamp),
    *(
        bindparam(name, type_=BigInteger())
        for name in ("predictions", "logged", "scored", "reviewed", "referenced")
    ),
)
_REGISTER = select(register.c.names, register.c.versions)
_WANTED = select(
    bindparam("deployment", type_=Uuid()).label("deployment"),
    bindparam("organization", type_=Uuid()).label("organization"),
).subquery("wanted")
_STANDING = (
    select(
        *(column for column in progress.c if column.name not in ("deployment", "organization")),
        register.c.names,
        register.c.versions,
        *(column for column in reference.c if column.name != "organization"),
        job.c.state.label("job_state"),
        job.c.done.label("job_done"),
        job.c.total.label("job_total"),
        job.c.error.label("job_error"),
    )
    .select_from(_WANTED)
    .join(progress, _same(progress), isouter=True)
    .join(register, _same(register), isouter=True)
    .join(reference, _same(reference), isouter=True)
    .join(job, job.c.id == reference.c.job, isouter=True)
)


async def advance(
    tx: Tx,
    organization: UUID,
    deployment: UUID,
    *,
    predictions: int = 0,
    logged: int = 0,
    scored: int = 0,
    reviewed: int = 0,
    referenced: int = 0,
) -> int:
    """Say that numbers move; `predictions` is how many more are counted. Returns the move's number.

    Holds the deployment's row until the transaction ends: before the buckets are written, and as
    late as can be.
    """
    moved: int = (
        await tx.execute(
            _ADVANCE.bindparams(
                deployment=deployment,
                organization=organization,
                changed=tx.clock.now(),
                predictions=predictions,
                logged=logged,
                scored=scored,
                reviewed=reviewed,
                referenced=referenced,
            )
        )
    ).scalar_one()
    return moved


async def standing(read: Read, organization: UUID, deployment: UUID) -> RowMapping:
    """All that a dashboard needs to know by key, in one read; null where there is nothing.

    How far the deployment is, its register (`names`), its reference (`id` and more), the
    reference's job (`job_state` …).
    """
    found = await read.first(_STANDING.params(deployment=deployment, organization=organization))
    assert found is not None
    return found


async def find(read: Read, organization: UUID, deployment: UUID) -> RowMapping | None:
    """How far a deployment is; None: nothing was counted yet."""
    return await read.first(
        select(progress).where(
            progress.c.deployment == deployment, progress.c.organization == organization
        )
    )


async def counted(
    read: Read, organization: UUID, deployments: Sequence[UUID]
) -> dict[UUID, tuple[int, datetime | None]]:
    """Predictions of each deployment that has any, and the event time of the newest."""
    newest = (
        select(prediction.c.event_time)
        .where(
            prediction.c.deployment == progress.c.deployment,
            prediction.c.deleted.is_(other=False),
        )
        .order_by(prediction.c.event_time.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = await read.all(
        select(progress.c.deployment, progress.c.predictions, newest.label("newest")).where(
            progress.c.organization == organization, progress.c.deployment.in_(deployments)
        )
    )
    return {row["deployment"]: (row["predictions"], row["newest"]) for row in rows}


async def changed_since(read: Read, since: datetime) -> list[RowMapping]:
    """Deployments, of every organisation, whose numbers moved at `since` or later."""
    return await read.all(select(progress).where(progress.c.changed >= since))


async def register_all(
    tx: Tx,
    organization: UUID,
    deployment: UUID,
    names: Sequence[str],
    versions: Sequence[UUID] = (),
) -> "Register":
    """Where labels and versions stand in the register; those that are new are added to its end."""
    mine = register.c.deployment == deployment, register.c.organization == organization
    row = await tx.first(_REGISTER.where(*mine))
    known = list(row["names"]) if row is not None else []
    told = list(row["versions"]) if row is not None else []
    if not (set(names) <= set(known) and set(versions) <= set(told)):
        await tx.execute(
            insert(register)
            .values(deployment=deployment, organization=organization, names=[], versions=[])
            .on_conflict_do_nothing()
        )
        locked = await tx.first(_REGISTER.where(*mine).with_for_update())
        if locked is None:
            raise RegisterLost(deployment)
        known = list(dict.fromkeys([*locked["names"], *names]))
        told = list(dict.fromkeys([*locked["versions"], *versions]))
        await tx.execute(update(register).where(*mine).values(names=known, versions=told))
    return Register(
        {name: index for index, name in enumerate(known)},
        {version: index for index, version in enumerate(told)},
    )


@dataclass(frozen=True, slots=True)
class Register:
    """Positions of label names and of model versions."""

    labels: dict[str, int]
    versions: dict[UUID, int]
