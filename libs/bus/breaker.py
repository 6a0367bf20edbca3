"""The breaker: a consumer whose events die one after the other stops before a topic is drained.

closed ──too many of the last records died, or one cannot be buried──▶ open
       ◀──an operator closes it, or the process is started anew────────
"""

from collections.abc import Sequence

from libs.bus.consumer import Policy
from libs.bus.driver import Partition

Place = tuple[Partition, int]


class BreakerOpened(Exception):
    """Too many of the last events died; the consumer stops."""


class Breaker:
    """Counts the last `policy.breaker_window` records, each by its place in the log once: one that
    comes again because the bus or the database was away does not count again.

    Asked *before* a dead letter is written, so that no more than the window ever is.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._died: dict[Place, bool] = {}
        self.reason: str | None = None

    @property
    def open(self) -> bool:
        return self.reason is not None

    def fail(self, reason: str) -> None:
        """Open at once: the consumer itself cannot go on, whatever comes."""
        self.reason = self.reason or reason

    def close(self) -> None:
        """Why events died is mended: count anew."""
        self.reason = None
        self._died.clear()

    def lived(self, places: Sequence[Place]) -> None:
        """Events were handled."""
        for place in places[-self._policy.breaker_window :]:
            self._count(place, died=False)

    def died(self, place: Place, reason: str) -> None:
        """An event is about to die. Raises BreakerOpened when it must not."""
        self._count(place, died=True)
        counted, dead = len(self._died), sum(self._died.values())
        enough = counted >= self._policy.breaker_minimum
        if self.open or (enough and dead > self._policy.breaker_share * counted):
            self.fail(f"{dead} of {counted} events died: {reason}")
            raise BreakerOpened(self.reason)

    def _count(self, place: Place, *, died: bool) -> None:
        self._died[place] = died
        if len(self._died) > self._policy.breaker_window:
            del self._died[next(iter(self._died))]
