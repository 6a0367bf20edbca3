"""A rule's condition, and how it stands from one check to the next. No clock, no store.

quiet --violated--> pending --for at least `lasting`--> firing --over--> quiet
  ^                    |                                  |
  '---not violated-----'             a check without a value changes nothing
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.metrics.core.buckets import Level

LONGEST_WINDOW = timedelta(days=7)
LONGEST_LASTING = timedelta(days=7)
# Checks that may be left out before a violation that has not fired yet is not the same any more.
_PATIENCE = 5


class Operator(StrEnum):
    """On which side of the threshold it is wrong."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="

    @property
    def upward(self) -> bool:
        """Whether high values are the wrong ones."""
        return self in (Operator.ABOVE, Operator.AT_LEAST)

    @property
    def words(self) -> str:
        return _WORDS[self]


class Change(StrEnum):
    """What a check did."""

    FIRED = "fired"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`metric` over the last `window` is on the wrong side of `threshold` for at least `lasting`.

    `resolved`: the threshold on whose right side it is over (hysteresis); the same if None.
    """

    metric: str
    operator: Operator
    threshold: float
    window: timedelta
    lasting: timedelta = timedelta(0)
    resolved: float | None = None

    @property
    def level(self) -> Level:
        """Of which stored buckets a window is made: it is checked once in each of them."""
        if self.window <= timedelta(hours=1):
            return Level.MINUTE
        return Level.FIVE_MINUTES if self.window <= timedelta(days=1) else Level.HOUR

    def violated(self, value: float) -> bool:
        return _wrong(self.operator, value, self.threshold)

    def over(self, value: float) -> bool:
        """Whether an alert that fires is over."""
        limit = self.threshold if self.resolved is None else self.resolved
        return not self.violated(value) and not _wrong(self.operator, value, limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a rule stands. `since`: the check that first saw the violation; `fired`: the one that
    fired; `checked`, `value`: the last one that there was."""

    since: datetime | None = None
    fired: datetime | None = None
    checked: datetime | None = None
    value: float | None = None


QUIET = Standing()


def check(
    condition: Condition, standing: Standing, time: datetime, *, value: float | None
) -> tuple[Standing, Change | None]:
    """The next standing, with the value at `time` (None: nothing to judge by), and what changed.

    A violation that has not fired yet ends where a check has no value, and where none was made
    for a while: nobody saw that it lasted. An alert that fires stays until a value says otherwise.
    """
    before, change = standing, None
    now = replace(standing, checked=time, value=value)
    if before.fired is not None:
        if value is not None and condition.over(value):
            return replace(now, since=None, fired=None), Change.RESOLVED
        return now, None
    if value is None or not condition.violated(value):
        return replace(now, since=None), None
    since = before.since
    if since is None or _unseen(condition, before, time):
        since = time
    if time - since >= condition.lasting:
        now, change = replace(now, fired=time), Change.FIRED
    return replace(now, since=since), change


def rehearse(
    condition: Condition, values: Iterable[tuple[datetime, float | None]]
) -> list["Firing"]:
    """What a rule would have done at these checks, oldest first."""
    standing, found = QUIET, list[Firing]()
    for time, value in values:
        standing, change = check(condition, standing, time, value=value)
        if change is Change.FIRED:
            assert standing.since is not None
            assert value is not None
            found.append(Firing(since=standing.since, fired=time, resolved=None, worst=value))
        elif change is Change.RESOLVED:
            found[-1] = replace(found[-1], resolved=time)
        elif standing.fired is not None and value is not None:
            worse = max if condition.operator.upward else min
            found[-1] = replace(found[-1], worst=worse(found[-1].worst, value))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One firing of a rule. `resolved` None: it fires still. `worst`: of its values."""

    since: datetime
    fired: datetime
    resolved: datetime | None
    worst: float


_WORDS = {
    Operator.ABOVE: "above",
    Operator.AT_LEAST: "at or above",
    Operator.BELOW: "below",
    Operator.AT_MOST: "at or below",
}


def _wrong(operator: Operator, value: float, limit: float) -> bool:
    match operator:
        case Operator.ABOVE:
            return value > limit
        case Operator.AT_LEAST:
            return value >= limit
        case Operator.BELOW:
            return value < limit
        case Operator.AT_MOST:
            return value <= limit


def _unseen(condition: Condition, before: Standing, time: datetime) -> bool:
    every = _EVERY[condition.level]
    return before.checked is None or time - before.checked > _PATIENCE * every


_EVERY = {
    Level.MINUTE: timedelta(minutes=1),
    Level.FIVE_MINUTES: timedelta(minutes=5),
    Level.HOUR: timedelta(hours=1),
}
