"""Publishing to the embedded log: concurrent calls share a transaction."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from libs.bus.driver import BusUnavailable
from libs.schemas.envelope import Message

Located = tuple[int, Message]
Write = Callable[[Sequence[Located]], Awaitable[None]]


class CoalescingSink:
    """Hands what is queued to `write`, many messages at a time, one write at a time.

    `queue`: messages that may wait; a publish beyond it waits `limit` seconds for room and for
    its own write together, then raises BusUnavailable. Order is that of the calls.
    """

    def __init__(
        self, write: Write, *, queue: int = 10_000, page: int = 2_000, limit: float = 15.0
    ) -> None:
        self._write = write
        self._queue = queue
        self._page = page
        self._limit = limit
        self._waiting: deque[tuple[Sequence[Located], asyncio.Future[None]]] = deque()
        self._queued = 0
        self._room = asyncio.Event()
        self._entry = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None

    async def publish(self, messages: Sequence[Located]) -> None:
        """Return when every message, each with its partition's id, is written."""
        try:
            async with asyncio.timeout(self._limit):
                async with self._entry:
                    while self._queued and self._queued + len(messages) > self._queue:
                        self._room.clear()
                        await self._room.wait()
                    written = self._enqueue(messages)
                await written
        except TimeoutError as error:
            raise BusUnavailable(f"nothing was durable within {self._limit:g} s") from error

    async def close(self) -> None:
        """Finish what is queued."""
        if self._writer is not None:
            await asyncio.wait([self._writer])

    def _enqueue(self, messages: Sequence[Located]) -> asyncio.Future[None]:
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((messages, written))
        self._queued += len(messages)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._drain(), name="bus sink")
        return written

    async def _drain(self) -> None:
        while self._waiting:
            page: list[Located] = []
            written: list[asyncio.Future[None]] = []
            while self._waiting and (
                not page or len(page) + len(self._waiting[0][0]) <= self._page
            ):
                messages, future = self._waiting.popleft()
                page.extend(messages)
                written.append(future)
            fault: Exception | None = None
            try:
                await self._write(page)
            except Exception as error:  # noqa: BLE001 - every publisher of this page is told
                fault = error
            self._queued -= len(page)
            self._room.set()
            for future in written:
                if future.done():
                    continue
                if fault is None:
                    future.set_result(None)
                else:
                    future.set_exception(fault)
