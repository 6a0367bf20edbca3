"""The books of a deployment.

received = stored + duplicate + rejected + dead-lettered + in flight

*Received* comes from sequence numbers, the terms on the right from what was done with each
record: they agree, or a prediction is missing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

GRACE = timedelta(seconds=60)
"""How long a number may be missing before it counts as lost: its process may not have said yet
that its send failed."""

STUCK = timedelta(minutes=15)
"""How long what was accepted may wait without anything moving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Numbers `first` to `last` of a boot that were not there when a later one was consumed."""

    boot: UUID
    first: int
    last: int
    seen: datetime

    @property
    def count(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The books of a deployment at one instant.

    `reached`: the sum over boots of the highest number acknowledged or consumed. `consumed`: the
    sum of the highest number consumed. `open_gaps`: numbers missing for less than `GRACE`;
    `lost`: for longer. `uncertain`: numbers missing whose sender was told that the send failed:
    they were never accepted. `waiting_since`: since when nothing moves at a boot that has more
    acknowledged than consumed.
    """

    organization: UUID
    deployment: UUID
    reached: int = 0
    consumed: int = 0
    stored: int = 0
    duplicate: int = 0
    dead_lettered: int = 0
    replayed: int = 0
    uncertain: int = 0
    open_gaps: int = 0
    lost: tuple[Gap, ...] = ()
    waiting_since: datetime | None = None
    alert_since: datetime | None = None
    rejected_by_reason: dict[str, int] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        return sum(self.rejected_by_reason.values())

    @property
    def received(self) -> int:
        """Known from sequence numbers, without trusting the counters."""
        return self.reached - self.uncertain + self.rejected

    @property
    def in_flight(self) -> int:
        """Accepted and not yet seen back."""
        return self.reached - self.consumed + self.open_gaps

    @property
    def missing(self) -> int:
        """What received has more than its terms; below zero: something was counted twice."""
        counted = self.stored + self.duplicate + self.rejected + self.dead_lettered
        return self.received - counted - self.in_flight

    @property
    def balanced(self) -> bool:
        return self.missing == 0


def complaint(ledger: Ledger, now: datetime) -> str | None:
    """What is wrong with the books, in a sentence; None while they are well."""
    if ledger.missing > 0:
        return f"{_predictions(ledger.missing)} accepted and lost: the books do not balance"
    if ledger.missing < 0:
        return f"{_predictions(-ledger.missing)} counted twice: the books do not balance"
    if ledger.waiting_since is not None and ledger.waiting_since <= now - STUCK:
        return (
            f"{_predictions(ledger.in_flight)} accepted and not stored, nothing has moved since "
            f"{ledger.waiting_since:%Y-%m-%d %H:%M} UTC"
        )
    return None


def split_gaps(
    gaps: Sequence[Gap], uncertain: Iterable[tuple[UUID, int, int]], *, now: datetime
) -> tuple[int, int, tuple[Gap, ...]]:
    """(uncertain, open, lost): gaps less the numbers whose sends failed (boot, first, last)."""
    failed: dict[UUID, list[tuple[int, int]]] = {}
    for boot, first, last in uncertain:
        failed.setdefault(boot, []).append((first, last))
    left = [
        Gap(boot=gap.boot, first=first, last=last, seen=gap.seen)
        for gap in gaps
        for first, last in without((gap.first, gap.last), failed.get(gap.boot, ()))
    ]
    lost = tuple(gap for gap in left if gap.seen <= now - GRACE)
    whole, unexplained = sum(gap.count for gap in gaps), sum(gap.count for gap in left)
    return whole - unexplained, unexplained - sum(gap.count for gap in lost), lost


def without(whole: tuple[int, int], taken: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """A range of numbers less others, both ends included."""
    left = []
    start, end = whole
    for first, last in sorted(taken):
        if last < start or first > end:
            continue
        if first > start:
            left.append((start, first - 1))
        start = max(start, last + 1)
    if start <= end:
        left.append((start, end))
    return left


def _predictions(count: int) -> str:
    return f"{count} prediction is" if count == 1 else f"{count} predictions are"
