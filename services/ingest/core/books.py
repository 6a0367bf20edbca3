"""The books: received = stored + duplicate + rejected + in flight, for each deployment."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID, uuid4


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The books of a deployment, as counted from what was consumed and what was refused.

    `given`: the highest sequence numbers that living boots have given out, plus what was seen
    back of the others; `consumed`: the highest seen back, of all boots.
    """

    given: int
    consumed: int
    stored: int
    duplicate: int
    rejected_by_reason: dict[str, int]

    @property
    def rejected(self) -> int:
        return sum(self.rejected_by_reason.values())

    @property
    def received(self) -> int:
        """Known from sequence numbers, without trusting the counters."""
        return max(self.given, self.consumed) + self.rejected

    @property
    def in_flight(self) -> int:
        return max(self.given - self.consumed, 0)

    @property
    def balanced(self) -> bool:
        return self.received == self.stored + self.duplicate + self.rejected + self.in_flight


@dataclass(slots=True)
class Till:
    """What this process gives out and refuses, until it is written down."""

    _boots: dict[UUID, tuple[UUID, int]] = field(default_factory=dict)
    _organizations: dict[UUID, UUID] = field(default_factory=dict)
    _moved: set[UUID] = field(default_factory=set)
    _rejected: Counter[tuple[UUID, UUID, str]] = field(default_factory=Counter)

    def next(self, organization: UUID, deployment: UUID) -> tuple[UUID, int]:
        """The boot and sequence number of one more accepted prediction."""
        boot, last = self._boots.get(deployment) or (uuid4(), 0)
        self._boots[deployment] = (boot, last + 1)
        self._organizations[deployment] = organization
        self._moved.add(deployment)
        return boot, last + 1

    def failed(self, deployment: UUID) -> None:
        """A send failed: which of its numbers were taken is unknown, so a new boot begins."""
        self._boots.pop(deployment, None)
        self._moved.discard(deployment)

    def refuse(self, organization: UUID, deployment: UUID, reason: str) -> None:
        self._rejected[(organization, deployment, reason)] += 1

    def take(self) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        """Rows to write down: numbers given out, and refusals since the last call."""
        given: list[dict[str, object]] = [
            {
                "deployment": deployment,
                "boot": self._boots[deployment][0],
                "organization": self._organizations[deployment],
                "given": self._boots[deployment][1],
            }
            for deployment in sorted(self._moved)
        ]
        refused: list[dict[str, object]] = [
            {"organization": o, "deployment": d, "reason": reason, "count": count}
            for (o, d, reason), count in sorted(self._rejected.items())
        ]
        self._moved.clear()
        self._rejected.clear()
        return given, refused

    def put_back(self, given: list[dict[str, object]], refused: list[dict[str, object]]) -> None:
        """What `take` gave could not be written: keep it for the next time."""
        for row in given:
            deployment = row["deployment"]
            assert isinstance(deployment, UUID)
            if deployment in self._boots:
                self._moved.add(deployment)
        for row in refused:
            organization, deployment, reason = row["organization"], row["deployment"], row["reason"]
            assert isinstance(organization, UUID)
            assert isinstance(deployment, UUID)
            self._rejected[(organization, deployment, str(reason))] += int(str(row["count"]))
