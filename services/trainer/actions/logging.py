"""What a script logs to an experiment that runs elsewhere."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from libs.store.session import Read, Tx
from services.trainer.actions import external
from services.trainer.core.job import loggable
from services.trainer.core.logs import (
    LABELMAP,
    PARAMETERS,
    Curve,
    LogRefused,
    LogType,
    check,
    curves,
    labels_of,
)
from services.trainer.dto import storable
from services.trainer.errors import LogExists, LogUnknown
from services.trainer.parts import Trainer
from services.trainer.store import logs, runs
from services.trainer.store.runs import Line


async def add(
    parts: Trainer, tx: Tx, row: RowMapping, *,
    name: str, type: LogType, data: Any, replace: bool = True,  # noqa: A002
) -> RowMapping:  # fmt: skip
    """Log something under a name; a line grows, everything else is replaced.

    Raises:
        LogRefused: the data are not of their kind, or the name is another kind's.
        LogExists: there is one of the name, and it is not to be replaced.
    """
    organization, experiment = row["organization"], row["id"]
    held = await logs.find_log(tx, organization, experiment, name)
    if held is not None and not replace:
        raise LogExists(f"the experiment has a log {name!r}")
    if held is not None and (held["type"] == LogType.LINE) is not (type is LogType.LINE):
        raise LogRefused(f"the log {name!r} is a {held['type']}: delete it first")
    row = await external.running(tx, row)
    if type is LogType.LINE:
        return await _grow(parts, tx, row, name, curves(name, data), held)
    data = _said(type, data)
    if type is not LogType.IMAGE:
        check(type, data)
    if name == PARAMETERS and isinstance(data, dict):
        row = await external.changed(tx, row, parameters=_parameters(data))
    if type is LogType.LABELMAP and name == LABELMAP:
        row = await external.changed(tx, row, labels=labels_of(data))
    return await logs.put_log(tx, organization, experiment, name=name, type=type, data=data)


async def replace_line(
    parts: Trainer, tx: Tx, row: RowMapping, held: RowMapping, data: Any
) -> RowMapping:
    """A line from its beginning. Raises LogRefused."""
    new = curves(held["name"], data)
    await logs.clear_points(tx, row["organization"], row["id"], list(held["data"].values()))
    return await _grow(parts, tx, row, held["name"], new, None)


async def rename(tx: Tx, row: RowMapping, held: RowMapping, name: str) -> RowMapping:
    """Another name. Raises LogExists."""
    if await logs.find_log(tx, row["organization"], row["id"], name) is not None:
        raise LogExists(f"the experiment has a log {name!r}")
    return await logs.rename_log(tx, row["organization"], held, name)


async def lines(parts: Trainer, tx: Tx, row: RowMapping, texts: Sequence[str]) -> None:
    """Lines of its log; what is beyond the limit is not kept, and the last one says it."""
    row = await external.running(tx, row)
    now = tx.clock.now()
    room = max(parts.settings.log_limit - row["lines"], 0)
    kept = [Line(now, loggable(text)) for text in texts[:room]]
    if 0 < room < len(texts):
        kept[-1] = Line(now, f"the log is full: only {parts.settings.log_limit} lines are kept")
    if not kept:
        return
    await runs.add_lines(tx, row["organization"], row["id"], kept)
    parts.telling.add(row["organization"], row["id"], attempt=row["attempt"], lines=len(kept))


async def log_and_experiment(
    tx: Tx, organization: UUID, log: UUID
) -> tuple[RowMapping, RowMapping]:
    """A log and its experiment, which is open and locked. Raises LogUnknown, and as `open_one`."""
    held = await logs.log_by_id(tx, organization, log)
    if held is None:
        raise LogUnknown(f"there is no log {log}")
    return held, await external.open_one(tx, organization, held["experiment"])


async def shown(read: Read, organization: UUID, held: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """Logs of one experiment with their data; a line's are its points: `{steps, values}`, or
    these by series. What is no number is null."""
    if not held:
        return []
    experiment = await external.seen(read, organization, held[0]["experiment"])
    wanted = [name for one in held if one["type"] == LogType.LINE for name in one["data"].values()]
    series = (
        await runs.series_of(
            read, organization, experiment["id"], attempt=experiment["attempt"], names=wanted
        )
        if wanted
        else {}
    )

    def points(name: str) -> dict[str, Any]:
        found = series.get(name, ())
        return {
            "steps": [step for step, _ in found],
            "values": [value if abs(value) < float("inf") else None for _, value in found],
        }

    def data(one: RowMapping) -> Any:
        if one["type"] != LogType.LINE:
            return one["data"]
        found = {series: points(name) for series, name in one["data"].items()}
        return found[""] if set(found) == {""} else found

    return [dict(one) | {"data": data(one)} for one in held]


async def _grow(
    parts: Trainer, tx: Tx, row: RowMapping, name: str,
    new: Sequence[Curve], held: RowMapping | None,
) -> RowMapping:  # fmt: skip
    organization, experiment, attempt = row["organization"], row["id"], row["attempt"]
    await logs.add_points(tx, organization, experiment, attempt=attempt, curves=new)
    names = {curve.series: curve.name for curve in new}
    parts.telling.add(organization, experiment, attempt=attempt, series=set(names.values()))
    return await logs.put_log(
        tx, organization, experiment,
        name=name, type=LogType.LINE, data=(held["data"] if held is not None else {}) | names,
    )  # fmt: skip


def _said(type: LogType, data: Any) -> Any:  # noqa: A002
    # A number that is none arrives as null, and the client reads no null back.
    return "NaN" if type is LogType.VALUE and data is None else data


def _parameters(data: dict[str, Any]) -> dict[str, Any]:
    try:
        return storable(data)
    except ValueError as error:
        raise LogRefused(f"the parameters: {error}") from error
