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
from libs.schemas.events import DeploymentChanged, State
from libs.telemetry.tracing import begun_traceparent
from services.ingest import actions
from services.ingest.api.monitor_documents import answer_one, read_plain
from services.ingest.core.accepted import Accepted, accepted
from services.ingest.errors import PredictionRejected
from services.ingest.parts import Ingest

PREFIX = "/api/ingest/v1/deployments/"
ONE = "/predictions"
KEY_LENGTH = 256
_BEFORE = PREFIX.encode()
_ID = slice(len(PREFIX), len(PREFIX) + 36)
_AFTER = slice(len(PREFIX) + 36, None)
_REST = ONE.encode()
_LINES = b"content-length: %d\r\ncontent-type: application/json\r\n" % len(
    answer_one(UUID(int=0), UUID(int=0))
)
# What asks for more than an answer to a body of JSON.
_UNUSUAL = {b"content-encoding", b"transfer-encoding", b"traceparent"}


class Asked(NamedTuple):
    """What a head asks for. Who asks, and for what, is looked up with each request."""

    deployment: str
    authorization: bytes
    organization: bytes | None
    key: str | None


class Desk:
    """Who asks for which deployment, where nothing is unusual."""

    def __init__(self, parts: Ingest, callers: KnownCallers) -> None:
        self._deployments = parts.deployments
        self._callers = callers

    def find(
        self, deployment: str, authorization: bytes, organization: bytes | None
    ) -> tuple[Caller, DeploymentChanged] | None:
        """The caller, who may log, and the deployment; None: the router says."""
        caller = self._callers.find(authorization, organization)
        if caller is None or Permission.PREDICTIONS_WRITE not in caller.scopes:
            return None
        known = self._deployments.get(deployment)
        if known is None or known.meta.organization != caller.organization:
            return None
        return None if known.data.state is State.DELETED else (caller, known.data)


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
        caller, target = found
        try:
            read = read_plain(body, target.type)
            if read is None:
                return False
            checked = actions.check(self._parts, target, read, key=asked.key)
            if checked.picture is not None:
                return False
            entry = accepted(
                checked.logged,
                organization=caller.organization,
                actor=caller.actor,
                traceparent=begun_traceparent(),
            )
            told = partial(self._answer, entry, started, reply)
            actions.hand(self._parts, target.deployment, entry, told)
        except PredictionRejected:
            return False
        except Exception as error:  # noqa: BLE001 - the boundary: answered, counted and logged
            _answer_fault(error, reply)
        return True

    def _answer(
        self, entry: Accepted, started: float, reply: Reply, fault: Exception | None
    ) -> None:
        if fault is not None:
            _answer_fault(fault, reply)
            return
        body = answer_one(entry.prediction, entry.data)
        self._took.observe(time.perf_counter() - started)
        reply(201, _LINES, body)


def _answer_fault(error: Exception, reply: Reply) -> None:
    response = answer_fault(error, path=f"{PREFIX}{{deployment}}{ONE}")
    lines = b"".join([b"%b: %b\r\n" % header for header in response.raw_headers])
    reply(response.status_code, lines, bytes(response.body))
