"""Hostile HTTP over a raw socket: each time a clear 4xx or 503, and nothing is left behind."""

import asyncio
import contextlib
import gzip
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from libs.runtime.supervisor import listen
from libs.runtime.wire import Watch, WireLimits, WireProtocol, make_server
from tests.support.door import Door, open_door
from tests.support.waiting import until
from tests.unit.test_monitor_front import good

LIMITS = WireLimits(connections=20, head=8192, patience=5.0, slowest=1000)


class Small(WireProtocol):
    """The real protocol with limits that a test reaches."""

    limits = LIMITS


class Site:
    """The monitor endpoint on a socket, with a look at slow connections on demand."""

    def __init__(self, door: Door, path: str, port: int, server: uvicorn.Server) -> None:
        self.door = door
        self.path = path
        self.port = port
        self.server = server
        self.watch = Watch(LIMITS)

    def head(self, length: int | None, *lines: str) -> bytes:
        told = [f"POST {self.path} HTTP/1.1", "Host: x", f"Authorization: Bearer {self.door.token}"]
        told += [f"Content-Length: {length}"] if length is not None else []
        return "\r\n".join([*told, *lines, "", ""]).encode()

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)

    async def say(self, *pieces: bytes) -> tuple[int, dict[str, object]]:
        """The answer to some bytes; the connection is closed."""
        reader, writer = await self.open()
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        try:
            return await answer(reader)
        finally:
            writer.close()

    async def in_order(self) -> None:
        """A good request is answered, and what went before left nothing."""
        await until(self.is_empty)
        raw = good()
        status, _ = await self.say(self.head(len(raw), "Connection: close"), raw)
        assert status == 201
        await until(self.is_empty)
        assert all(desk.idle for desk in self.door.parts.desks.values())

    def is_empty(self) -> bool:
        return not self.server.server_state.connections and not self.server.server_state.tasks


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, object]]:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    lines = head.decode().lower().split("\r\n")
    length = next(
        int(line.partition(":")[2]) for line in lines if line.startswith("content-length")
    )
    body = await asyncio.wait_for(reader.readexactly(length), 60)
    return int(head.split()[1]), json.loads(body)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_door(tmp_path) as door:
        listener = listen("127.0.0.1", 0)
        server = make_server(door.front, protocol=Small, patience=1)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        path = door.prediction_path(await door.deploy())
        yield Site(door, path, listener.getsockname()[1], server)
        server.should_exit = True
        await serving


