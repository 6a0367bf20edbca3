"""What goes wrong, and when: drawn from a seed before anything runs, so that a seed replays it.

Each round is a shuffled deck of faults; the first deck has one of each sort, so that even a
short run meets all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from sightloop.targets import SERVICES

BROKER, POSTGRES, SESSION, S3, UP, ALL = "broker", "postgres", "a session", "s3", "up", "all"
CONSUMERS = ("ingest", "metrics", "review", "feedback", "trainer", "deployer", "gateway")
# Longer than the session time-out of a consumer group (10 s), so that others take over.
_FROZEN = (12.0, 16.0)
_FIRST, _LAST = 3.0, 1.0


class Mode(StrEnum):
    """One process on embedded parts, or a process for each service on real ones."""

    EMBEDDED = "embedded"
    SPLIT = "split"


class Kind(StrEnum):
    """A sort of fault."""

    KILL = "kill -9"
    TERMINATE = "SIGTERM"
    FREEZE = "SIGSTOP"
    JOIN = "one member more"
    ROLL = "rolling restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`at` seconds after the start something happens to a target, for `seconds`.

    Killed and terminated: started again after `seconds`. Frozen: goes on after them. Joined:
    leaves after them.
    """

    at: float
    kind: Kind
    target: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.at:6.1f} s  {self.kind:16} {self.target:10} {self.seconds:4.1f} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """From `start` to `end`, `factor` times the steady load."""

    start: float
    end: float
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole run of `seconds` of load."""

    seed: int
    mode: Mode
    seconds: float
    faults: tuple[Fault, ...]
    bursts: tuple[Burst, ...]

    def factor(self, elapsed: float) -> float:
        """By how much the load is above the steady one at a time."""
        return max((b.factor for b in self.bursts if b.start <= elapsed < b.end), default=1.0)

    def lines(self) -> Iterator[str]:
        """The plan for people."""
        yield f"seed {self.seed}, {self.mode}, {self.seconds:g} s of load"
        yield from (str(fault) for fault in self.faults)


def plan(seed: int, mode: Mode, seconds: float, *, calm: bool = False) -> Plan:
    """The plan of a seed: always the same. `calm`: load alone, nothing goes wrong."""
    rng = Random(f"{seed} {mode}")
    faults = () if calm else tuple(_faults(rng, mode, seconds))
    return Plan(
        seed=seed, mode=mode, seconds=seconds, faults=faults, bursts=tuple(_bursts(rng, seconds))
    )


def _faults(rng: Random, mode: Mode, seconds: float) -> Iterator[Fault]:
    pause = (3.0, 8.0) if mode is Mode.SPLIT else (6.0, 12.0)
    at = _FIRST
    for kind, target in _decks(rng, mode):
        if at > seconds - _LAST:
            return
        yield Fault(at=round(at, 1), kind=kind, target=target, seconds=_length(rng, kind, target))
        at += rng.uniform(*pause)


def _decks(rng: Random, mode: Mode) -> Iterator[tuple[Kind, str]]:
    first = _first_embedded() if mode is Mode.EMBEDDED else _first_split(rng)
    rest = _first_embedded() if mode is Mode.EMBEDDED else _every_split(rng)
    rng.shuffle(first)
    yield from first
    while True:
        rng.shuffle(rest)
        yield from rest


def _first_embedded() -> list[tuple[Kind, str]]:
    return [
        (Kind.KILL, UP),
        (Kind.KILL, POSTGRES),
        (Kind.KILL, SESSION),
        (Kind.TERMINATE, UP),
        (Kind.FREEZE, UP),
    ]


def _first_split(rng: Random) -> list[tuple[Kind, str]]:
    return [
        (Kind.KILL, "ingest"),
        (Kind.KILL, rng.choice(CONSUMERS)),
        (Kind.KILL, BROKER),
        (Kind.KILL, POSTGRES),
        (Kind.KILL, SESSION),
        (Kind.KILL, S3),
        (Kind.FREEZE, rng.choice(CONSUMERS)),
        (Kind.JOIN, rng.choice(CONSUMERS)),
        (Kind.TERMINATE, rng.choice(SERVICES)),
    ]


def _every_split(rng: Random) -> list[tuple[Kind, str]]:
    return [
        *((Kind.KILL, service) for service in SERVICES),
        *((Kind.KILL, part) for part in (BROKER, POSTGRES, SESSION, S3, BROKER)),
        *((Kind.FREEZE, service) for service in rng.sample(CONSUMERS, 3)),
        *((Kind.JOIN, service) for service in rng.sample(CONSUMERS, 3)),
        (Kind.ROLL, ALL),
    ]


def _length(rng: Random, kind: Kind, target: str) -> float:
    match kind:
        case Kind.FREEZE:
            low, high = _FROZEN
        case Kind.JOIN:
            low, high = 6.0, 15.0
        case Kind.ROLL:
            return 0.0
        case _:
            low, high = (0.0, 0.0) if target == SESSION else (0.0, 5.0)
    return round(rng.uniform(low, high), 1)


def _bursts(rng: Random, seconds: float) -> Iterator[Burst]:
    at = rng.uniform(2.0, 8.0)
    while at < seconds:
        length = rng.uniform(2.0, 6.0)
        yield Burst(start=at, end=at + length, factor=rng.uniform(2.0, 5.0))
        at += length + rng.uniform(5.0, 15.0)
