"""Everything this package raises on purpose. Each message says what is wrong and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = 5


class SightloopError(Exception):
    """The root: `except SightloopError` catches all of them."""


class NotConfigured(SightloopError):
    """No address or no token was given, nor found in the environment."""


class Unreachable(SightloopError):
    """The server could not be reached, or did not answer in time, however often it was tried."""


class NotThere(SightloopError):
    """Nothing of that name."""


class InvalidPrediction(SightloopError, ValueError):
    """What was handed over is no prediction that can be logged. Nothing was sent."""


class UnknownLabel(InvalidPrediction):
    """A label that the deployment's labelmap does not have."""


class UnreadableImage(SightloopError, ValueError):
    """What was handed over as a picture is none."""


class MissingExtra(SightloopError, ImportError):
    """An optional dependency is not installed; the message says how to install it."""


class NotFlushed(SightloopError, TimeoutError):
    """Predictions still wait after the time that was given. They stay in the spool."""


class SpoolUnusable(SightloopError, OSError):
    """The folder for predictions that wait cannot be written."""


class MonitorClosed(SightloopError):
    """The buffered monitor has been closed."""


class JobFailed(SightloopError):
    """A job of the server ended without success; the message is the server's."""


class ApiError(SightloopError):
    """The server's answer is a refusal.

    `status`: of HTTP. `name`: of the problem, e.g. `missing-scope`. `detail`: the server's
    sentence. `errors`: (where, what) of each wrong element. `trace`: for the server's logs, or
    None. `document`: the whole problem document.
    """

    advice = ""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        self.document = dict(document)
        self.name = str(document.get("type", "")).rpartition("/")[2]
        self.detail = str(document.get("detail") or document.get("title") or f"HTTP {status}")
        self.errors = [(str(e.get("where")), str(e.get("what"))) for e in _errors(document)]
        trace = document.get("trace")
        self.trace = trace if isinstance(trace, str) else None
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        text = f"{self.detail} (HTTP {self.status})"
        if self.errors:
            shown = "; ".join(f"{where}: {what}" for where, what in self.errors[:_SHOWN])
            more = len(self.errors) - _SHOWN
            text += f": {shown}" + (f"; and {more} more" if more > 0 else "")
        return f"{text}. {self.advice}" if self.advice else text


class BadToken(ApiError):
    """401."""

    advice = (
        "Give a valid token as Client(token=…) or in SIGHTLOOP_TOKEN; "
        "an admin makes one on the page Settings / Tokens"
    )


class MissingScope(ApiError):
    """403."""

    advice = "Use a token of a role that has the scope, or ask an admin for one"


class NotFound(ApiError, NotThere):
    """404: it does not exist, or belongs to another organisation."""

    advice = "Check the id, and that the token is of the right organisation"


class Conflict(ApiError):
    """409 or 428: what is there contradicts the request; `name` says how."""


class TooLarge(ApiError):
    """413."""

    advice = "Send less at once, or a smaller picture"


class Invalid(ApiError, ValueError):
    """400 or 422: `errors` names the wrong elements."""


class Busy(ApiError):
    """429 or 503: the server cannot take it now; trying again later is safe."""

    advice = "It was tried several times; try again later"


class ServerFault(ApiError):
    """Any other 5xx: the server's fault; its logs have it under `trace`."""

    advice = "This is the server's fault; its logs say more"


_OF_STATUS: dict[int, type[ApiError]] = {
    400: Invalid,
    401: BadToken,
    403: MissingScope,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: Invalid,
    428: Conflict,
    429: Busy,
    502: Busy,
    503: Busy,
    504: Busy,
}


def error_of(status: int, body: bytes) -> ApiError:
    """The error of an answer; a body that is no problem document (a proxy's page) is left out."""
    try:
        document = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = {}
    return error_in(status, document)


def error_in(status: int, document: Mapping[str, Any]) -> ApiError:
    """The error of a problem document."""
    kind = _OF_STATUS.get(status, ServerFault if status >= 500 else ApiError)
    return kind(status, document)


def _errors(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = document.get("errors")
    return [e for e in found if isinstance(e, dict)] if isinstance(found, list) else []
