"""A few threads for inference, with a bounded queue before them."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from services.serving.errors import QueueFull

T = TypeVar("T")


class Threads:
    """Runs `size` calls at a time; at most `waiting` more may wait."""

    def __init__(self, name: str, *, size: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name)
        self._limit = size + waiting
        self._inside = 0
        self._lock = threading.Lock()

    @property
    def full(self) -> bool:
        """Whether one more call would be refused."""
        return self._inside >= self._limit

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`. Raises QueueFull."""
        with self._lock:
            if self._inside >= self._limit:
                raise QueueFull(f"{self._inside} predictions are in hand; try again")
            self._inside += 1
        future = self._pool.submit(work)
        # A caller that goes away does not stop its thread: its place is free when that ends.
        future.add_done_callback(self._left)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Forget what waits; what runs ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _left(self, _: "Future[Any]") -> None:
        with self._lock:
            self._inside -= 1
