"""What a connection may do to us: how many, how large a head, how slowly.

uvicorn has no limit for any of them. A slow request is found by a look at all connections each
second, so that a request in order pays nothing for it.
"""

import asyncio
import contextlib
import json
import resource
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from libs.runtime.direct import DirectProtocol

# Beside connections: databases, the bus, blobs, logs.
_OTHER_FILES = 200
_FRAMING = 16
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 2**20


def _connections() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(64, min(4096, files - _OTHER_FILES))


@dataclass(frozen=True, slots=True, kw_only=True)
class WireLimits:
    """Connections at once; bytes of a head; seconds and bytes a second.

    A head may take `patience`, a body `patience` and the time that its bytes need at `slowest`.
    """

    connections: int = field(default_factory=_connections)
    head: int = 64 * 1024
    patience: float = 20.0
    slowest: int = 4096


class WireProtocol(DirectProtocol):
    """uvicorn's protocol with limits on connections and on what is not body."""

    limits = WireLimits()
    received = 0
    _seen = 0
    _chunk = 0
    _begun = 0
    _oversized = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # as uvicorn declares it
        if len(self.connections) > self.limits.connections:
            refuse(self, 503, "busy", "too many connections; try again", "retry-after: 1\r\n")

    def _parse(self, data: bytes) -> None:
        inside, self._begun, self._chunk = self._inside, 0, len(data)
        super()._parse(data)
        if not self._inside:
            self._seen = 0
            return
        # Where several requests lie in one packet, nobody knows how much of it is this one's.
        shared = self._begun > 1 or (inside and self._begun)
        self._seen = 0 if shared else self._seen + len(data)
        # Heads, but also endless trailers and chunk extensions.
        if self._seen - self.received > self.limits.head + _FRAMING * self.received:
            self._refuse_head()

    def on_message_begin(self) -> None:
        self._begun += 1
        self._seen = self.received = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._chunk > self.limits.head and self._head_size() > self.limits.head:
            self._oversized = True
            raise ValueError("the head is too large")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.received += len(body)
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        if self._oversized:
            self._refuse_head()
        else:
            refuse(self, 400, "bad-request", msg)

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _refuse_head(self) -> None:
        what = f"the head of a request may have {self.limits.head} bytes"
        refuse(self, 431, "head-too-large", what)


class _Server(uvicorn.Server):
    """uvicorn without its hold on the signals: the supervisor has them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def make_server(
    app: ASGIApp, *, protocol: type[WireProtocol] = WireProtocol, patience: int = 5
) -> uvicorn.Server:
    """A server that is ended by its `should_exit`; requests in hand have `patience` seconds."""
    return _Server(
        uvicorn.Config(
            app, lifespan="off", access_log=False, log_config=None, server_header=False,
            loop="asyncio", http=protocol, proxy_headers=False, timeout_keep_alive=30,
            timeout_graceful_shutdown=patience,
        )
    )  # fmt: skip


def refuse(connection: Any, status: int, name: str, detail: str, headers: str = "") -> None:
    """Answer a connection with a problem and close it; what the app still says is not heard."""
    if connection.transport.is_closing():
        return
    if connection.cycle is not None and not connection.cycle.response_complete:
        connection.cycle.disconnected = True
    title = HTTPStatus(status).phrase
    document = {"type": f"/problems/{name}", "title": title, "status": status, "detail": detail}
    body = json.dumps(document)
    head = (
        f"HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n{headers}\r\n"
    )
    connection.transport.write((head + body).encode())
    _Linger(connection)


class _Linger(asyncio.Protocol):
    """Hears a client out for a moment: closed at once, he may lose the answer to a reset."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._transport = connection.transport
        self._left = _LINGER_BYTES
        self._end = asyncio.get_running_loop().call_later(_LINGER_SECONDS, self._transport.abort)
        self._transport.set_protocol(self)
        self._transport.resume_reading()
        self._transport.write_eof()

    def data_received(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end.cancel()
        self._connection.connection_lost(exc)


class Watch:
    """Refuses requests that come too slowly: heads, and bodies by their rate."""

    def __init__(self, limits: WireLimits) -> None:
        self._limits = limits
        self._since: dict[Any, tuple[Any, float]] = {}

    async def run(self, connections: Collection[Any]) -> None:
        """Look at uvicorn's connections each second, until cancelled."""
        while True:
            await asyncio.sleep(1.0)
            self.look(connections, asyncio.get_running_loop().time())

    def look(self, connections: Collection[Any], now: float) -> None:
        """Refuse what has been waited for too long at `now`, in seconds."""
        waited = {}
        for connection in list(connections):
            if not _is_waited_for(connection):
                continue
            cycle, since = self._since.get(connection, (None, now))
            if cycle is not connection.cycle:
                since = now
            allowed = self._limits.patience
            if _is_in_body(connection):
                allowed += getattr(connection, "received", 0) / self._limits.slowest
            if now - since > allowed:
                _refuse_slow(connection)
            else:
                waited[connection] = (connection.cycle, since)
        self._since = waited


def _is_in_body(connection: Any) -> bool:
    cycle = connection.cycle
    return cycle is not None and not cycle.response_complete


def _is_waited_for(connection: Any) -> bool:
    """Whether the client owes us bytes: between requests it does not, uvicorn's timer runs."""
    if _is_in_body(connection):
        return bool(connection.cycle.more_body) and not connection.flow.read_paused
    return connection.timeout_keep_alive_task is None


def _refuse_slow(connection: Any) -> None:
    cycle = connection.cycle
    if cycle is not None and cycle.response_started and not cycle.response_complete:
        connection.transport.close()
    else:
        refuse(connection, 408, "too-slow", "the request came too slowly")
