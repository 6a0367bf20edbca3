"""What is wrong with a deployment: fired once, resolved once."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from libs.schemas.envelope import Event, event
from libs.schemas.topics import ALERTS


class Severity(StrEnum):
    """How soon somebody should look: when there is time, today, now."""

    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


@event("alert.fired.v1", ALERTS)
class AlertFired(Event, frozen=True, kw_only=True):
    """Something is wrong with a deployment since a while. One firing has one `alert`.

    `kind`: what watches, as `books` or `metric`. `rule`: whose limit it is, where a user made
    one; with `metric`, the `value` that was seen and the `threshold` it crossed.
    """

    alert: UUID
    deployment: UUID
    kind: str
    severity: Severity
    since: datetime
    fired_time: datetime
    text: str
    rule: UUID | None = None
    metric: str | None = None
    value: float | None = None
    threshold: float | None = None


@event("alert.resolved.v1", ALERTS)
class AlertResolved(Event, frozen=True, kw_only=True):
    """What an alert told of is over; otherwise as it was fired, `value` as it is now."""

    alert: UUID
    deployment: UUID
    kind: str
    severity: Severity
    since: datetime
    fired_time: datetime
    resolved_time: datetime
    text: str
    rule: UUID | None = None
    metric: str | None = None
    value: float | None = None
    threshold: float | None = None