async def test_documents_over_the_wire(site: Site) -> None:
    packed = gzip.compress(bytes(10_000_000), 1)
    told: list[tuple[int, tuple[bytes, ...]]] = [
        (415, (site.head(len(packed), "Content-Encoding: gzip"), packed)),
        (415, (site.head(10, "Content-Encoding: br"), b"x" * 10)),
        (413, (site.head(10**12), b"{")),
        (422, (site.head(100_000), b"[" * 100_000)),
        (422, (site.head(None, "Transfer-Encoding: chunked"), b"2\r\n{}\r\n0\r\n\r\n")),
        (400, (site.head(None, "Transfer-Encoding: chunked"), b"zz\r\n{}\r\n0\r\n\r\n")),
        (400, (site.head(5, "Transfer-Encoding: chunked"), b"2\r\n{}\r\n0\r\n\r\n")),
        (400, (site.head(5, "Content-Length: 6"), b"{}    ")),
        (400, (site.head(None, "Content-Length: -5"), b"{}")),
        (400, (site.head(None, "Content-Length: five"), b"{}")),
        (400, (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,)),
        (400, (site.head(2, "Bad Header: x"), b"{}")),
        (
            401,
            (b"POST " + site.path.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",),
        ),
    ]
    for status, pieces in told:
        found, document = await site.say(*pieces)
        assert found == status, (pieces[0][-120:], document)
        assert document["detail"]
    assert site.door.sink.taken == []
    await site.in_order()


async def test_a_longer_body_than_declared_begins_a_request_that_is_none(site: Site) -> None:
    raw = good()
    reader, writer = await site.open()
    writer.write(site.head(len(raw)) + raw)
    assert (await answer(reader))[0] == 201
    writer.write(site.head(len(raw)) + raw + b"and more\r\n\r\n")
    assert (await answer(reader))[0] == 400
    assert await asyncio.wait_for(reader.read(), 60) == b""
    writer.close()
    await site.in_order()


@pytest.mark.parametrize("lines", [1, 400])
async def test_a_gigantic_head_is_431(site: Site, lines: int) -> None:
    headers = [f"X-{n}: {'y' * (40_000 // lines)}" for n in range(lines)]
    assert (await site.say(site.head(2, *headers), b"{}"))[0] == 431
    whole = site.head(2, *headers)
    pieces = [whole[at : at + 1000] for at in range(0, len(whole), 1000)]
    assert (await site.say(*pieces))[0] == 431
    long = site.path + "?" + "q" * 40_000
    assert (await site.say(f"GET {long} HTTP/1.1\r\nHost: x\r\n\r\n".encode()))[0] == 431
    await site.in_order()


async def test_endless_trailers_are_refused(site: Site) -> None:
    chunk = site.head(None, "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n"
    trailers = [b"X-%d: %s\r\n" % (n, b"y" * 500) for n in range(60)]
    assert (await site.say(chunk, *trailers))[0] == 431
    await site.in_order()


async def test_a_large_body_in_small_chunks_is_read(site: Site) -> None:
    raw = good(metadata={"note": "x" * 30_000})
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(p), p) for p in (raw[n : n + 7] for n in range(0, len(raw), 7))
    )
    status, _ = await site.say(site.head(None, "Transfer-Encoding: chunked"), chunks, b"0\r\n\r\n")
    assert status == 201
    await site.in_order()


async def test_slow_heads_and_bodies_are_408_and_busy_connections_are_left_alone(
    site: Site,
) -> None:
    raw = good()
    silent, slow_head, slow_body, fast_body, idle = [await site.open() for _ in range(5)]
    slow_head[1].write(b"POST /x HTTP/1.1\r\nX-Slow: ")
    slow_body[1].write(site.head(500) + b"{")
    fast_body[1].write(site.head(40_000) + b" " * 30_000)
    idle[1].write(site.head(len(raw)) + raw)
    assert (await answer(idle[0]))[0] == 201
    connections: Any = site.server.server_state.connections

    def all_seen() -> bool:
        inside = [c for c in connections if c.cycle is not None and not c.cycle.response_complete]
        return len(connections) == 5 and sum(c.received for c in inside) == 30_001

    await until(all_seen)
    site.watch.look(connections, 100.0)
    site.watch.look(connections, 104.0)
    assert len(connections) == 5
    site.watch.look(connections, 105.5)
    for reader, _ in (silent, slow_head, slow_body):
        assert (await answer(reader))[0] == 408
    site.watch.look(connections, 134.0)
    fast_body[1].write(raw.rjust(10_000))
    assert (await answer(fast_body[0]))[0] == 201
    idle[1].write(site.head(len(raw)) + raw)
    assert (await answer(idle[0]))[0] == 201
    for _, writer in (silent, slow_head, slow_body, fast_body, idle):
        writer.close()
    await site.in_order()


async def test_more_connections_than_allowed_are_503_with_retry_after(site: Site) -> None:
    held = [await site.open() for _ in range(LIMITS.connections)]

    def all_there() -> bool:
        return len(site.server.server_state.connections) == LIMITS.connections

    await until(all_there)
    reader, writer = await site.open()
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    assert b" 503 " in head
    assert b"retry-after: 1" in head
    for _, other in (*held, (reader, writer)):
        other.close()
    await site.in_order()


async def test_callers_that_leave_in_the_middle_leave_nothing(site: Site) -> None:
    raw = good()
    for cut in (5, 40, 200, len(raw) + 150):
        with socket.create_connection(("127.0.0.1", site.port)) as gone:
            gone.sendall((site.head(len(raw)) + raw)[:cut])
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    await site.in_order()
