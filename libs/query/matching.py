"""A query answered in Python: what the SQL must agree with."""

from collections.abc import Callable, Mapping
from datetime import datetime
from operator import eq, ge, gt, le, lt
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from libs.query.tree import All, Condition, Expression, Kind, Operator, Period, Some

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_ORDER: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUAL: eq, Operator.GREATER: gt, Operator.GREATER_EQUAL: ge,
    Operator.LESS: lt, Operator.LESS_EQUAL: le,
}  # fmt: skip
# A negation holds exactly where its counterpart does not, on an absent value too.
NEGATED = {
    Operator.UNEQUAL: Operator.EQUAL,
    Operator.NOT_IN: Operator.IN,
    Operator.CONTAINS_NOT: Operator.CONTAINS,
    Operator.STARTS_NOT: Operator.STARTS,
    Operator.ENDS_NOT: Operator.ENDS,
}


def matches(wanted: Expression, row: Mapping[str, Any]) -> bool:
    """Whether a row (field → value, None where absent; a SET is a collection) is wanted."""
    match wanted:
        case All(parts):
            return all(matches(part, row) for part in parts)
        case Some(parts):
            return any(matches(part, row) for part in parts)
        case Condition():
            return _holds(wanted, row[wanted.field])
    raise TypeError(f"{wanted} is not checked")


def _holds(asked: Condition, held: Any) -> bool:
    if asked.operator in NEGATED:
        return not _positive(asked, NEGATED[asked.operator], held)
    return _positive(asked, asked.operator, held)


def _positive(asked: Condition, operator: Operator, held: Any) -> bool:
    if asked.kind is Kind.SET:
        return any(not held if value is None else value in held for value in asked.values)
    if held is None:
        return operator is Operator.EQUAL and asked.values == (None,)
    if operator is Operator.IN:
        return held in asked.values
    (value,) = asked.values
    if value is None:
        return False
    if isinstance(value, Period):
        return _in_time(held, operator, value)
    match operator:
        case Operator.CONTAINS:
            return _lower(value) in _lower(held)
        case Operator.STARTS:
            return _lower(held).startswith(_lower(value))
        case Operator.ENDS:
            return _lower(held).endswith(_lower(value))
    return _ORDER[operator](held, value)


def _in_time(held: datetime, operator: Operator, asked: Period) -> bool:
    match operator:
        case Operator.GREATER:
            return held >= asked.end
        case Operator.GREATER_EQUAL:
            return held >= asked.start
        case Operator.LESS:
            return held < asked.start
        case Operator.LESS_EQUAL:
            return held < asked.end
    return asked.start <= held < asked.end


def _lower(text: Any) -> str:
    return str(text).translate(_LOWER)
