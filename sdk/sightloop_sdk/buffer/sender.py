"""Sending what lies in the spool: in order, until each record is accepted or refused."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from uuid import UUID

from sightloop_sdk import monitoring
from sightloop_sdk.errors import ApiError, Invalid, SightloopError, TooLarge
from sightloop_sdk.record import Finished
from sightloop_sdk.transport import Retry, Transport, is_passing

log = logging.getLogger("sightloop_sdk.buffer")
Settle = Callable[[Finished, "ApiError | None"], None]


class Sender:
    """Sends portions to one deployment. `trouble`: what it waits for, or None.

    What the server refuses for good is settled with the error. What may pass is tried without
    end; a token or a deployment that is wrong may be mended, so that waits too, more slowly.
    """

    def __init__(
        self, transport: Transport, deployment: UUID, retry: Retry, stop: threading.Event
    ) -> None:
        self.trouble: str | None = None
        self.hurry = threading.Event()
        self._transport = transport
        self._deployment = deployment
        self._retry = retry
        self._stop = stop

    def deliver(self, records: Sequence[Finished], settle: Settle) -> bool:
        """Send the records; False: stopped before all were settled."""
        waiting = list(records)
        at_once, tried = len(waiting), 0
        while waiting:
            if self._stop.is_set():
                return False
            portion = waiting[:at_once]
            try:
                answers = self._ask(portion)
            except (TooLarge, Invalid) as error:
                if len(portion) > 1:
                    at_once = max(1, len(portion) // 2)
                else:
                    settle(waiting.pop(0), error)
                continue
            except SightloopError as error:
                tried += 1
                self._pause(error, tried)
                continue
            busy = []
            for record, answer in zip(portion, answers, strict=True):
                if answer.status in (429, 503):
                    busy.append(record)
                else:
                    settle(record, None if answer.status < 300 else answer.error)
            waiting = busy + waiting[len(portion) :]
            tried = tried + 1 if len(busy) == len(portion) else 0
            self.trouble = None
            if busy:
                self._pause(answers[-1].error if tried else None, max(tried, 1))
        return True

    def _ask(self, portion: Sequence[Finished]) -> list[monitoring.Line]:
        lines = [one.line() for one in portion]
        return self._transport.ask(monitoring.batch(self._deployment, lines))

    def _pause(self, error: Exception | None, tried: int) -> None:
        seconds = self._retry.pause(tried)
        if error is not None:
            text = str(error)
            if self.trouble is None:
                log.warning("predictions wait on disk: %s", text)
            self.trouble = text
            if not is_passing(error):
                seconds = self._retry.most * 6
        self.hurry.wait(seconds)
        if self.hurry.is_set():
            # In a hurry it is tried more often, but never in a busy loop.
            self._stop.wait(min(seconds, self._retry.first))
