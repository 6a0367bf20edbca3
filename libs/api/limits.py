"""What a body may be: how large and in what form; known before it is in memory."""

from dataclasses import dataclass
from typing import cast

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.api.problems import Problem, answer

_CLOSE = {"Connection": "close"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """Bytes. Multipart bodies are spooled to disk, others are held in memory.

    Of these `in_hand` at once, but a single one always.
    """

    body: int = 48 * 2**20
    multipart: int = 2 * 2**30
    in_hand: int = 96 * 2**20


class Bodies:
    """The bodies that a process holds in memory."""

    def __init__(self, limits: BodyLimits) -> None:
        self.limits = limits
        self._held = 0

    def take(self, size: int) -> None:
        """Raises Problem 503, and takes nothing."""
        if self._held and self._held + size > self.limits.in_hand:
            raise Problem(
                503, "busy", "too many bodies are in hand; try again",
                headers={"Retry-After": "1"} | _CLOSE,
            )  # fmt: skip
        self._held += size

    def give_back(self, size: int) -> None:
        self._held -= size


class LimitedBody:
    """The body of one request as it is received. Used in a `with` block."""

    def __init__(self, bodies: Bodies, scope: Scope, receive: Receive) -> None:
        headers = Headers(scope=scope)
        self._bodies = bodies
        self._receive = receive
        self._encoding = headers.get("content-encoding", "identity").strip().lower()
        self._length = headers.get("content-length", "")
        self._spooled = headers.get("content-type", "").startswith("multipart/")
        limits = bodies.limits
        self._limit = limits.multipart if self._spooled else limits.body
        self._received = 0
        self._whole = False

    def __enter__(self) -> "LimitedBody":
        return self

    def __exit__(self, *_: object) -> None:
        if not self._spooled:
            self._bodies.give_back(self._received)

    def check(self) -> None:
        """Raises Problem 413 or 415 for what the head of the request says."""
        if self._encoding != "identity":
            what = f"bodies are taken as they are, not as {self._encoding[:40]!r}"
            raise Problem(415, "content-encoding", what, headers=_CLOSE)
        if self._length.isdigit() and int(self._length) > self._limit:
            raise self._too_large()

    async def receive(self) -> Message:
        """The next piece. Raises Problem 413 or 503."""
        message = await self._receive()
        if not self._whole:
            self._count(len(message.get("body", b"")))
            self._whole = not message.get("more_body", False)
        return message

    async def read(self) -> bytes | None:
        """All of it; None when the client went away. Raises Problem as `receive`."""
        pieces = []
        while not self._whole:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                return None
            pieces.append(cast("bytes", message.get("body", b"")))
        return b"".join(pieces)

    def _count(self, size: int) -> None:
        if self._received + size > self._limit:
            raise self._too_large()
        if not self._spooled:
            self._bodies.take(size)
        self._received += size

    def _too_large(self) -> Problem:
        what = f"the body is larger than {self._limit} bytes"
        return Problem(413, "too-large", what, headers=_CLOSE, limit=self._limit)


class LimitBody:
    """Middleware that answers 413, 415 or 503 in place of the app."""

    def __init__(self, app: ASGIApp, bodies: Bodies) -> None:
        self._app = app
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused: Problem | None = None
        started = False

        async def limited() -> Message:
            nonlocal refused
            try:
                return await body.receive()
            except Problem as problem:
                refused = problem
                raise

        async def observed(message: Message) -> None:
            nonlocal started
            # Whatever the app makes of the exception, the client reads what was wrong.
            if refused is None or started:
                started = True
                await send(message)

        with LimitedBody(self._bodies, scope, receive) as body:
            try:
                body.check()
                await self._app(scope, limited, observed)
            except Exception as error:
                if isinstance(error, Problem):
                    refused = error
                if refused is None:
                    raise
            if refused is not None and not started:
                await answer(refused)(scope, receive, send)
