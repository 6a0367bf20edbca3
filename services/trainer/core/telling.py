"""What was logged from elsewhere and is to be told: at most once a second for each experiment."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(slots=True)
class Logged:
    """What was logged since it was last told."""

    organization: UUID
    experiment: UUID
    attempt: int
    lines: int = 0
    series: set[str] = field(default_factory=set)


class Telling:
    """What waits to be told."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, Logged] = {}

    def add(
        self, organization: UUID, experiment: UUID, *, attempt: int,
        lines: int = 0, series: set[str] | None = None,
    ) -> None:  # fmt: skip
        """Remember that something was logged."""
        waiting = self._waiting.setdefault(experiment, Logged(organization, experiment, attempt))
        waiting.lines += lines
        waiting.series |= series or set()

    def take(self) -> list[Logged]:
        """All that waits; it is forgotten."""
        taken = list(self._waiting.values())
        self._waiting.clear()
        return taken
