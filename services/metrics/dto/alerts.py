"""Alert rules, what they would have done, and what they did."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from libs.schemas.events import Severity
from services.metrics.core.alerting.rules import LONGEST_LASTING, LONGEST_WINDOW, Operator

Number = Annotated[float, Field(allow_inf_nan=False)]
_DAY, _HOUR = 1440, 60
_LONGEST_WINDOW = int(LONGEST_WINDOW.total_seconds()) // 60
_LONGEST_LASTING = int(LONGEST_LASTING.total_seconds()) // 60


class RuleBody(BaseModel):
    """Fires when `metric` over the last `window_minutes` has been on the wrong side of `threshold`
    for at least `for_minutes`.

    `resolved_threshold`: it is over on its right side; null: as soon as it is not wrong. A window
    is of whole minutes up to an hour, of five minutes up to a day, of hours beyond.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    metric: Annotated[str, Field(min_length=1, max_length=600)]
    operator: Operator
    threshold: Number
    resolved_threshold: Number | None = None
    window_minutes: Annotated[int, Field(ge=1, le=_LONGEST_WINDOW)]
    for_minutes: Annotated[int, Field(ge=0, le=_LONGEST_LASTING)] = 0
    severity: Severity = Severity.WARNING
    enabled: bool = True

    @field_validator("resolved_threshold")
    @classmethod
    def _on_the_right_side(cls, value: float | None, info: ValidationInfo) -> float | None:
        given = info.data
        if value is not None and "threshold" in given and "operator" in given:
            apart = given["threshold"] - value
            if (apart if given["operator"].upward else -apart) < 0:
                raise PydanticCustomError(
                    "side", "it must be on the right side of the threshold, or equal to it"
                )
        return value

    @field_validator("window_minutes")
    @classmethod
    def _whole(cls, value: int) -> int:
        step = 1 if value <= _HOUR else 5 if value <= _DAY else _HOUR
        if value % step:
            raise PydanticCustomError(
                "step", "a window this long is of whole {step} minutes", {"step": step}
            )
        return value


class RuleDto(BaseModel):
    """A rule and how it stands. `since`: it is wrong since then; `firing`: the alert it fires.

    `silenced`: now, until `silenced_until`. `value` null: the window had nothing to judge by.
    """

    id: UUID
    name: str
    metric: str
    unit: str
    text: str
    operator: Operator
    threshold: float
    resolved_threshold: float | None
    window_minutes: int
    for_minutes: int
    severity: Severity
    enabled: bool
    silenced_until: datetime | None
    silenced: bool
    since: datetime | None
    firing: UUID | None
    fired_time: datetime | None
    checked: datetime | None
    value: float | None
    created: datetime


class RulesDto(BaseModel):
    items: list[RuleDto]


class AlertMetricDto(BaseModel):
    """A metric that a rule can look at. `text`: what it is, over the rule's window."""

    name: str
    unit: str
    text: str


class AlertMetricsDto(BaseModel):
    items: list[AlertMetricDto]


class SilenceBody(BaseModel):
    """`until`: a time, or null: until it is lifted."""

    until: AwareDatetime | None = None


class FiringDto(BaseModel):
    """`since`: first seen wrong. `resolved_time` null: it would fire still."""

    since: datetime
    fired_time: datetime
    resolved_time: datetime | None
    worst: float


class RehearsalDto(BaseModel):
    """What a rule would have done. `t`, `values`: the metric, the worst of neighbouring checks.

    `checks` 0: there is no history as long as the window yet. `more`: firings that `firings` (the
    newest 200) leaves out.
    """

    start: datetime
    end: datetime
    checks: int
    fired: int
    firings: list[FiringDto]
    more: int
    t: list[int]
    values: list[float | None]


class AlertDto(BaseModel):
    """A firing of a rule. `value`: when it fired; `worst`: of all since; `resolved_text`: why it
    is over. `resolved_time` null: it fires."""

    id: UUID
    deployment: UUID
    rule: UUID
    name: str
    metric: str
    operator: Operator
    threshold: float
    severity: Severity
    since: datetime
    fired_time: datetime
    resolved_time: datetime | None
    value: float
    worst: float
    text: str
    resolved_text: str | None
