"""Lines of the compatibility table: a test says which of the client's methods it shows."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T", bound=Callable[..., Any])


class Verdict(StrEnum):
    WORKS = "works"
    DIFFERS = "differs"
    NOT_OFFERED = "not offered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What becomes of a method, and the test that shows it."""

    verdict: Verdict
    note: str
    test: str


LINES: dict[str, Line] = {}


def shows(*methods: str, differs: str = "") -> Callable[[T], T]:
    """The test drives these methods and they work, perhaps with a difference."""
    return _line(methods, Verdict.DIFFERS if differs else Verdict.WORKS, differs)


def refuses(*methods: str, why: str) -> Callable[[T], T]:
    """The test calls these methods and the client shows a clear error."""
    return _line(methods, Verdict.NOT_OFFERED, why)


def _line(methods: tuple[str, ...], verdict: Verdict, note: str) -> Callable[[T], T]:
    def add(test: T) -> T:
        for method in methods:
            if method in LINES:
                raise ValueError(f"{method} has a line: {LINES[method].test}")
            LINES[method] = Line(verdict=verdict, note=note, test=test.__name__)
        return test

    return add
