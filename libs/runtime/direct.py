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
        self._begun: tuple[Headers, int, bytes, bytes] = [], 0, b"", b""

    @abstractmethod
    def recognise(self, url: bytes, headers: Headers) -> tuple[A, int, bool] | None:
        """What a POST asks for, how long its body is, and whether its head comes again.

        None: the app is to answer. Names of headers are in lower case. What is recognised holds
        for every request with the same head; who asks is known by `call` only.
        """

    @abstractmethod
    def call(self, asked: A, body: bytes, reply: Reply) -> bool:
        """Take a request; `reply` is called once, at any time. False: nothing was taken."""

    def begin(self, defaults: Headers, status: int, lines: bytes) -> bytes:
        """The head of an answer but for its end; most have the one of the answer before."""
        begun = self._begun
        if begun[0] is defaults and begun[1] == status and begun[2] is lines:
            return begun[3]
        shared = b"".join([b"%b: %b\r\n" % header for header in defaults])
        self._begun = defaults, status, lines, _STATUS[status] + shared + lines
        return self._begun[3]


class Held:
    """A request in the place of uvicorn's cycle."""

    __slots__ = (
        "asked",
        "before",
        "direct",
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
        self,
        protocol: "DirectProtocol",
        direct: Direct[Any],
        asked: Any,
        length: int,
        *,
        lasting: bool,
    ) -> None:
        self.protocol = protocol
        self.direct = direct
        self.before = protocol.cycle
        self.asked = asked
        self.length = length
        self.lasting = lasting
        self.pieces: list[bytes] = []
        self.keep_alive = self.more_body = True
        self.disconnected = self.response_complete = self.taken = False

    def again(self) -> None:
        """Hold the next request, which has the same head; it is there as a whole."""
        self.more_body = self.response_complete = False
        self.keep_alive = True

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
            begun = self.direct.begin(protocol.server_state.default_headers, status, lines)
            if self.keep_alive:
                protocol.transport.write(b"%b\r\n%b" % (begun, body))
            else:
                protocol.transport.write(b"%bconnection: close\r\n\r\n%b" % (begun, body))
                protocol.transport.close()
        protocol.on_answered()


class DirectProtocol(XgetProtocol):
    """uvicorn's protocol; where the app has an attribute `direct`, that is asked first.

    Only for what is plain: HTTP/1.1 that stays open, a body of known length, nothing before it
    in hand. A head that has been read before in the same bytes is not read again.
    """

    cycle: Any
    _declined = False
    _head = b""
    _again: Held
    _answered = 0.0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._direct: Direct[Any] | None = getattr(self.app, "direct", None)

    def data_received(self, data: bytes) -> None:
        direct, cycle, end = self._direct, self.cycle, 0
        # `_is_free`, which a call would make dearer than what it asks.
        if (
            direct is not None
            and not (self._inside or self._opening or self.pipeline or self.flow.write_paused)
            and (cycle is None or cycle.response_complete)
        ):
            end = len(self._head)
            if not end or not data.startswith(self._head):
                end = self._look_up(direct, data)
            if self._head and len(data) == end + self._again.length:
                held = self.cycle = self._again
                held.again()
                if direct.call(held.asked, data[end:], held.reply):
                    return
                # What was before it may be itself.
                held.response_complete = True
                self.cycle, self._declined = cycle, True
        self._parse(data)
        self._declined = False
        # The whole of it is one request: what is before the body is its head.
        held = self.cycle
        if (
            type(held) is Held
            and held.taken
            and held.lasting
            and 0 < end <= _HEAD
            and len(data) == end + held.length
        ):
            held.lasting = False
            heads = held.direct.heads
            if len(heads) >= _HEADS:
                heads.clear()
            heads[data[:end]] = held.asked, held.length

    def _look_up(self, direct: Direct[Any], data: bytes) -> int:
        """Where the head of a request ends; what is known of it is known of the connection."""
        end = data.find(_END) + 4
        head = data[:end]
        known = direct.heads.get(head)
        self._head = head if known else b""
        if known:
            self._again = Held(self, direct, *known, lasting=False)
        return end

    def _parse(self, data: bytes) -> None:
        """Read what is not called at once."""
        super().data_received(data)

    def on_headers_complete(self) -> None:
        if (found := self._recognised()) is None:
            super().on_headers_complete()
            return
        self.cycle = found

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
        held.taken = True
        if not held.direct.call(held.asked, body, held.reply):
            self.cycle = held.before
            HttpToolsProtocol.on_headers_complete(self)
            HttpToolsProtocol.on_body(self, body)
            HttpToolsProtocol.on_message_complete(self)

    def on_answered(self) -> None:
        """A request that was held has its answer.

        The timer of a connection that is asked again and again is not set anew with each answer.
        """
        if (
            self.timeout_keep_alive_task is None
            or self.pipeline
            or self._opening
            or self.flow.read_paused
            or self.transport.is_closing()
        ):
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1
            self._answered = self.loop.time()

    def timeout_keep_alive_handler(self) -> None:
        """uvicorn's, once nothing has been asked for as long as that."""
        left = float(self.timeout_keep_alive)
        if self._is_idle():
            left += self._answered - self.loop.time()
        if left > 0 and not self.transport.is_closing():
            again = self.timeout_keep_alive_handler
            self.timeout_keep_alive_task = self.loop.call_later(left, again)
        else:
            super().timeout_keep_alive_handler()

    def _recognised(self) -> Held | None:
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
        if found is None or found[1] > LARGEST:
            return None
        asked, length, lasting = found
        return Held(self, direct, asked, length, lasting=lasting)

    def _is_free(self) -> bool:
        """Whether nothing is in hand, and answers are not piling up."""
        return self._is_idle() and not self.flow.write_paused
