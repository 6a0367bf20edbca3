"""Shadows that still compute while their champion's log entry waits in the spool.

expect → came → take     both answers go in one request; the shadow's own record is skipped
expect → take            the entry's time was up: the shadow follows by a request of its own
expect → give_up → take  the shadow failed, or there was no thread for it
"""

import asyncio
from contextlib import suppress
from uuid import UUID

from services.serving.core.entries import ShadowEntry

_KEPT = 1000


class Awaited:
    """By prediction. All answers are in the spool too: this is only so that they go together."""

    def __init__(self) -> None:
        self._until: dict[UUID, float] = {}
        self._came: dict[UUID, ShadowEntry] = {}
        self._merged: set[UUID] = set()
        self._moved = asyncio.Event()

    def expect(self, prediction: UUID, until: float) -> None:
        """A shadow computes; its entry waits for it until a monotonic time."""
        self._until[prediction] = until

    def give_up(self, prediction: UUID) -> None:
        """No answer will come."""
        self._until.pop(prediction, None)
        self._merged.discard(prediction)
        self._moved.set()

    def came(self, entry: ShadowEntry) -> None:
        """A shadow has answered."""
        if self._until.pop(entry.prediction, None) is not None and len(self._came) < _KEPT:
            self._came[entry.prediction] = entry
        self._moved.set()

    def wait_of(self, prediction: UUID, now: float) -> float:
        """Seconds that an entry should still wait for its shadow; 0: it may go."""
        return max(0.0, self._until.get(prediction, now) - now)

    def take(self, prediction: UUID, spooled: ShadowEntry | None) -> ShadowEntry | None:
        """What goes with an entry that is sent now; nothing is waited for any more.

        `spooled`: the shadow's own record, where it has been read already.
        """
        self._until.pop(prediction, None)
        entry = self._came.pop(prediction, None) or spooled
        if entry is not None:
            self._merged.add(prediction)
        return entry

    def was_merged(self, prediction: UUID) -> bool:
        """Whether a shadow's own record has nothing more to say."""
        return prediction in self._merged

    def part(self, prediction: UUID) -> None:
        """The shadow's own record is done, or must be sent after all."""
        self._merged.discard(prediction)

    async def moved(self, *, timeout: float) -> None:
        """Return when a shadow has come or failed, or after `timeout` seconds."""
        self._moved.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._moved.wait()
