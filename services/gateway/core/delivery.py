"""What is told to receivers: which events, in which words, signed how, and tried how often."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from libs.schemas.envelope import Event, Meta
from libs.schemas.events import (
    AlertFired,
    AlertResolved,
    ExperimentFinished,
    RetrainingTriggered,
    RolloutFinished,
    Severity,
    VerdictReached,
)

# What a receiver may ask for.
EVENTS: dict[str, type[Event]] = {
    kind.event_type.removeprefix("sightloop.").rsplit(".", 1)[0]: kind
    for kind in (
        AlertFired, AlertResolved, RetrainingTriggered, ExperimentFinished, RolloutFinished,
        VerdictReached,
    )
}  # fmt: skip
TEST = "receiver.tested"
SEVERITIES = tuple(Severity)
_SECRET_BYTES = 24
_PREFIX = "whsec_"


class Kind(StrEnum):
    """How a receiver is told: CloudEvents over HTTP, a chat's incoming hook, or e-mail."""

    WEBHOOK = "WEBHOOK"
    SLACK = "SLACK"
    EMAIL = "EMAIL"


class DeliveryState(StrEnum):
    """PENDING until an attempt succeeds, or the last one fails."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """`pause` after the first failure, three times as long after each next, up to `longest`."""

    tries: int
    pause: timedelta
    longest: timedelta = timedelta(hours=6)

    def after(self, tried: int) -> timedelta | None:
        """How long to wait after so many tries; None: that was the last one."""
        if tried >= self.tries:
            return None
        pause: timedelta = self.pause * 3 ** min(tried - 1, 20)
        return min(pause, self.longest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an attempt. `status`: of HTTP or SMTP. `final`: another one would not help."""

    ok: bool
    status: int | None
    detail: str
    final: bool = False


def name_of(event: Event) -> str:
    """An event's name as receivers ask for it: `alert.fired`."""
    return event.event_type.removeprefix("sightloop.").rsplit(".", 1)[0]


def severity_of(event: Event) -> Severity | None:
    """How severe an alert is; None: it is none."""
    return event.severity if isinstance(event, AlertFired | AlertResolved) else None


def sentence(event: Event, *, deployment: str | None) -> str:
    """An event in a sentence for people. `deployment`: the name of the one it is about."""
    match event:
        case AlertFired():
            text = f"{event.severity}: {event.text}"
        case AlertResolved():
            text = f"Resolved: {event.text}"
        case RetrainingTriggered():
            text = f"Training {event.name} was asked for: {event.why}"
        case ExperimentFinished():
            text = f"Experiment {event.name} ended: {event.status}"
        case RolloutFinished():
            text = f"Roll-out {event.action}: {event.reason}"
        case VerdictReached():
            text = f"Verdict {event.verdict} after {event.reviews} reviews"
        case _:
            text = name_of(event)
    return text if deployment is None else f"{deployment}: {text}"


def cloud_event(event: Event, meta: Meta) -> bytes:
    """An event in CloudEvents' structured JSON."""
    return msgspec.json.encode(
        _attributes(meta.id, event.event_type, meta.source, meta.time, meta.organization)
        | {"subject": event.key, "data": event}
        | ({"actor": meta.actor} if meta.actor else {})
        | ({"causationid": meta.causation} if meta.causation else {})
    )


def test_event(event: UUID, organization: UUID, time: datetime, *, actor: str) -> bytes:
    """The event that the test button sends: it says nothing but that it came."""
    attributes = _attributes(
        event, f"sightloop.{TEST}.v1", "/sightloop/gateway", time, organization
    )
    return msgspec.json.encode(attributes | {"actor": actor, "data": {}})


def new_secret() -> str:
    """A secret as Standard Webhooks writes it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed(secret: str, body: bytes, *, event: UUID, time: datetime) -> dict[str, str]:
    """The headers of a signed request: Standard Webhooks 1.0.0, HMAC-SHA256 of id.time.body."""
    seconds = str(int(time.timestamp()))
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    content = b".".join([str(event).encode(), seconds.encode(), body])
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return {
        "webhook-id": str(event),
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def chat_message(text: str, *, link: str | None) -> bytes:
    """The body of a Slack-compatible incoming hook; nothing in `text` is markup."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return msgspec.json.encode({"text": safe if link is None else f"{safe}\n<{link}|Open>"})


def _attributes(
    event: UUID, kind: str, source: str, time: datetime, organization: UUID
) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event,
        "source": source,
        "type": kind,
        "time": time,
        "datacontenttype": "application/json",
        "organization": organization,
    }
