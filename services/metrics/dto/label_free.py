"""The estimate before any label."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, Field

Numbers = list[float | None]


class NumberState(StrEnum):
    """Whether a number is shown: too few drawn reviews; shown, but not tested yet (fewer than
    five windows); shown; off, as its last five errors average above the limit."""

    COLLECTING = "collecting"
    UNPROVED = "unproved"
    ON = "on"
    OFF = "off"


class LabelFreeNumberDto(BaseModel):
    """One number; null while collecting or off.

    `low`, `high`: 95 %, from 19 back-test errors on; `error`: mean of the last five. `estimated`
    and `realised`: of each back-test window.
    """

    name: str
    state: NumberState
    value: float | None
    low: float | None
    high: float | None
    error: float | None
    estimated: Numbers
    realised: Numbers


class ExpectedCurveDto(BaseModel):
    """Expected precision and recall by threshold; null: nothing reaches it."""

    threshold: list[float]
    precision: Numbers
    recall: Numbers


class LabelFreeDto(BaseModel):
    """Expected precision, recall and F1 at IoU 0.5 and the threshold (classifiers: accuracy) of
    the newest `images` of the range, from `reviewed` drawn reviews; `needed` of them at least.

    `t`: event time of the last image of each back-test window of `window` reviewed images; a
    number is off where its last five errors average above `limit`. It does not see concept shift.
    """

    kind: str
    from_: datetime = Field(alias="from")
    to: datetime
    version: UUID
    threshold: float
    images: int
    reviewed: int
    needed: int
    window: int
    limit: float
    t: list[float]
    numbers: list[LabelFreeNumberDto]
    precision_recall: ExpectedCurveDto | None
