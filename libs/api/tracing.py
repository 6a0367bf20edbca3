"""A span and a duration for each request."""

import time

from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.telemetry.metrics import histogram
from libs.telemetry.tracing import span

seconds = histogram(
    "http_request_seconds",
    "Seconds from the request's head to the end of the answer's head, by route and status.",
    ["method", "route", "status"],
    wrong=True,
)


class TraceRequests:
    """Continues the caller's trace; names the span by the route's template, never by the path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        parent = Headers(scope=scope).get("traceparent")
        with span("http", traceparent=parent, kind=SpanKind.SERVER) as current:

            async def observed(message: Message) -> None:
                if message["type"] == "http.response.start":
                    route = getattr(scope.get("route"), "path", "unmatched")
                    status = str(message["status"])
                    current.update_name(f"{scope['method']} {route}")
                    seconds.labels(scope["method"], route, status).observe(
                        time.perf_counter() - started
                    )
                await send(message)

            await self._app(scope, receive, observed)
