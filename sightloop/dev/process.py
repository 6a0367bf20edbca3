"""A server process of ours: started, watched until it is ready, stopped, killed."""

import asyncio
import random
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from sightloop.dev.part import PartFailed
from sightloop.embedded.privileges import dying_with_us

_POLL_SECONDS = 0.05
_STOP_SECONDS = 20.0


def free_port() -> int:
    """A free port on the loopback interface, below the range the kernel deals out itself."""
    for _ in range(200):
        port = random.randint(20_000, 32_000)  # noqa: S311 - no secret
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise PartFailed("no free port between 20000 and 32000")


async def accepts(port: int) -> bool:
    """Whether something takes connections on the port."""
    try:
        async with asyncio.timeout(2):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    await writer.wait_closed()
    return True


class ServerProcess:
    """One run of a server. It dies with the thread that started it, even by `kill -9`."""

    def __init__(self, name: str, command: list[str], *, log: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                dying_with_us(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(env),
                cwd="/",
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    async def until_ready(self, ready: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
        """Return when `ready` says so; else stop the process and raise PartFailed."""
        deadline = time.monotonic() + seconds
        try:
            while not await ready():
                if self._process.poll() is not None:
                    raise self._failed(f"ended with {self._process.returncode}")
                if time.monotonic() > deadline:
                    raise self._failed(f"was not ready after {seconds:.0f} s")
                await asyncio.sleep(_POLL_SECONDS)
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """Ask it to end; by force after 20 s or when cancelled. Idempotent."""
        try:
            self._process.terminate()
            deadline = time.monotonic() + _STOP_SECONDS
            while self._process.poll() is None:
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(_POLL_SECONDS)
        finally:
            await self.kill()

    async def kill(self) -> None:
        """`kill -9`, as a crash would. Idempotent."""
        self._process.kill()
        self._process.wait(_STOP_SECONDS)

    def _failed(self, what: str) -> PartFailed:
        said = self._log.read_text(errors="replace")[-2000:].strip()
        return PartFailed(f"{self.name} {what}: {said}")
