"""Faults in the bus's words, and the cancellations that they come in place of."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import uvloop

from libs.bus.driver import BusUnavailable
from libs.bus.kafka.faults import unavailable as kafka_unavailable
from libs.bus.postgres.faults import unavailable as postgres_unavailable

Doing = Callable[[], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def in_postgres() -> AsyncIterator[None]:
    with postgres_unavailable("reading"):
        yield


def in_kafka() -> AbstractAsyncContextManager[None]:
    return kafka_unavailable("reading", seconds=60)


both = pytest.mark.parametrize("doing", [in_postgres, in_kafka])


@both
async def test_a_broken_connection_is_a_bus_that_is_away(doing: Doing) -> None:
    with pytest.raises(BusUnavailable, match="failed reading: reset"):
        async with doing():
            raise ConnectionResetError("reset")


async def cut() -> None:
    """Write to a connection that was lost, before its loss has been told."""
    listener = socket.create_server(("127.0.0.1", 0))
    transport, _protocol = await asyncio.get_running_loop().create_connection(
        asyncio.Protocol, *listener.getsockname()
    )
    transport.abort()
    listener.close()
    for _ in range(10):
        transport.write(b"a request")
        await asyncio.sleep(0)


@both
def test_what_is_written_to_a_lost_connection_is_a_bus_that_is_away(doing: Doing) -> None:
    async def read() -> None:
        async with doing():
            await cut()

    with (
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        pytest.raises(BusUnavailable, match="the handler is closed"),
    ):
        runner.run(read())


@both
async def test_a_defect_stays_one(doing: Doing) -> None:
    with pytest.raises(RuntimeError, match="a defect"):
        async with doing():
            raise RuntimeError("a defect")


@both
async def test_a_cancellation_that_breaks_the_connection_stays_one(doing: Doing) -> None:
    inside = asyncio.Event()

    async def read() -> None:
        async with doing():
            inside.set()
            try:
                await asyncio.Event().wait()
            finally:
                raise ConnectionResetError("closed in the middle of an operation")

    task = asyncio.ensure_future(read())
    await inside.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
