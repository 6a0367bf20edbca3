"""A query as a condition in SQL."""

from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt
from typing import Any

from sqlalchemy import ColumnElement, and_, collate, false, func, literal, not_, or_

from libs.query.matching import NEGATED
from libs.query.tree import All, Condition, Expression, Kind, Operator, Period, Some

Column = ColumnElement[Any]
# Of a SET: whether it has a value; of None, whether it has none.
Has = Callable[[str | None], Column]
Columns = Mapping[str, Column | Has]

_ORDER: dict[Operator, Callable[[Any, Any], Column]] = {
    Operator.EQUAL: eq, Operator.GREATER: gt, Operator.GREATER_EQUAL: ge,
    Operator.LESS: lt, Operator.LESS_EQUAL: le,
}  # fmt: skip


def where(wanted: Expression, columns: Columns) -> Column:
    """The condition; it is never null. `columns`: of each field its column, of a SET a `Has`."""
    match wanted:
        case All(parts):
            return and_(*(where(part, columns) for part in parts))
        case Some(parts):
            return or_(*(where(part, columns) for part in parts))
        case Condition():
            return _holds(wanted, columns[wanted.field])
    raise TypeError(f"{wanted} is not checked")


def _holds(asked: Condition, column: Column | Has) -> Column:
    positive = NEGATED.get(asked.operator, asked.operator)
    if isinstance(column, ColumnElement):
        found = _positive(asked, positive, column)
    else:
        found = or_(*(column(_text(value)) for value in asked.values))
    if asked.operator in NEGATED:
        # A comparison with null is null, and its negation too.
        return not_(func.coalesce(found, false()))
    return found


def _positive(asked: Condition, operator: Operator, column: Column) -> Column:
    if operator is Operator.IN:
        return column.in_(asked.values)
    (value,) = asked.values
    if value is None:
        return column.is_(None)
    if isinstance(value, Period):
        return _in_time(column, operator, value)
    if asked.kind is Kind.BOOLEAN:
        return column.is_(value)
    if isinstance(value, str):
        text = _lower(literal(value))
        match operator:
            case Operator.CONTAINS:
                return func.strpos(_lower(column), text) > 0
            case Operator.STARTS:
                return func.starts_with(_lower(column), text)
            case Operator.ENDS:
                return func.right(_lower(column), len(value)) == text
    return _ORDER[operator](column, value)


def _in_time(column: Column, operator: Operator, asked: Period) -> Column:
    match operator:
        case Operator.GREATER:
            return column >= asked.end
        case Operator.GREATER_EQUAL:
            return column >= asked.start
        case Operator.LESS:
            return column < asked.start
        case Operator.LESS_EQUAL:
            return column < asked.end
    return and_(column >= asked.start, column < asked.end)


def _lower(text: Column) -> Column:
    # The collation C knows the letters A–Z only, whatever the database's own is.
    return func.lower(collate(text, "C"))


def _text(value: object) -> str | None:
    assert value is None or isinstance(value, str)
    return value
