"""Waiting for what comes by itself: with a deadline, and with what was last seen in the failure.

Wait for the whole of what is asserted afterwards, never for a part of it. The deadline is there
for a machine ten times slower than ours: it says that something hangs, not how fast it should be.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
WITHIN = 60.0


async def eventually(
    look: Callable[[], Awaitable[T]],
    good: Callable[[T], bool] = bool,
    *,
    within: float = WITHIN,
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


async def until(condition: Callable[[], bool | Awaitable[bool]], *, within: float = WITHIN) -> None:
    """Return as soon as `condition` holds; fail when it does not within `within` seconds."""

    async def look() -> bool:
        holds = condition()
        return await holds if isinstance(holds, Awaitable) else holds

    await eventually(look, within=within, every=0.01)
