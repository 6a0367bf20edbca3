"""Documents of the monitor endpoint: read, and answered. The router and the front share them."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from libs.api.problems import Problem
from libs.api.tokens import Caller
from libs.schemas.events import DeploymentChanged
from libs.schemas.faults import Transient
from libs.schemas.values import Logged
from services.ingest import actions
from services.ingest.actions import Checked
from services.ingest.core.accepted import Accepted, accepted
from services.ingest.core.body import Body, ShadowBody, where_of
from services.ingest.core.plain import NUL, Plain
from services.ingest.errors import PredictionRejected
from services.ingest.parts import Ingest

_decode_body = msgspec.json.Decoder(Body)
_decode_shadow = msgspec.json.Decoder(ShadowBody)
_encode = msgspec.json.Encoder().encode
# After so many lines of a batch others have their turn: about two milliseconds.
_LINES = 128

Outcome = Accepted | PredictionRejected


def read_body(raw: bytes) -> Body:
    """Raises PredictionRejected: 400 for what is no JSON, 422 for what does not fit."""
    body: Body = _decode(_decode_body, raw)
    return body


def read_shadow(raw: bytes) -> ShadowBody:
    """As `read_body`."""
    body: ShadowBody = _decode(_decode_shadow, raw)
    return body


def problem_of(error: PredictionRejected) -> Problem:
    """What the client reads of a refusal."""
    headers = {"Retry-After": "1"} if error.status in (429, 503) else None
    return Problem(error.status, error.reason, error.detail, errors=error.errors, headers=headers)


def refused(parts: Ingest, caller: Caller, deployment: UUID, error: PredictionRejected) -> Problem:
    """As `problem_of`; the refusal is in the books."""
    parts.till.refuse(caller.organization, deployment, error.reason)
    return problem_of(error)


def answer_one(entry: Accepted) -> bytes:
    """The body of a 201."""
    return f'{{"id":"{entry.prediction}","data":"{entry.data}"}}'.encode()


async def accept_lines(
    parts: Ingest,
    caller: Caller,
    target: DeploymentChanged,
    raw: bytes,
    *,
    plain: Plain | None = None,
    traceparent: str | None,
) -> bytes:
    """Accept an NDJSON document; returns a line for each of its lines.

    `plain`: what takes most of the lines in less time.

    Raises:
        Problem: too many lines.
        BusUnavailable: some may be durable.
    """
    lines = [line for line in raw.split(b"\n") if line.strip()]
    limit = parts.settings.batch_limit
    if len(lines) > limit:
        raise Problem(413, "too-many", f"{len(lines)} lines; at most {limit} in one request")
    outcomes = await _Lines(parts, caller, target, plain, traceparent).accept(lines)
    entries = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    if entries:
        await actions.offer(parts, target.deployment, entries)
    return ("\n".join(map(_line, range(len(outcomes)), outcomes)) + "\n").encode()


class _Lines:
    """The lines of one batch. Pictures are kept some at a time, the rest needs no waiting."""

    def __init__(
        self,
        parts: Ingest,
        caller: Caller,
        target: DeploymentChanged,
        plain: Plain | None,
        traceparent: str | None,
    ) -> None:
        self._parts = parts
        self._caller = caller
        self._target = target
        self._plain = plain
        self._traceparent = traceparent
        self._slice = parts.settings.pictures_at_once // 2 or 1

    async def accept(self, lines: Sequence[bytes]) -> list[Outcome]:
        outcomes: list[Outcome | Checked] = []
        waiting: list[int] = []
        for number, line in enumerate(lines):
            outcome = self._check(line)
            outcomes.append(outcome)
            if isinstance(outcome, Checked):
                waiting.append(number)
            if len(waiting) == self._slice or number == len(lines) - 1:
                kept = await asyncio.gather(*(self._keep(outcomes[at]) for at in waiting))
                for at, result in zip(waiting, kept, strict=True):
                    outcomes[at] = result
                waiting.clear()
            elif number % _LINES == _LINES - 1:
                await asyncio.sleep(0)
        return outcomes  # type: ignore[return-value]  # every Checked has been replaced

    def _check(self, line: bytes) -> Outcome | Checked:
        if self._plain is not None:
            now, trace = self._parts.clock.now(), self._traceparent
            entry = self._plain.accept(line, now, key=None, traceparent=trace)
            if entry is not None:
                return entry
        try:
            checked = actions.check(self._parts, self._target, read_body(line))
            return checked if checked.picture is not None else self._accepted(checked.logged)
        except PredictionRejected as error:
            return self._refuse(error)

    async def _keep(self, checked: Any) -> Outcome:
        try:
            organization = self._caller.organization
            return self._accepted(await actions.keep_picture(self._parts, organization, checked))
        except PredictionRejected as error:
            return self._refuse(error)
        except Transient as error:
            return PredictionRejected("unavailable", str(error), status=503)

    def _accepted(self, logged: Logged) -> Accepted:
        caller = self._caller
        return accepted(
            logged,
            organization=caller.organization,
            actor=caller.actor,
            traceparent=self._traceparent,
        )

    def _refuse(self, error: PredictionRejected) -> PredictionRejected:
        self._parts.till.refuse(self._caller.organization, self._target.deployment, error.reason)
        return error


def _line(number: int, outcome: Outcome) -> str:
    if isinstance(outcome, Accepted):
        ids = f'"id":"{outcome.prediction}","data":"{outcome.data}"'
        return f'{{"line":{number},"status":201,{ids}}}'
    document = problem_of(outcome).document()
    return _encode({"line": number, "status": outcome.status, "problem": document}).decode()


def _decode(decoder: "msgspec.json.Decoder[Any]", raw: bytes) -> Any:
    if NUL in raw:
        # PostgreSQL has no such character: the event would die behind the answer.
        what = "the character U+0000 cannot be stored"
        raise PredictionRejected("malformed", what, errors=[("body", what)])
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise PredictionRejected(
            "malformed", "the body does not fit its schema", errors=[where_of(error)]
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PredictionRejected(
            "malformed", f"the body is no JSON: {error}", status=400, errors=[("body", str(error))]
        ) from error
