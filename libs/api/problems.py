"""Errors as RFC 9457 problem details: what is wrong, and where."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from opentelemetry import trace
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.store.faults import is_transient, is_unstorable
from libs.store.jobs import JobNotFound

log = structlog.get_logger()


class Problem(Exception):
    """An answer that says what is wrong. `errors`: (where, what) for each wrong element."""

    def __init__(
        self,
        status: int,
        name: str,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.errors = errors
        self.headers = headers
        self.extra = extra

    def document(self) -> dict[str, Any]:
        """The problem document."""
        body: dict[str, Any] = {
            "type": f"/problems/{self.name}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = [{"where": where, "what": what} for where, what in self.errors]
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            body["trace"] = format(span.trace_id, "032x")
        return body | self.extra


def not_found(what: str) -> Problem:
    """404; also for what belongs to another organisation."""
    return Problem(404, "not-found", f"there is no {what}")


def conflict(name: str, detail: str, **extra: Any) -> Problem:
    """409."""
    return Problem(409, name, detail, **extra)


def invalid(detail: str, errors: Sequence[tuple[str, str]] = (), **extra: Any) -> Problem:
    """422: the input is understood and wrong."""
    return Problem(422, "invalid", detail, errors=errors, **extra)


def unavailable(detail: str, *, retry_after: int = 1) -> Problem:
    """503 with Retry-After."""
    return Problem(503, "unavailable", detail, headers={"Retry-After": str(retry_after)})


def answer(problem: Problem) -> Response:
    """The response of a problem."""
    return JSONResponse(
        problem.document(),
        problem.status,
        headers=dict(problem.headers or {}),
        media_type="application/problem+json",
    )


def answer_fault(error: Exception, *, path: str) -> Response:
    """The response of an exception that no route has caught: 503 where it passes by itself,
    422 where the database has found what is wrong with the input."""
    if is_transient(error):
        log.warning("a part is away", error=str(error))
        return answer(unavailable("a part of the platform is away; try again"))
    if is_unstorable(error):
        return answer(invalid("a text holds the character NUL, which cannot be stored"))
    log.error("request failed", path=path, exc_info=error)
    return answer(Problem(500, "internal", "this is our fault and has been logged"))


class AnswerFaults:
    """Middleware that answers what no route has caught.

    Starlette's own handler of every Exception raises it once more when it has answered: each
    request to a part that is away would leave a traceback, and be counted as unanswered.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def observed(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, observed)
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            await answer_fault(error, path=scope["path"])(scope, receive, send)


def where(location: Sequence[int | str]) -> str:
    """A pydantic location as a path: ("body", "boxes", 3) is `boxes[3]`."""
    parts = location[1:] if location and location[0] == "body" else location
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.lstrip(".") or "body"


def install(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""

    async def on_problem(_: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return answer(error)

    async def on_validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors = [(where(item["loc"]), str(item["msg"])) for item in error.errors()]
        return answer(invalid(f"{len(errors)} elements of the request are wrong", errors))

    async def on_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        name = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        return answer(
            Problem(error.status_code, name, str(error.detail), headers=error.headers or {})
        )

    async def on_job(_: Request, error: Exception) -> Response:
        return answer(Problem(404, "not-found", str(error)))

    async def on_departure(_: Request, error: Exception) -> Response:
        # Nobody reads this; it is no fault of ours, and no line in the log.
        return Response(status_code=400)

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(JobNotFound, on_job)
    app.add_exception_handler(ClientDisconnect, on_departure)
