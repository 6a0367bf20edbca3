"""The monitor endpoint before the router: what is plainly right is accepted here.

Everything else goes to the declared route with its body as it came: a picture, a caller or a
deployment not known yet, whatever is wrong. So both answer alike, and errors have one source.
"""

import time
from typing import NamedTuple

from opentelemetry.trace import SpanKind
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.api.caller import KnownCallers
from libs.api.limits import Bodies, LimitedBody
from libs.api.problems import Problem, answer, answer_fault
from libs.api.tokens import Verifier
from libs.api.tracing import seconds
from libs.telemetry.tracing import begun_traceparent, current_traceparent, span
from services.ingest import actions
from services.ingest.api.monitor_direct import KEY_LENGTH, ONE, PREFIX, Desk, Found, MonitorDirect
from services.ingest.api.monitor_documents import (
    accept_lines,
    answer_one,
    read_body,
)
from services.ingest.core.accepted import Accepted, accepted
from services.ingest.core.form import LARGEST, read_form
from services.ingest.errors import PredictionRejected
from services.ingest.parts import Ingest

_BATCH = "/predictions/batch"
_ROUTE = f"{PREFIX}{{deployment}}"
_ID = slice(len(PREFIX), len(PREFIX) + 36)
_REST = slice(len(PREFIX) + 36, None)
_JSON = (b"content-type", b"application/json")
_NDJSON = (b"content-type", b"application/x-ndjson")


class MonitorFront:
    """Plain ASGI around the app. `traced`: spans of this process are collected.

    `direct`: what the server asks before it begins a conversation; None where each has its span.
    """

    def __init__(
        self, app: ASGIApp, bodies: Bodies, *, parts: Ingest, verifier: Verifier, traced: bool
    ) -> None:
        self._app = app
        self._bodies = bodies
        self._parts = parts
        self._desk = Desk(parts, KnownCallers(verifier))
        self._traced = traced
        self._took = {
            rest: seconds.labels("POST", _ROUTE + rest, status)
            for rest, status in ((ONE, "201"), (_BATCH, "200"))
        }
        self.direct = None if traced else MonitorDirect(parts, self._desk, self._took[ONE])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            rest = scope["path"][_REST]
            if rest in self._took and scope["method"] == "POST":
                found = self._find(scope)
                if found is not None:
                    left = await self._accept(scope, receive, send, rest, found)
                    if left is None:
                        return
                    receive = left
        await self._app(scope, receive, send)

    def _find(self, scope: Scope) -> "_Asked | None":
        """Who asks for what, where nothing is unusual."""
        headers = dict(scope["headers"])
        if (
            len(headers) != len(scope["headers"])
            or b"content-encoding" in headers
            or not headers.get(b"content-length", b"").isdigit()
            or (_is_form(headers) and not _is_at_once(scope, headers))
            or len(headers.get(b"idempotency-key", b"")) > KEY_LENGTH
        ):
            return None
        who = headers.get(b"authorization", b""), headers.get(b"x-sightloop-organization")
        found = self._desk.find(scope["path"][_ID], *who)
        return None if found is None else _Asked(headers, found)

    async def _accept(
        self, scope: Scope, receive: Receive, send: Send, rest: str, asked: "_Asked"
    ) -> Receive | None:
        """Answer; or what the router receives where it is to answer."""
        started = time.perf_counter()
        try:
            raw = await self._read(scope, receive)
        except Problem as problem:
            await answer(problem)(scope, receive, send)
            return None
        if raw is None:
            return None
        parent = asked.headers.get(b"traceparent")
        if parent is None and not self._traced:
            # A trace begins here, whose first span would be read by nobody.
            response = await self._response(rest, asked, raw, begun_traceparent())
        else:
            told = None if parent is None else parent.decode("latin-1")
            with span(f"POST {_ROUTE}{rest}", traceparent=told, kind=SpanKind.SERVER):
                response = await self._response(rest, asked, raw, current_traceparent())
        if response is None:
            return _again(raw, receive)
        if isinstance(response, Response):
            await response(scope, receive, send)
            return None
        self._took[rest].observe(time.perf_counter() - started)
        await send(
            {
                "type": "http.response.start",
                "status": 201 if rest == ONE else 200,
                "headers": [
                    (b"content-length", str(len(response)).encode()),
                    _JSON if rest == ONE else _NDJSON,
                ],
            }
        )
        await send({"type": "http.response.body", "body": response})
        return None

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The body; None where the client went away. Raises Problem."""
        first = await receive()
        if first["type"] == "http.disconnect":
            return None
        if not first.get("more_body", False):
            whole: bytes = first["body"]
            return whole
        with LimitedBody(self._bodies, scope, _first(first, receive)) as body:
            body.check()
            return await body.read()

    async def _response(
        self, rest: str, asked: "_Asked", raw: bytes, traceparent: str | None
    ) -> bytes | Response | None:
        """The body of the answer, the answer to a fault, or None: the router is to answer."""
        parts, found = self._parts, asked.found
        caller, target = found.caller, found.target
        try:
            if rest == _BATCH:
                return await accept_lines(
                    parts, caller, target, raw, plain=found.plain, traceparent=traceparent
                )
            entry = await self._entry(asked, raw, traceparent)
            if entry is None:
                return None
            await actions.offer(parts, target.deployment, (entry,))
            return answer_one(entry)
        except PredictionRejected:
            return None
        except Problem as problem:
            return answer(problem)
        except Exception as error:  # noqa: BLE001 - the boundary: answered, counted and logged
            return answer_fault(error, path=_ROUTE + rest)

    async def _entry(self, asked: "_Asked", raw: bytes, traceparent: str | None) -> Accepted | None:
        """What goes out for one prediction, its picture kept; None: the router is to answer.

        Raises PredictionRejected and BlobsUnavailable.
        """
        parts, (caller, known, plain) = self._parts, asked.found
        told = asked.headers.get(b"idempotency-key")
        key = told.decode("latin-1") if told else None
        picture = None
        if _is_form(asked.headers):
            form = read_form(asked.headers[b"content-type"], raw)
            if form is None:
                return None
            raw, picture = form
        else:
            entry = plain.accept(raw, parts.clock.now(), key=key, traceparent=traceparent)
            if entry is not None:
                return entry
        checked = actions.check(parts, known.data, read_body(raw), picture=picture, key=key)
        return accepted(
            await actions.keep_picture(parts, caller.organization, checked),
            organization=caller.organization,
            actor=caller.actor,
            traceparent=traceparent,
        )


def _is_form(headers: dict[bytes, bytes]) -> bool:
    return headers.get(b"content-type", b"")[:10].lower() == b"multipart/"


def _is_at_once(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    """Whether a form is of one prediction, and read without a file."""
    return scope["path"][_REST] == ONE and int(headers[b"content-length"]) <= LARGEST


class _Asked(NamedTuple):
    headers: dict[bytes, bytes]
    found: Found


def _first(message: Message, receive: Receive) -> Receive:
    """Receives `message` once more, then what is left."""
    waiting = [message]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _again(raw: bytes, receive: Receive) -> Receive:
    return _first({"type": "http.request", "body": raw, "more_body": False}, receive)
