"""When a training is asked for.

idle --submitted ≥ threshold--> due --cool-down over, contents settled--> fired --> idle (0)
alert fires --none runs, enough submitted, cool-down over--> due --contents settled--> fired
alert fires --otherwise--> skipped, and why
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BY_HAND = "by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What decides. `submitted`: reviewed predictions since the last crossing, each once.

    `crossings`: how many there were; the next one has the number `crossings + 1`. `running`: a
    training that was asked for has not ended.
    """

    active: bool
    threshold: int
    cool_down: timedelta
    submitted: int
    crossings: int
    last: datetime | None
    running: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A training is due: number and sentence of the crossing."""

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """No training follows; the reason is part of a sentence."""

    why: str


def decide(counter: Counter, now: datetime) -> Crossing | None:
    """The crossing that is due now, if one is.

    What is submitted during the cool-down is kept and counts when it is over.
    """
    if not counter.active or counter.submitted < counter.threshold:
        return None
    if counter.last is not None and now < counter.last + counter.cool_down:
        return None
    return Crossing(
        number=counter.crossings + 1,
        why=f"{counter.submitted} of {counter.threshold} reviewed predictions were submitted",
    )


def by_alert(counter: Counter, now: datetime, *, text: str, least: int) -> "Crossing | Skipped":
    """What a firing of an alert that says `text` leads to; `least`: predictions it takes."""
    if not counter.active:
        return Skipped("continuous training was off")
    if counter.running:
        return Skipped("a training was running")
    if counter.submitted < least:
        return Skipped(
            f"{counter.submitted} reviewed predictions were submitted since the last training; "
            f"it takes {least}"
        )
    if counter.last is not None and now < counter.last + counter.cool_down:
        over = (counter.last + counter.cool_down).astimezone(UTC)
        return Skipped(f"the cool-down lasts until {over:%Y-%m-%d %H:%M} UTC")
    return Crossing(number=counter.crossings + 1, why=f"alert: {text}")


def by_hand(counter: Counter) -> Crossing:
    """The crossing that somebody asks for, whatever was counted."""
    return Crossing(number=counter.crossings + 1, why=BY_HAND)


def experiment_name(deployment: str, now: datetime) -> str:
    """`<deployment>-<UTC timestamp>`."""
    return f"{deployment}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
