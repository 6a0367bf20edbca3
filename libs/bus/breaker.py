"""The breaker: a consumer whose events die one after the other stops before a topic is drained.

closed ──too many of the last records died, or one cannot be buried──▶ open
                                             (until the process is started anew)
"""

from collections import deque

from libs.bus.consumer import Policy


class BreakerOpened(Exception):
    """Too many of the last events died; the consumer stops."""


class Breaker:
    """Counts the last `policy.breaker_window` records. Asked *before* a dead letter is written,
    so that no more than the window ever is."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._died: deque[bool] = deque(maxlen=policy.breaker_window)
        self.reason: str | None = None

    @property
    def open(self) -> bool:
        return self.reason is not None

    def fail(self, reason: str) -> None:
        """Open at once: the consumer itself cannot go on, whatever comes."""
        self.reason = self.reason or reason

    def lived(self, count: int = 1) -> None:
        """Events were handled."""
        self._died.extend([False] * min(count, self._policy.breaker_window))

    def died(self, reason: str) -> None:
        """An event is about to die. Raises BreakerOpened when it must not."""
        self._died.append(True)
        count = sum(self._died)
        enough = len(self._died) >= self._policy.breaker_minimum
        if self.open or (enough and count > self._policy.breaker_share * len(self._died)):
            self.reason = self.reason or f"{count} of {len(self._died)} events died: {reason}"
            raise BreakerOpened(self.reason)
