"""What one process gives out and refuses, until it is written down.

Every prediction that is sent to the bus carries (boot, sequence) of its deployment. A send that
failed may be durable or not: its numbers are *uncertain*, and the next prediction begins a new
boot. A number that is acknowledged is durable for good.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from uuid import UUID, uuid4

Number = tuple[UUID, int]


def ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers as (first, last) of neighbours, ascending."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The highest number of a boot that is acknowledged."""

    organization: UUID
    deployment: UUID
    boot: UUID
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """Numbers `first` to `last` of a boot, whose send failed."""

    organization: UUID
    deployment: UUID
    boot: UUID
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Refusals of a deployment at the door, by reason and the hour in which they were."""

    organization: UUID
    deployment: UUID
    reason: str
    hour: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What is to be written down."""

    given: tuple[Given, ...]
    uncertain: tuple[Uncertain, ...]
    refused: tuple[Refused, ...]

    def __bool__(self) -> bool:
        return bool(self.given or self.uncertain or self.refused)


@dataclass(slots=True, kw_only=True, eq=False)
class _Boot:
    organization: UUID
    deployment: UUID
    id: UUID = field(default_factory=uuid4)
    last: int = 0
    acknowledged: int = 0
    written: int = 0
    open: int = 0
    failed: list[int] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return not self.open and not self.failed and self.written == self.acknowledged


class Till:
    """The numbers of this process. What `take` gave is settled by `written` or taken again."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._current: dict[UUID, _Boot] = {}
        self._boots: dict[UUID, _Boot] = {}
        self._moved: set[UUID] = set()
        self._rejected: Counter[tuple[UUID, UUID, str, datetime]] = Counter()

    def next(self, organization: UUID, deployment: UUID) -> Number:
        """As `next_some`, for one more prediction."""
        return self.next_some(organization, deployment, 1)[0]

    def next_some(self, organization: UUID, deployment: UUID, count: int) -> list[Number]:
        """The boot and sequence numbers of some more predictions, before they are sent.

        The boot is one for all. Each number is settled by `sent` or `failed`.
        """
        boot = self._current.get(deployment)
        if boot is None:
            boot = _Boot(organization=organization, deployment=deployment)
            self._current[deployment] = self._boots[boot.id] = boot
        first = boot.last + 1
        boot.last += count
        boot.open += count
        return [(boot.id, number) for number in range(first, first + count)]

    def sent(self, numbers: Sequence[Number]) -> None:
        """These are durable on the bus."""
        for boot_id, some in groupby(numbers, key=itemgetter(0)):
            boot, sequences = self._boots[boot_id], [sequence for _, sequence in some]
            boot.open -= len(sequences)
            boot.acknowledged = max(boot.acknowledged, *sequences)
            self._moved.add(boot_id)

    def failed(self, numbers: Sequence[Number]) -> None:
        """The send of these failed: whether they are durable is unknown. A new boot begins."""
        for boot_id, sequence in numbers:
            boot = self._boots[boot_id]
            boot.open -= 1
            boot.failed.append(sequence)
            self._moved.add(boot_id)
            if self._current.get(boot.deployment) is boot:
                del self._current[boot.deployment]

    def refuse(self, organization: UUID, deployment: UUID, reason: str) -> None:
        """One is refused at the door."""
        hour = self._now().replace(minute=0, second=0, microsecond=0)
        self._rejected[(organization, deployment, reason, hour)] += 1

    def take(self) -> Taken:
        """What has changed since it was last written down."""
        boots = sorted(
            (self._boots[boot_id] for boot_id in self._moved),
            key=lambda b: (b.organization, b.deployment, b.id),
        )
        refused = sorted(self._rejected.items())
        self._moved.clear()
        self._rejected.clear()
        for boot in boots:
            self._forget_trailing(boot)
        given = [
            Given(
                organization=b.organization,
                deployment=b.deployment,
                boot=b.id,
                sequence=b.acknowledged,
            )
            for b in boots
            if b.acknowledged > b.written
        ]
        return Taken(
            given=tuple(given),
            uncertain=tuple(u for boot in boots for u in self._uncertain(boot)),
            refused=tuple(
                Refused(organization=o, deployment=d, reason=reason, hour=hour, count=count)
                for (o, d, reason, hour), count in refused
            ),
        )

    def written(self, taken: Taken) -> None:
        """What `take` gave is written down."""
        for given in taken.given:
            boot = self._boots[given.boot]
            boot.written = max(boot.written, given.sequence)
        for uncertain in taken.uncertain:
            boot = self._boots[uncertain.boot]
            boot.failed = [n for n in boot.failed if not uncertain.first <= n <= uncertain.last]
        settled = {one.boot for one in taken.given} | {one.boot for one in taken.uncertain}
        for boot_id in settled:
            boot = self._boots[boot_id]
            if boot.done and self._current.get(boot.deployment) is not boot:
                del self._boots[boot_id]

    def put_back(self, taken: Taken) -> None:
        """What `take` gave could not be written: it comes with the next."""
        self._moved |= {given.boot for given in taken.given}
        self._moved |= {uncertain.boot for uncertain in taken.uncertain}
        for refused in taken.refused:
            key = (refused.organization, refused.deployment, refused.reason, refused.hour)
            self._rejected[key] += refused.count

    def _uncertain(self, boot: _Boot) -> list[Uncertain]:
        """The failed numbers as ranges, once no number of the boot is open."""
        return [
            Uncertain(
                organization=boot.organization,
                deployment=boot.deployment,
                boot=boot.id,
                first=first,
                last=last,
            )
            for first, last in (() if boot.open else ranges(boot.failed))
        ]

    def _forget_trailing(self, boot: _Boot) -> None:
        """Failed numbers at the end of a boot: none comes after them, so none makes a gap."""
        if boot.open or not boot.failed:
            return
        first, last = ranges(boot.failed)[-1]
        if last == boot.last:
            boot.failed = [number for number in boot.failed if number < first]
        if boot.done:
            self._boots.pop(boot.id, None)
