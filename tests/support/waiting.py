"""Waiting for what comes by itself: with a deadline, and with what was last seen in the failure."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    look: Callable[[], Awaitable[T]],
    good: Callable[[T], bool] = bool,
    *,
    within: float = 30.0,
    every: float = 0.02,
) -> T:
    """The first look that is good. Fails with the last one when `within` seconds have passed."""
    deadline = time.monotonic() + within
    while True:
        seen = await look()
        if good(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s; last seen: {seen!r}")
        await asyncio.sleep(every)
