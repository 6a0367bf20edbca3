"""A few threads for blocking calls, each call with a time limit."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from libs.blobs.blobs import BlobsUnavailable

T = TypeVar("T")


class Threads:
    """Runs blocking calls, `size` at a time; what waits longer than its limit is given up."""

    def __init__(self, size: int) -> None:
        self._executor = ThreadPoolExecutor(size, thread_name_prefix="blobs")

    async def run(self, seconds: float, work: Callable[[], T]) -> T:
        """The result of `work`. Raises BlobsUnavailable when `seconds` have passed."""
        future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError as error:
            raise BlobsUnavailable(f"no answer from the blob store in {seconds:.0f} s") from error

    async def close(self) -> None:
        """Wait for what still runs."""
        await asyncio.to_thread(self._executor.shutdown)
