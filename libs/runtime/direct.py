"""Requests that are answered by a call, without a task and an ASGI conversation of their own.

head ──recognise──▶ body ──call──▶ in hand ──told──▶ answered
  └─ None: the app      └─ False: the app, with the body as it came

Where what answers is busy with nothing else, this is half of what a request costs.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from libs.runtime.protocol import XgetProtocol

LARGEST = 64 * 1024
"""Bytes of a body that is held for a call."""

_HEADS = 4096
_HEAD = 2048
_END = b"\r\n\r\n"
_STATUS = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n".encode() for s in HTTPStatus}

Headers = list[tuple[bytes, bytes]]
Reply = Callable[[int, bytes, bytes], None]
"""Answer with a status, lines of headers (the length among them, each with its end), a body."""

A = TypeVar("A")


class Direct(ABC, Generic[A]):
    """What answers directly. Its exceptions end the connection: it should raise none."""

    def __init__(self) -> None:
        self.heads: dict[bytes, tuple[A, int]] = {}

    @abstractmethod
    def recognise(self, url: bytes, headers: Headers) -> tuple[A, int, bool] | None:
        """What a POST asks for, how long its body is, and whether its head comes again.

        None: the app is to answer. Names of headers are in lower case. What is recognised holds
        for every request with the same head; who asks is known by `call` only.
        """

    @abstractmethod
    def call(self, asked: A, body: bytes, reply: Reply) -> bool:
        """Take a request; `reply` is called once, at any time. False: nothing was taken."""


class Held:
    """A request in the place of uvicorn's cycle."""

    __slots__ = (
        "asked",
        "before",
        "disconnected",
        "keep_alive",
        "lasting",
        "length",
        "more_body",
        "pieces",
        "protocol",
        "response_complete",
        "taken",
    )  # fmt: skip
    response_started = False

    def __init__(
        self, protocol: "DirectProtocol", asked: Any, length: int, *, lasting: bool
    ) -> None:
        self.protocol = protocol
        self.before = protocol.cycle
        self.asked = asked
        self.length = length
        self.lasting = lasting
        self.pieces: list[bytes] = []
        self.keep_alive = self.more_body = True
        self.disconnected = self.response_complete = self.taken = False

    @property
    def message_event(self) -> "Held":
        """uvicorn sets it where a cycle is to look up; nobody waits here."""
        return self

    def set(self) -> None:
        """See `message_event`."""

    def reply(self, status: int, lines: bytes, body: bytes) -> None:
        """See `Reply`."""
        protocol = self.protocol
        self.response_complete = True
        self.before = None
        if not self.disconnected and not protocol.transport.is_closing():
            told = [_STATUS[status]]
            for name, value in protocol.server_state.default_headers:
                told += (name, b": ", value, b"\r\n")
            told.append(lines)
            told.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
            told.append(body)
            protocol.transport.write(b"".join(told))
            if not self.keep_alive:
                protocol.transport.close()
        protocol.on_response_complete()


class DirectProtocol(XgetProtocol):
    """uvicorn's protocol; where the app has an attribute `direct`, that is asked first.

    Only for what is plain: HTTP/1.1 that stays open, a body of known length, nothing before it
    in hand. A head that has been read before in the same bytes is not read again.
    """

    cycle: Any
    _declined = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._direct: Direct[Any] | None = getattr(self.app, "direct", None)

    def data_received(self, data: bytes) -> None:
        direct = self._direct
        if direct is None or self._inside or self._opening or not self._is_free():
            super().data_received(data)
            return
        end = data.find(_END) + 4
        if known := direct.heads.get(data[:end]):
            asked, length = known
            if len(data) == end + length:
                self._unset_keepalive_if_required()
                held = self.cycle = Held(self, asked, length, lasting=True)
                held.more_body = False
                if direct.call(asked, data[end:], held.reply):
                    return
                self.cycle, self._declined = held.before, True
        super().data_received(data)
        self._declined = False
        # The whole of it is one request: what is before the body is its head.
        held = self.cycle
        if (
            type(held) is Held
            and held.taken
            and held.lasting
            and end <= _HEAD
            and len(data) == end + held.length
        ):
            held.lasting = False
            if len(direct.heads) >= _HEADS:
                direct.heads.clear()
            direct.heads[data[:end]] = held.asked, held.length

    def on_headers_complete(self) -> None:
        if (found := self._recognised()) is None:
            super().on_headers_complete()
            return
        asked, length, lasting = found
        self.cycle = Held(self, asked, length, lasting=lasting)

    def on_body(self, body: bytes) -> None:
        held = self.cycle
        if type(held) is Held and held.more_body:
            held.pieces.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        held = self.cycle
        if type(held) is not Held or held.taken or held.response_complete:
            return
        pieces = held.pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        assert self._direct is not None
        held.taken = True
        if not self._direct.call(held.asked, body, held.reply):
            self.cycle = held.before
            HttpToolsProtocol.on_headers_complete(self)
            HttpToolsProtocol.on_body(self, body)
            HttpToolsProtocol.on_message_complete(self)

    def _recognised(self) -> tuple[Any, int, bool] | None:
        direct, parser = self._direct, self.parser
        if (
            direct is None
            or self._declined
            or not self._is_free()
            or self.expect_100_continue
            or parser.get_method() != b"POST"
            or parser.get_http_version() != "1.1"
            or not parser.should_keep_alive()
            or parser.should_upgrade()
        ):
            return None
        found = direct.recognise(self.url, self.headers)
        return None if found is None or found[1] > LARGEST else found

    def _is_free(self) -> bool:
        """Whether nothing is in hand, and answers are not piling up."""
        return self._is_idle() and not self.flow.write_paused
