"""Many callers, few writes: what is handed over during a write goes out with the next one.

offer ──▶ waiting (bounded by a `Room`) ──▶ page in hand ──▶ durable: its waiters are released
                                                  └────────▶ a fault: its waiters are told
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from functools import partial
from typing import Generic, TypeVar

import msgspec

from libs.bus.driver import BusUnavailable
from libs.schemas.faults import Transient

T = TypeVar("T")


class QueueFull(BusUnavailable):
    """So much waits for the bus already that no more is taken."""


class Room:
    """What may wait at once, in items and in bytes; several coalescers may share it.

    What is larger than the whole room is taken when nothing else waits.
    """

    def __init__(self, *, items: int, size: int) -> None:
        self._most_items = items
        self._most_size = size
        self._items = 0
        self._size = 0

    def take(self, items: int, size: int) -> None:
        """Raises QueueFull, and takes nothing."""
        if self._items and (
            self._items + items > self._most_items or self._size + size > self._most_size
        ):
            raise QueueFull("too much waits for the bus; try again")
        self._items += items
        self._size += size

    def give_back(self, items: int, size: int) -> None:
        self._items -= items
        self._size -= size


Told = Callable[[Exception | None], None]
"""Called once, with the fault or with None where all is durable. Must not raise."""


class _Entry(msgspec.Struct, Generic[T], frozen=True):
    items: Sequence[T]
    size: int
    told: Told
    written: "asyncio.Future[None] | None"


class Coalescer(Generic[T]):
    """Hands what is offered to `write`, a page at a time, one write at a time, in order.

    `write` returns when the page is durable. A fault that passes fails everything that waits, so
    that nobody waits for several faults one after the other; with any other fault the offers of
    the page are written one by one, and only those that are at fault get it.
    `page`, `page_size`: most items and bytes of a page; a single offer may be larger.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[None]],
        *,
        room: Room,
        page: int = 2_000,
        page_size: int = 2**20,
    ) -> None:
        self._write = write
        self._room = room
        self._page = page
        self._page_size = page_size
        self._waiting: deque[_Entry[T]] = deque()
        self._writer: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is in hand."""
        return self._writer is None

    def offer(self, items: Sequence[T], size: int) -> "asyncio.Future[None]":
        """Take items of `size` bytes in all; the future is done when they are durable.

        Raises QueueFull. An offer whose future is cancelled before it is in hand is not written.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._take(_Entry(items, size, partial(_settle, written), written))
        return written

    def hand(self, items: Sequence[T], size: int, told: Told) -> None:
        """As `offer`, without a future. Raises QueueFull, and never calls `told`."""
        self._take(_Entry(items, size, told, None))

    def _take(self, entry: _Entry[T]) -> None:
        self._room.take(len(entry.items), entry.size)
        self._waiting.append(entry)
        if self._writer is None:
            # A write is for many callers: it is in the trace of none.
            self._writer = asyncio.create_task(self._drain(), name="coalescer", context=Context())

    async def close(self) -> None:
        """Finish what waits."""
        while self._writer is not None:
            await asyncio.wait([self._writer])

    async def _drain(self) -> None:
        try:
            while page := self._next_page():
                await self._write_page(page)
        finally:
            self._writer = None
            # Left only where the process is torn down: nobody may wait for what nobody writes.
            self._settle(self._take_all(), BusUnavailable("the bus is being closed"))

    def _next_page(self) -> list[_Entry[T]]:
        page: list[_Entry[T]] = []
        count = size = 0
        while self._waiting:
            entry = self._waiting[0]
            if entry.written is not None and entry.written.done():
                self._settle([self._waiting.popleft()], None)
                continue
            count += len(entry.items)
            size += entry.size
            if page and (count > self._page or size > self._page_size):
                break
            page.append(self._waiting.popleft())
        return page

    async def _write_page(self, page: list[_Entry[T]]) -> None:
        items = page[0].items
        if len(page) > 1:
            items = [item for entry in page for item in entry.items]
        try:
            await self._write(items)
        except Transient as fault:
            self._settle([*page, *self._take_all()], fault)
        except Exception as fault:  # noqa: BLE001 - told to whose offer is at fault
            if len(page) == 1:
                self._settle(page, fault)
                return
            for entry in page:
                await self._write_page([entry])
        except BaseException:
            self._settle(page, BusUnavailable("the bus is being closed"))
            raise
        else:
            self._settle(page, None)

    def _take_all(self) -> list[_Entry[T]]:
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def _settle(self, entries: Sequence[_Entry[T]], fault: Exception | None) -> None:
        for entry in entries:
            self._room.give_back(len(entry.items), entry.size)
            # One each: what is raised many times gathers every traceback.
            entry.told(BusUnavailable(str(fault)) if isinstance(fault, Transient) else fault)


def _settle(written: "asyncio.Future[None]", fault: Exception | None) -> None:
    if written.done():
        return
    if fault is None:
        written.set_result(None)
    else:
        written.set_exception(fault)
