"""The monitor endpoint without a task: single predictions that are plainly right.

Whatever is unusual is left to the front, and whatever is wrong to the declared route.
"""

import time
from functools import partial
from typing import NamedTuple
from uuid import UUID

from prometheus_client import Histogram

from libs.api.caller import KnownCallers
from libs.api.problems import answer_fault
from libs.api.scopes import Scope as Permission
from libs.api.tokens import Caller
from libs.runtime.direct import Direct, Headers, Reply
from libs.schemas.envelope import Received
from libs.schemas.events import DeploymentChanged, State
from libs.telemetry.tracing import begun_traceparent
from services.ingest import actions
from services.ingest.api.monitor_documents import answer_one, read_body
from services.ingest.core.accepted import Accepted, accepted
from services.ingest.core.plain import Plain
from services.ingest.errors import PredictionRejected
from services.ingest.parts import Ingest

PREFIX = "/api/ingest/v1/deployments/"
ONE = "/predictions"
KEY_LENGTH = 256
_FOUND = 10_000
_BEFORE = PREFIX.encode()
_ID = slice(len(PREFIX), len(PREFIX) + 36)
_AFTER = slice(len(PREFIX) + 36, None)
_REST = ONE.encode()
_LINES = b"content-length: %d\r\ncontent-type: application/json\r\n" % len(
    answer_one(Accepted(UUID(int=0), "", None, str(UUID(int=0)), str(UUID(int=0)), b""))
)
# What asks for more than an answer to a body of JSON.
_UNUSUAL = {b"content-encoding", b"transfer-encoding", b"traceparent"}


class Asked(NamedTuple):
    """What a head asks for. Who asks, and for what, is looked up with each request."""

    deployment: str
    authorization: bytes
    organization: bytes | None
    key: str | None


class Found(NamedTuple):
    """Who asks, for what, and what takes most of it."""

    caller: Caller
    known: Received[DeploymentChanged]
    plain: Plain

    @property
    def target(self) -> DeploymentChanged:
        return self.known.data


class Desk:
    """Who asks for which deployment, where nothing is unusual."""

    def __init__(self, parts: Ingest, callers: KnownCallers) -> None:
        self._deployments = parts.deployments
        self._callers = callers
        self._found: dict[tuple[str, bytes, bytes | None], Found] = {}

    def find(
        self, deployment: str, authorization: bytes, organization: bytes | None
    ) -> Found | None:
        """The caller, who may log, and the deployment; None: the router says."""
        caller = self._callers.find(authorization, organization)
        known = self._deployments.get(deployment)
        if caller is None or known is None:
            return None
        asked = deployment, authorization, organization
        found = self._found.get(asked)
        if found is not None and found.caller is caller and found.known is known:
            return found
        if (
            Permission.PREDICTIONS_WRITE not in caller.scopes
            or known.meta.organization != caller.organization
            or known.data.state is State.DELETED
        ):
            return None
        if len(self._found) >= _FOUND:
            self._found.clear()
        plain = Plain(known.data, organization=caller.organization, actor=caller.actor)
        found = self._found[asked] = Found(caller, known, plain)
        return found


class MonitorDirect(Direct[Asked]):
    """`took`: the histogram of what is accepted."""

    def __init__(self, parts: Ingest, desk: Desk, took: Histogram) -> None:
        super().__init__()
        self._parts = parts
        self._desk = desk
        self._took = took

    def recognise(self, url: bytes, headers: Headers) -> tuple[Asked, int, bool] | None:
        """See `Direct`. A head with a key of its own does not come again."""
        if not url.startswith(_BEFORE) or url[_AFTER] != _REST:
            return None
        told = dict(headers)
        length = told.get(b"content-length", b"")
        key = told.get(b"idempotency-key", b"")
        if (
            len(told) != len(headers)
            or not _UNUSUAL.isdisjoint(told)
            or not length.isdigit()
            or told.get(b"content-type", b"")[:10].lower() == b"multipart/"
            or len(key) > KEY_LENGTH
        ):
            return None
        asked = Asked(
            url[_ID].decode("latin-1"),
            told.get(b"authorization", b""),
            told.get(b"x-sightloop-organization"),
            key.decode("latin-1") or None,
        )
        return asked, int(length), not key

    def call(self, asked: Asked, body: bytes, reply: Reply) -> bool:
        """See `Direct`."""
        started = time.perf_counter()
        found = self._desk.find(asked.deployment, asked.authorization, asked.organization)
        if found is None:
            return False
        parts = self._parts
        try:
            trace = begun_traceparent()
            entry = found.plain.accept(body, parts.clock.now(), key=asked.key, traceparent=trace)
            if entry is None:
                entry = self._accepted(found, body, asked.key, trace)
            if entry is None:
                return False
            told = partial(self._answer, entry, started, reply)
            actions.hand(parts, found.target.deployment, entry, told)
        except PredictionRejected:
            return False
        except Exception as error:  # noqa: BLE001 - the boundary: answered, counted and logged
            _answer_fault(error, reply)
        return True

    def _accepted(
        self, found: Found, body: bytes, key: str | None, traceparent: str
    ) -> Accepted | None:
        """What is not plain; None: it has a picture. Raises PredictionRejected."""
        caller = found.caller
        checked = actions.check(self._parts, found.target, read_body(body), key=key)
        if checked.picture is not None:
            return None
        return accepted(
            checked.logged,
            organization=caller.organization,
            actor=caller.actor,
            traceparent=traceparent,
        )

    def _answer(
        self, entry: Accepted, started: float, reply: Reply, fault: Exception | None
    ) -> None:
        if fault is not None:
            _answer_fault(fault, reply)
            return
        body = answer_one(entry)
        self._took.observe(time.perf_counter() - started)
        reply(201, _LINES, body)


def _answer_fault(error: Exception, reply: Reply) -> None:
    response = answer_fault(error, path=f"{PREFIX}{{deployment}}{ONE}")
    lines = b"".join([b"%b: %b\r\n" % header for header in response.raw_headers])
    reply(response.status_code, lines, bytes(response.body))
