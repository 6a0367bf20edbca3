"""Declared fields, and a query checked against them: names, operators, types of values."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from libs.query.tree import (
    All,
    Comparison,
    Condition,
    Expression,
    Kind,
    Literal,
    Operator,
    Period,
    QueryRefused,
    Some,
    Span,
    Value,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """`choices`: all values of a CHOICE; of a SET or TEXT those worth proposing.

    `closed`: a value that is none of the choices is refused.
    """

    kind: Kind
    what: str
    nullable: bool = False
    choices: tuple[str, ...] = ()
    closed: bool = False


Fields = Mapping[str, Field]

_ORDER = (
    Operator.EQUAL, Operator.UNEQUAL, Operator.GREATER, Operator.GREATER_EQUAL, Operator.LESS,
    Operator.LESS_EQUAL,
)  # fmt: skip
_LISTS = (Operator.IN, Operator.NOT_IN)
_SAME = (Operator.EQUAL, Operator.UNEQUAL)
OPERATORS: dict[Kind, tuple[Operator, ...]] = {
    Kind.INTEGER: (*_ORDER, *_LISTS),
    Kind.NUMBER: (*_ORDER, *_LISTS),
    Kind.TEXT: (
        *_SAME, Operator.CONTAINS, Operator.CONTAINS_NOT, Operator.STARTS, Operator.STARTS_NOT,
        Operator.ENDS, Operator.ENDS_NOT, *_LISTS,
    ),
    Kind.CHOICE: (*_SAME, *_LISTS),
    Kind.BOOLEAN: _SAME,
    Kind.TIME: _ORDER,
    Kind.UUID: (*_SAME, *_LISTS),
    Kind.SET: (*_SAME, *_LISTS),
}  # fmt: skip


def checked(tree: Expression, fields: Fields) -> Expression:
    """The same tree with values of the fields' types.

    Raises:
        QueryRefused: an unknown field, an operator it has not, a value of another type.
    """
    match tree:
        case All(parts):
            return All(tuple(checked(part, fields) for part in parts))
        case Some(parts):
            return Some(tuple(checked(part, fields) for part in parts))
        case Comparison():
            return _condition(tree, fields)
    raise AssertionError(tree)


def _condition(said: Comparison, fields: Fields) -> Condition:
    field = fields.get(said.field)
    if field is None:
        raise QueryRefused(f"there is no field {said.field}", said.at, near(said.field, fields))
    if said.operator not in OPERATORS[field.kind]:
        usual = " ".join(OPERATORS[field.kind])
        raise QueryRefused(
            f"{said.field} ({field.kind}) has no operator {said.operator}; it has {usual}",
            said.operator_at,
        )
    listed = said.value if isinstance(said.value, tuple) else (said.value,)
    values = tuple(
        _value(said, field, literal, at) for literal, at in zip(listed, said.values, strict=True)
    )
    return Condition(said.field, field.kind, said.operator, values)


def _value(said: Comparison, field: Field, literal: Literal, at: Span) -> Value | None:
    if literal is None:
        if said.operator not in _SAME:
            raise QueryRefused("None goes with = and != only", at)
        if not field.nullable and field.kind is not Kind.SET:
            raise QueryRefused(f"{said.field} always has a value", at)
        return None
    value = _READERS[field.kind](literal)
    if value is None:
        raise QueryRefused(f"{said.field} is compared with {_TAKES[field.kind]}", at)
    closed = field.closed or field.kind is Kind.CHOICE
    if closed and isinstance(value, str) and value not in field.choices:
        known = ", ".join(f'"{choice}"' for choice in field.choices[:20])
        meant = tuple(f'"{name}"' for name in near(value, field.choices))
        raise QueryRefused(f'"{value[:60]}" is none of {known or "nothing"}', at, meant)
    return value


def near(name: str, known: Mapping[str, object] | tuple[str, ...]) -> tuple[str, ...]:
    """Names that may have been meant, the likeliest first."""
    return tuple(difflib.get_close_matches(name, list(known), n=2, cutoff=0.5))


def _integer(literal: Literal) -> int | None:
    if isinstance(literal, bool) or not isinstance(literal, int):
        return None
    return literal if abs(literal) < 2**63 else None


def _number(literal: Literal) -> float | None:
    if isinstance(literal, bool) or not isinstance(literal, int | float):
        return None
    return float(literal) if abs(literal) < 1e300 else None


def _text(literal: Literal) -> str | None:
    return literal if isinstance(literal, str) else None


def _boolean(literal: Literal) -> bool | None:
    return literal if isinstance(literal, bool) else None


def _uuid(literal: Literal) -> UUID | None:
    try:
        return UUID(literal) if isinstance(literal, str) else None
    except ValueError:
        return None


_TIME = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?)?)?(Z|[+-]\d\d:\d\d)?$"
)


def _time(literal: Literal) -> Period | None:
    found = _TIME.match(literal) if isinstance(literal, str) else None
    if found is None:
        return None
    *parts, zone = found.groups()
    given = [int(part) for part in parts if part is not None]
    year, month, day, hour, minute, second = given + [1, 1, 1, 0, 0, 0][len(given) :]
    try:
        offset = datetime.fromisoformat(f"2000-01-01T00:00:00{zone or 'Z'}").tzinfo
        start = datetime(year, month, day, hour, minute, second, tzinfo=offset)
        return Period(start.astimezone(UTC), _end(start, len(given)).astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _end(start: datetime, given: int) -> datetime:
    """The first moment after what was said with `given` parts: year, month, day, minute, second."""
    if given == 1:
        return start.replace(year=start.year + 1)
    if given == 2:
        return (start + timedelta(days=31)).replace(day=1)
    return start + {
        3: timedelta(days=1), 5: timedelta(minutes=1), 6: timedelta(seconds=1),
    }[given]  # fmt: skip


_READERS: dict[Kind, Callable[[Literal], Value | None]] = {
    Kind.INTEGER: _integer, Kind.NUMBER: _number, Kind.TEXT: _text, Kind.CHOICE: _text,
    Kind.BOOLEAN: _boolean, Kind.TIME: _time, Kind.UUID: _uuid, Kind.SET: _text,
}  # fmt: skip
_TAKES = {
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a number",
    Kind.TEXT: "a string",
    Kind.CHOICE: "a string",
    Kind.BOOLEAN: "True or False",
    Kind.TIME: 'a time such as "2026-11", "2026-11-21" or "2026-11-21 14:30+01:00"',
    Kind.UUID: "an id in a string",
    Kind.SET: "a string",
}
