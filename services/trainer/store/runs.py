"""Runs of experiments: attempts, log lines, metric points.

RUNNING --ends--> SUCCESS | FAILED | CANCELED   (with its experiment)
   |---worker shut down---> STOPPED             (another attempt follows; it counts for nothing)
   '---worker, process or a part lost---> LOST  (another attempt follows, up to a limit)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, func, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import ExperimentLogged, ExperimentStatus
from libs.store.session import Read, Tx
from services.trainer.store.experiments import ENDED, change, lock_experiment
from services.trainer.store.logs import name_lines
from services.trainer.tables import experiment, log_line, metric_point, run

STOPPED = "STOPPED"
LOST = "LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An experiment that a worker has taken up. `lost`: attempts lost before this one."""

    row: RowMapping
    lost: int

    @property
    def ended(self) -> bool:
        return self.row["status"] in ENDED


@dataclass(frozen=True, slots=True)
class Line:
    time: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Point:
    name: str
    step: int
    value: float


async def take_up(tx: Tx, organization: UUID, experiment_id: UUID) -> Taken | None:
    """Begin the next attempt; a run that is still there has lost its worker.

    An experiment that has ended is returned as it is; None: there is none.
    """
    row = await lock_experiment(tx, organization, experiment_id)
    if row is None:
        return None
    if row["status"] in ENDED:
        return Taken(row=row, lost=0)
    now = tx.clock.now()
    await leave(
        tx, organization, experiment_id, attempt=row["attempt"], state=LOST, why="the worker died"
    )
    attempt = row["attempt"] + 1
    values = {"attempt": attempt, "started": row["started"] or now, "done": 0, "total": 0}
    changed = await change(
        tx,
        organization,
        experiment_id,
        values={"status": ExperimentStatus.RUNNING, **values},
    )
    assert changed is not None
    await tx.execute(
        insert(run).values(
            experiment=experiment_id,
            attempt=attempt,
            organization=organization,
            state=ExperimentStatus.RUNNING,
            started=now,
        )
    )
    return Taken(row=changed, lost=await count_lost(tx, organization, experiment_id))


async def leave(
    tx: Tx, organization: UUID, experiment_id: UUID, *, attempt: int, state: str, why: str
) -> None:
    """End a run without its experiment; nothing happens where it has ended."""
    await tx.execute(
        update(run)
        .where(
            run.c.organization == organization,
            run.c.experiment == experiment_id,
            run.c.attempt == attempt,
            run.c.state == ExperimentStatus.RUNNING,
        )
        .values(state=state, error=why, finished=tx.clock.now())
    )


async def count_lost(read: Read, organization: UUID, experiment_id: UUID) -> int:
    """How many attempts were lost."""
    found = await read.scalar(
        select(func.count())
        .select_from(run)
        .where(
            run.c.organization == organization,
            run.c.experiment == experiment_id,
            run.c.state == LOST,
        )
    )
    return int(found)


async def append(
    tx: Tx,
    organization: UUID,
    experiment_id: UUID,
    *,
    attempt: int,
    lines: Sequence[Line],
    points: Sequence[Point],
) -> int | None:
    """Add to an experiment's log and series, and tell it. Returns the number of its lines.

    None: this is not the current attempt any more, nothing was written.
    """
    counted = await tx.scalar(
        update(experiment)
        .where(
            experiment.c.organization == organization,
            experiment.c.id == experiment_id,
            experiment.c.attempt == attempt,
            experiment.c.status == ExperimentStatus.RUNNING,
        )
        .values(lines=experiment.c.lines + len(lines))
        .returning(experiment.c.lines)
    )
    if counted is None:
        return None
    await _insert_lines(tx, organization, experiment_id, lines, last=int(counted))
    if points:
        await tx.execute(
            insert(metric_point).on_conflict_do_nothing(),
            [
                {
                    "experiment": experiment_id,
                    "attempt": attempt,
                    "name": point.name,
                    "step": point.step,
                    "organization": organization,
                    "value": point.value,
                }
                for point in points
            ],
        )
        names = sorted({point.name for point in points})
        await name_lines(tx, organization, experiment_id, names)
    await tx.emit(
        ExperimentLogged(
            experiment=experiment_id,
            attempt=attempt,
            lines=len(lines),
            metrics=sorted({point.name for point in points}),
        ),
        organization=organization,
    )
    return int(counted)


async def add_lines(tx: Tx, organization: UUID, experiment_id: UUID, lines: Sequence[Line]) -> None:
    """Add to the log of an experiment that runs elsewhere."""
    counted = await tx.scalar(
        update(experiment)
        .where(experiment.c.organization == organization, experiment.c.id == experiment_id)
        .values(lines=experiment.c.lines + len(lines))
        .returning(experiment.c.lines)
    )
    await _insert_lines(tx, organization, experiment_id, lines, last=int(counted))


async def log_after(
    read: Read, organization: UUID, experiment_id: UUID, *, after: int, limit: int
) -> Sequence[RowMapping]:
    """Up to `limit` lines whose number is beyond `after`, in order."""
    return await read.all(
        select(log_line.c.n, log_line.c.time, log_line.c.text)
        .where(
            log_line.c.organization == organization,
            log_line.c.experiment == experiment_id,
            log_line.c.n > after,
        )
        .order_by(log_line.c.n)
        .limit(limit)
    )


async def series_of(
    read: Read,
    organization: UUID,
    experiment_id: UUID,
    *,
    attempt: int,
    names: Sequence[str] | None = None,
) -> Mapping[str, Sequence[tuple[int, float]]]:
    """(step, value) of each series of an attempt, or of those named, in order of steps."""
    query = select(metric_point.c.name, metric_point.c.step, metric_point.c.value).where(
        metric_point.c.organization == organization,
        metric_point.c.experiment == experiment_id,
        metric_point.c.attempt == attempt,
    )
    if names is not None:
        query = query.where(metric_point.c.name.in_(names))
    rows = await read.all(query.order_by(metric_point.c.name, metric_point.c.step))
    series: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        series.setdefault(row["name"], []).append((row["step"], row["value"]))
    return series


async def _insert_lines(
    tx: Tx, organization: UUID, experiment_id: UUID, lines: Sequence[Line], *, last: int
) -> None:
    """Lines whose numbers end with `last`."""
    if not lines:
        return
    await tx.execute(
        insert(log_line),
        [
            {
                "experiment": experiment_id,
                "n": n,
                "organization": organization,
                "time": line.time,
                "text": line.text,
            }
            for n, line in enumerate(lines, start=last - len(lines) + 1)
        ],
    )
