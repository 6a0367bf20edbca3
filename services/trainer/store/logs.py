"""What experiments show: values, tables, lines with their points."""

import math
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, func, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert

from libs.schemas.ids import uuid7
from libs.store.session import Read, Tx
from services.trainer.core.logs import Curve, LogType, name_of
from services.trainer.tables import log, metric_point

_ROWS = 5_000


async def put_log(
    tx: Tx, organization: UUID, experiment_id: UUID, *, name: str, type: LogType, data: Any  # noqa: A002
) -> RowMapping:  # fmt: skip
    """A log of this name and its data; another of the name is replaced."""
    now = tx.clock.now()
    made = await tx.execute(
        insert(log)
        .values(
            id=uuid7(now),
            organization=organization,
            experiment=experiment_id,
            name=name,
            type=type,
            data=data,
            changed=now,
        )
        .on_conflict_do_update(
            constraint="log_named_once", set_={"type": type, "data": data, "changed": now}
        )
        .returning(log)
    )
    return made.mappings().one()


async def name_lines(tx: Tx, organization: UUID, experiment_id: UUID, names: Sequence[str]) -> None:
    """See that there is a LINE of each name."""
    now = tx.clock.now()
    await tx.execute(
        insert(log).on_conflict_do_nothing(constraint="log_named_once"),
        [
            {
                "id": uuid7(now),
                "organization": organization,
                "experiment": experiment_id,
                "name": name,
                "type": LogType.LINE,
                "data": {"": name},
                "changed": now,
            }
            for name in names
        ],
    )


async def find_log(
    read: Read, organization: UUID, experiment_id: UUID, name: str
) -> RowMapping | None:
    """A log by its name."""
    return await read.first(
        select(log).where(
            log.c.organization == organization,
            log.c.experiment == experiment_id,
            log.c.name == name,
        )
    )


async def log_by_id(read: Read, organization: UUID, log_id: UUID) -> RowMapping | None:
    """A log."""
    return await read.first(
        select(log).where(log.c.organization == organization, log.c.id == log_id)
    )


async def list_logs(read: Read, organization: UUID, experiment_id: UUID) -> Sequence[RowMapping]:
    """An experiment's logs, by name."""
    return await read.all(
        select(log)
        .where(log.c.organization == organization, log.c.experiment == experiment_id)
        .order_by(log.c.name)
    )


async def rename_log(tx: Tx, organization: UUID, row: RowMapping, name: str) -> RowMapping:
    """Give a log another name, one that none has; a line's points go with it."""
    data = row["data"]
    if row["type"] == LogType.LINE:
        data = {series: name_of(name, series) for series in data}
        for series, old in row["data"].items():
            await tx.execute(
                update(metric_point)
                .where(
                    metric_point.c.organization == organization,
                    metric_point.c.experiment == row["experiment"],
                    metric_point.c.name == old,
                )
                .values(name=data[series])
            )
    changed = await tx.execute(
        update(log)
        .where(log.c.organization == organization, log.c.id == row["id"])
        .values(name=name, data=data, changed=tx.clock.now())
        .returning(log)
    )
    return changed.mappings().one()


async def delete_log(tx: Tx, organization: UUID, row: RowMapping) -> None:
    """Delete a log; a line with its points."""
    if row["type"] == LogType.LINE:
        await clear_points(tx, organization, row["experiment"], list(row["data"].values()))
    await tx.execute(delete(log).where(log.c.organization == organization, log.c.id == row["id"]))


async def clear_points(
    tx: Tx, organization: UUID, experiment_id: UUID, names: Sequence[str]
) -> None:
    """Delete the points of series."""
    await tx.execute(
        delete(metric_point).where(
            metric_point.c.organization == organization,
            metric_point.c.experiment == experiment_id,
            metric_point.c.name.in_(names),
        )
    )


async def add_points(
    tx: Tx, organization: UUID, experiment_id: UUID, *, attempt: int, curves: Sequence[Curve]
) -> None:
    """Add points; one of a step that is there replaces it. Call under the experiment's lock."""
    points: dict[tuple[str, int], float] = {}
    for curve in curves:
        steps: Sequence[int] | None = curve.steps
        if steps is None:
            last = await _last_step(tx, organization, experiment_id, attempt, curve.name)
            steps = range(last + 1, last + 1 + len(curve.values))
        points |= {
            (curve.name, step): value for step, value in zip(steps, curve.values, strict=True)
        }
    rows = [
        {
            "experiment": experiment_id,
            "attempt": attempt,
            "name": name,
            "step": step,
            "organization": organization,
            "value": value,
        }
        for (name, step), value in points.items()
    ]
    new = insert(metric_point)
    for start in range(0, len(rows), _ROWS):
        await tx.execute(
            new.on_conflict_do_update(
                constraint=metric_point.primary_key, set_={"value": new.excluded.value}
            ),
            rows[start : start + _ROWS],
        )


async def last_values(
    read: Read, organization: UUID, experiment_id: UUID, *, attempt: int
) -> dict[str, float]:
    """The last value of each series of an attempt, where it is a number."""
    rows = await read.all(
        select(metric_point.c.name, metric_point.c.value)
        .ext(distinct_on(metric_point.c.name))
        .where(
            metric_point.c.organization == organization,
            metric_point.c.experiment == experiment_id,
            metric_point.c.attempt == attempt,
        )
        .order_by(metric_point.c.name, metric_point.c.step.desc())
    )
    return {row["name"]: row["value"] for row in rows if math.isfinite(row["value"])}


async def _last_step(
    read: Read, organization: UUID, experiment_id: UUID, attempt: int, name: str
) -> int:
    found = await read.scalar(
        select(func.max(metric_point.c.step)).where(
            metric_point.c.organization == organization,
            metric_point.c.experiment == experiment_id,
            metric_point.c.attempt == attempt,
            metric_point.c.name == name,
        )
    )
    return -1 if found is None else int(found)
