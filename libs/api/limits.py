"""Bodies have a limit, known before they are read."""

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.api.problems import Problem, answer


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """Bytes. Multipart bodies are spooled to disk, others are held in memory."""

    body: int = 48 * 2**20
    multipart: int = 2 * 2**30


class LimitBody:
    """Answers 413 as soon as a body is known to be too large."""

    def __init__(self, app: ASGIApp, limits: BodyLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        multipart = headers.get("content-type", "").startswith("multipart/")
        limit = self._limits.multipart if multipart else self._limits.body
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            await answer(_too_large(limit))(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, counted, send)


def _too_large(limit: int) -> Problem:
    return Problem(413, "too-large", f"the body is larger than {limit} bytes", limit=limit)
