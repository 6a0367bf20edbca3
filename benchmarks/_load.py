"""Load for a server: closed-loop connections on uvloop, as cheap as Python can."""

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from statistics import quantiles
from typing import cast

import uvloop


@dataclass(frozen=True, slots=True)
class Measured:
    """Answers a second, and seconds that 50 and 99 % of them took. `refused`: those not 2xx."""

    rate: float
    p50: float
    p99: float
    refused: int


class _Caller(asyncio.Protocol):
    """Sends its request, again after each answer, or `gap` seconds after the last one was due."""

    def __init__(self, request: bytes, until: float, gap: float) -> None:
        self.times: list[float] = []
        self.refused = 0
        self.done = asyncio.get_running_loop().create_future()
        self._request = request
        self._until = until
        self._gap = gap
        self._due = time.perf_counter()
        self._buffer = b""
        self._needed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._needed:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            at = self._buffer.index(b"content-length:") + 15
            self._needed = end + 4 + int(self._buffer[at : self._buffer.index(b"\r\n", at)])
        if len(self._buffer) < self._needed:
            return
        now = time.perf_counter()
        if self._buffer[9:10] == b"2":
            self.times.append(now - self._due)
        else:
            self.refused += 1
        self._buffer, self._needed = b"", 0
        self._due = max(now, self._due + self._gap) if self._gap else now
        if self._due >= self._until:
            self._transport.close()
        elif self._due > now:
            asyncio.get_running_loop().call_later(self._due - now, self._send)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        self._transport.write(self._request)


async def _load(
    port: int, requests: Sequence[bytes], seconds: float, connections: int, rate: float | None
) -> Measured:
    loop = asyncio.get_running_loop()
    gap = connections / rate if rate else 0.0
    until = time.perf_counter() + seconds
    callers = []
    for number in range(connections):
        request = requests[number % len(requests)]
        make = partial(_Caller, request, until, gap)
        _, caller = await loop.create_connection(make, "127.0.0.1", port)
        callers.append(caller)
    await asyncio.wait([caller.done for caller in callers])
    times = [taken for caller in callers for taken in caller.times]
    cuts = quantiles(times, n=100) if len(times) > 1 else [float("nan")] * 99
    refused = sum(caller.refused for caller in callers)
    return Measured(len(times) / seconds, cuts[49], cuts[98], refused)


def _serve(orders: Connection) -> None:
    while (order := orders.recv()) is not None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            orders.send(runner.run(_load(*order)))


class Load:
    """A process that makes load; it ends with this one."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._orders, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()

    def run(
        self,
        port: int,
        requests: Sequence[bytes],
        seconds: float,
        *,
        connections: int = 64,
        rate: float | None = None,
    ) -> Measured:
        """Closed loop, or `rate` requests a second as long as the server keeps up."""
        self._orders.send((port, requests, seconds, connections, rate))
        measured: Measured = self._orders.recv()
        return measured

    def close(self) -> None:
        self._orders.send(None)
        self._process.join(5)
