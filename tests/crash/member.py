"""A process of the platform that is ended and started again."""

import asyncio
import signal
import time
from dataclasses import dataclass, field

from tests.support.platform import Process


@dataclass(slots=True)
class Member:
    """A process of ours.

    `wanted`: it should run. `ready`: it said so when asked last. `served`: it has been ready
    since its last start. `starts`: seconds from each start until it was ready.
    """

    process: Process
    wanted: bool = True
    ready: bool = True
    served: bool = True
    started: float = 0.0
    starts: list[float] = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        popen = self.process.popen
        return popen.pid if popen is not None and popen.poll() is None else None

    def start(self) -> None:
        self.process.start()
        self.wanted, self.ready, self.served = True, False, False
        self.started = time.monotonic()

    def end(self, number: signal.Signals) -> None:
        """Send a signal that ends it; it is not wanted from now on."""
        assert self.process.popen is not None
        self.wanted = self.ready = False
        self.process.popen.send_signal(number)

    async def ended(self, seconds: float) -> int | None:
        """Its exit status; None when it has not ended within `seconds`."""
        assert self.process.popen is not None
        deadline = time.monotonic() + seconds
        while self.process.popen.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        return self.process.popen.poll()

    async def until_ready(self, seconds: float) -> bool:
        """Whether it has become ready within `seconds`; somebody must keep asking it."""
        deadline = time.monotonic() + seconds
        while not self.ready and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        return self.ready

    async def until_served(self, seconds: float) -> None:
        """Return when it has been ready since its last start, or after `seconds`."""
        deadline = time.monotonic() + seconds
        while not self.served and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
