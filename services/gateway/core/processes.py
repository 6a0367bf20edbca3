"""What the processes of the platform say of themselves, put together by consumer."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from libs.schemas.events import ProcessReported
from libs.schemas.events.processes import ConsumerReport

SILENT = timedelta(seconds=45)
"""After how long without a word a process counts as gone: three reports."""

FORGOTTEN = timedelta(minutes=10)
"""How long a process that is gone is still shown."""

_WINDOW = timedelta(seconds=90)
_LEAST = timedelta(seconds=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A consumer in one process, as last reported. `silent`: the process is not heard of."""

    process: UUID
    services: tuple[str, ...]
    host: str
    version: str
    reported: datetime
    silent: bool
    consumer: ConsumerReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A consumer in all processes. `lag` None: no living process has it.

    `caught_up`: how long until nothing is left, at the pace of the last minutes; None where that
    is not known or where it does not come nearer.
    """

    name: str
    topics: tuple[str, ...]
    lag: int | None
    caught_up: timedelta | None
    members: tuple[Member, ...]

    @property
    def breaker_open(self) -> bool:
        return any(m.consumer.breaker_open for m in self.members if not m.silent)


@dataclass(slots=True)
class Board:
    """The last report of each process, and how far behind each consumer was."""

    _last: dict[UUID, ProcessReported] = field(default_factory=dict)
    _lags: dict[str, deque[tuple[datetime, int]]] = field(default_factory=dict)

    def take(self, report: ProcessReported) -> None:
        """A process has reported."""
        if report.ended:
            self._last.pop(report.process, None)
        else:
            self._last[report.process] = report
        for consumer in report.consumers:
            lag = self._lag(consumer.name, report.reported_time)
            if lag is None:
                continue
            lags = self._lags.setdefault(consumer.name, deque())
            lags.append((report.reported_time, lag))
            while lags[0][0] < report.reported_time - _WINDOW:
                lags.popleft()

    def groups(self, now: datetime) -> list[Group]:
        """Every consumer, by name."""
        for process, report in list(self._last.items()):
            if report.reported_time < now - FORGOTTEN:
                del self._last[process]
        members: dict[str, list[Member]] = {}
        for report in self._last.values():
            for consumer in report.consumers:
                members.setdefault(consumer.name, []).append(_member(report, consumer, now))
        return [
            Group(
                name=name,
                topics=tuple(some[0].consumer.topics),
                lag=(lag := self._lag(name, now)),
                caught_up=forecast([s for s in self._lags.get(name, ()) if s[0] >= now - _WINDOW])
                if lag
                else None,
                members=tuple(sorted(some, key=lambda m: (m.silent, m.host, m.process))),
            )
            for name, some in sorted(members.items())
        ]

    def _lag(self, name: str, now: datetime) -> int | None:
        lags = [
            consumer.lag
            for report in self._last.values()
            if report.reported_time >= now - SILENT
            for consumer in report.consumers
            if consumer.name == name and consumer.lag is not None
        ]
        return sum(lags) if lags else None


def forecast(samples: Sequence[tuple[datetime, int]]) -> timedelta | None:
    """How long until a number is zero, at the pace at which it has fallen since its last peak."""
    if not samples:
        return None
    peak = max(number for _, number in samples)
    start = max(time for time, number in samples if number == peak)
    end, last = samples[-1]
    if end - start < _LEAST:
        return None
    return (end - start) * (last / (peak - last))


def _member(report: ProcessReported, consumer: ConsumerReport, now: datetime) -> Member:
    return Member(
        process=report.process,
        services=tuple(report.services),
        host=report.host,
        version=report.version,
        reported=report.reported_time,
        silent=report.reported_time < now - SILENT,
        consumer=consumer,
    )
