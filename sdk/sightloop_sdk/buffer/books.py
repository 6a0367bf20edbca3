"""What has become of what was handed over."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from uuid import UUID

from sightloop_sdk.buffer.policy import Loss, Report

log = logging.getLogger("sightloop_sdk.buffer")
LEFT_OUT = "picture left out"
_QUIET_SECONDS = 10.0
_TOLD_AT_MOST = 10_000


class Books:
    """Counters of one process. Counting is quick; telling is done by `announce`."""

    def __init__(self, on_loss: Callable[[Loss], None] | None) -> None:
        self._on_loss = on_loss
        self._lock = threading.Lock()
        self._handed = 0
        self._accepted = 0
        self._lost = 0
        self._adopted = 0
        self._losses: Counter[str] = Counter()
        self._untold: deque[Loss] = deque(maxlen=_TOLD_AT_MOST)
        self._logged: dict[str, float] = {}

    def hand(self) -> None:
        with self._lock:
            self._handed += 1

    def accept(self, *, adopted: bool) -> None:
        """The server has it."""
        with self._lock:
            if adopted:
                self._adopted += 1
            else:
                self._accepted += 1

    def lose(self, reason: str, why: str, prediction: UUID | None, *, adopted: bool) -> None:
        """It will not reach the server (or its picture will not)."""
        with self._lock:
            self._losses[reason] += 1
            if not adopted and reason != LEFT_OUT:
                self._lost += 1
            self._untold.append(Loss(reason, why, prediction))

    def announce(self) -> None:
        """Tell the log (each reason at most once in ten seconds) and the caller of losses."""
        while self._untold:
            loss = self._untold.popleft()
            now = time.monotonic()
            if now - self._logged.get(loss.reason, -_QUIET_SECONDS) >= _QUIET_SECONDS:
                self._logged[loss.reason] = now
                log.warning(
                    "lost (%s, %d so far): %s; prediction %s",
                    loss.reason, self._losses[loss.reason], loss.why, loss.prediction,
                )  # fmt: skip
            if self._on_loss is not None:
                try:
                    self._on_loss(loss)
                except Exception:
                    log.exception("on_loss failed")

    def report(self, *, bytes_on_disk: int, trouble: str | None) -> Report:
        with self._lock:
            return Report(
                handed=self._handed,
                accepted=self._accepted,
                lost=self._lost,
                waiting=self._handed - self._accepted - self._lost,
                adopted=self._adopted,
                bytes_on_disk=bytes_on_disk,
                losses=dict(self._losses),
                trouble=trouble,
            )
