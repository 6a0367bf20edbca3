"""The method XGET of the existing client, among others on one connection."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from libs.runtime.protocol import XgetProtocol
from libs.runtime.supervisor import listen


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the method, the path and the length of the body."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = json.dumps([scope["method"], scope["path"], size]).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    # A forwarded answer is whole before its end is told: the next request comes between.
    await asyncio.sleep(0.02 if scope["path"] == "/forwarded" else 0)
    await send({"type": "http.response.body", "body": b""})


class Wire:
    """One connection, spoken to in bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            # So that each piece is a packet of its own.
            await asyncio.sleep(0.01)

    async def answer(self) -> tuple[int, bytes]:
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 30)
        status = int(head.split()[1])
        length = next(
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        return status, await asyncio.wait_for(self.reader.readexactly(length), 30)

    async def ask(self, method: str, path: str, body: bytes = b"") -> list[Any]:
        await self.send(request(method, path, body))
        status, answer = await self.answer()
        assert status == 200
        return list(json.loads(answer))


def request(method: str, path: str, body: bytes = b"") -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(
        uvicorn.Config(echo, http=XgetProtocol, lifespan="off", log_config=None, loop="asyncio")
    )
    serving = asyncio.create_task(server._serve(sockets=[listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        server.should_exit = True
        await asyncio.wait_for(serving, 30)
        listener.close()


async def test_methods_are_mixed_on_one_connection(wire: Wire) -> None:
    for method in ("GET", "POST", "XGET", "GET", "DELETE", "XGET", "POST"):
        assert await wire.ask(method, "/a", b"body") == [method, "/a", 4]


async def test_a_request_may_come_before_the_end_of_the_answer_is_told(wire: Wire) -> None:
    for method in ("GET", "XGET", "POST", "GET", "XGET"):
        assert await wire.ask(method, "/forwarded", b"body") == [method, "/forwarded", 4]


async def test_big_bodies_pass_before_and_after(wire: Wire) -> None:
    big = b"XGET " * 400_000
    for method in ("POST", "XGET", "POST"):
        assert await wire.ask(method, "/big", big) == [method, "/big", len(big)]


async def test_a_method_may_come_in_pieces(wire: Wire) -> None:
    whole = request("XGET", "/slow", b"1234")
    await wire.send(whole[:1], whole[1:4], whole[4:20], whole[20:])
    assert await wire.answer() == (200, b'["XGET", "/slow", 4]')


async def test_a_body_that_looks_like_the_method_stays_a_body(wire: Wire) -> None:
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    await wire.send(head, b"XGET / HT")
    assert await wire.answer() == (200, b'["POST", "/a", 9]')


async def test_what_is_no_method_is_refused(wire: Wire) -> None:
    await wire.send(b"XGOT / HTTP/1.1\r\nHost: x\r\n\r\n")
    status, _ = await wire.answer()
    assert status == 400
