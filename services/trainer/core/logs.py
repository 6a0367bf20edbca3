"""What an experiment may log: kinds, and the curves of a line."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MOST_POINTS = 20_000
"""Points of one call."""
LARGEST = 2**20
"""Bytes of JSON of one log."""
PARAMETERS = "parameters"
LABELMAP = "labelmap"
_LARGEST_STEP = 2**53


class LogRefused(ValueError):
    """The data are not of their kind; the sentence says how."""


class LogType(StrEnum):
    """Kinds of logs. A LINE grows with each call, every other kind is replaced."""

    VALUE = "VALUE"
    LINE = "LINE"
    BAR = "BAR"
    TABLE = "TABLE"
    HEATMAP = "HEATMAP"
    IMAGE = "IMAGE"
    LABELMAP = "LABELMAP"
    EVALUATION = "EVALUATION"


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one series of a line; `steps` None: they follow the ones that are there.

    `series` is empty where the line has one only. `name`: what the points are kept under. A value
    that is no number (a loss that diverged) is NaN.
    """

    series: str
    name: str
    values: tuple[float, ...]
    steps: tuple[int, ...] | None = None


def curves(name: str, data: Any) -> list[Curve]:
    """The curves of a LINE: a number, numbers, `{steps, values}`, or these by the series' name.

    Raises LogRefused.
    """
    if isinstance(data, Mapping) and "values" not in data:
        if not data:
            raise LogRefused("a line needs a number")
        found = [_curve(series, name_of(name, series), one) for series, one in data.items()]
    else:
        found = [_curve("", name, data)]
    if sum(len(curve.values) for curve in found) > MOST_POINTS:
        raise LogRefused(f"more than {MOST_POINTS} points at once")
    return found


def name_of(line: str, series: str) -> str:
    """What the points of a line's series are kept under."""
    return f"{line}/{series}" if series else line


def check(kind: LogType, data: Any) -> None:
    """Whether data are of their kind (LINE and IMAGE apart) and can be kept. Raises LogRefused."""
    match kind, data:
        case LogType.VALUE, str() | int() | float():
            pass
        case LogType.BAR, {"x": list(x), "y": list(y)} if len(x) == len(y):
            pass
        case LogType.TABLE | LogType.EVALUATION, dict() | list():
            pass
        case LogType.HEATMAP, {"values": list(rows)} if _rectangle(rows):
            pass
        case LogType.LABELMAP, dict() if all(isinstance(one, str) for one in data.values()):
            pass
        case _:
            raise LogRefused(f"a {kind} is {_SHAPES[kind]}")
    try:
        text = json.dumps(data, ensure_ascii=False)
        text.encode()
    except ValueError as error:  # a lone surrogate
        raise LogRefused(f"cannot be kept: {error}") from error
    if "\\u0000" in text:
        raise LogRefused("holds a NUL character")
    if len(text) > LARGEST:
        raise LogRefused(f"is longer than {LARGEST} bytes of JSON")


def labels_of(data: Mapping[str, str]) -> list[str]:
    """A labelmap's names in the order of their numbers 0, 1, 2 …; none where it has others."""
    wanted = [str(number) for number in range(len(data))]
    return [data[number] for number in wanted] if set(wanted) == set(data) else []


_SHAPES = {
    LogType.VALUE: "a number or a text",
    LogType.BAR: "{x, y} of equal lengths",
    LogType.TABLE: "a document or a list",
    LogType.EVALUATION: "a document or a list",
    LogType.HEATMAP: "{categories, values} with a matrix as values",
    LogType.LABELMAP: "names by number",
    LogType.IMAGE: "an uploaded file",
    LogType.LINE: "numbers",
}


def _rectangle(rows: Sequence[Any]) -> bool:
    return all(isinstance(row, list) for row in rows) and len({len(row) for row in rows}) <= 1


def _curve(series: str, name: str, data: Any) -> Curve:
    match data:
        case {"values": list(values), "steps": list(steps)}:
            if len(steps) != len(values):
                raise LogRefused(f"{name}: {len(steps)} steps and {len(values)} values")
            return Curve(series, name, _numbers(name, values), _steps(name, steps))
        case {"values": list(values)} | list(values):
            return Curve(series, name, _numbers(name, values))
        case _:
            return Curve(series, name, _numbers(name, [data]))


def _numbers(name: str, values: Sequence[Any]) -> tuple[float, ...]:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise LogRefused(f"{name}: {value!r:.60} is no number")
    return tuple(math.nan if value is None else _finite(value) for value in values)


def _finite(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _steps(name: str, steps: Sequence[Any]) -> tuple[int, ...]:
    for step in steps:
        whole = isinstance(step, int | float) and not isinstance(step, bool) and step == step // 1
        if not whole or not 0 <= step < _LARGEST_STEP:
            raise LogRefused(f"{name}: {step!r:.60} is no step: whole numbers from 0 on")
    return tuple(int(step) for step in steps)
