"""What a query says: comparisons, and how they are joined."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Operator(StrEnum):
    EQUAL = "="
    UNEQUAL = "!="
    GREATER = ">"
    GREATER_EQUAL = ">="
    LESS = "<"
    LESS_EQUAL = "<="
    CONTAINS = "~"
    CONTAINS_NOT = "!~"
    STARTS = "startswith"
    STARTS_NOT = "not startswith"
    ENDS = "endswith"
    ENDS_NOT = "not endswith"
    IN = "in"
    NOT_IN = "not in"


Literal = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Span:
    """Where in the text: the first column, from 0, and how many characters."""

    column: int
    length: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """As it was written; a list for `in` and `not in`. `values`: where each literal stands."""

    field: str
    operator: Operator
    value: Literal | tuple[Literal, ...]
    at: Span
    operator_at: Span
    values: tuple[Span, ...]


class Kind(StrEnum):
    """What a field holds. SET: several texts, and `=` says that one of them is there."""

    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    CHOICE = "choice"
    BOOLEAN = "boolean"
    TIME = "time"
    UUID = "uuid"
    SET = "set"


@dataclass(frozen=True, slots=True)
class Period:
    """A time as far as it was said: `start` ≤ t < `end`. "2026-11" is all of November."""

    start: datetime
    end: datetime


Value = str | int | float | bool | UUID | Period


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison that its field can answer; `values` has one but for `in` and `not in`."""

    field: str
    kind: Kind
    operator: Operator
    values: tuple[Value | None, ...]


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds."""

    parts: "tuple[Expression, ...]"


# As read its leaves are comparisons, as checked they are conditions.
Expression = Comparison | Condition | All | Some


class QueryRefused(ValueError):
    """A query that cannot be understood, or asks for what is not there.

    `at`: the faulty part; `nearest`: what may have been meant.
    """

    def __init__(self, what: str, at: Span, nearest: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.at = at
        self.nearest = nearest

    def __str__(self) -> str:
        meant = f"; did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        return f"column {self.at.column + 1}: {self.what}{meant}"
