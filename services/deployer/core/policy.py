"""What is fixed before the first look at a candidate."""

import math
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Self

LEAST_UNIFORM = 0.05
_SECONDS = re.compile(r"([0-9]{1,8}(?:\.[0-9]{1,3})?)s")
_BLOCK = (
    "must be source, metadata.<key> or custom_metadata.<key>, a window such as 60s, "
    "or both: metadata.truck 60s"
)


class Loss(StrEnum):
    """The bounded loss of one image, for each model at its own threshold."""

    F1_AT_50 = "F1_AT_50"  # 1 − F1 at IoU 0.5
    ERROR = "ERROR"  # 0 or 1: the label is wrong


class Action(StrEnum):
    """What a verdict does beyond being told."""

    NOTIFY = "notify"
    PROMOTE = "promote"


class Delivery(StrEnum):
    """What becomes of a model that a retraining made."""

    SHADOW = "DEPLOY_SHADOW"
    CHAMPION = "DEPLOY_CHAMPION"
    MANUAL = "DEPLOY_MANUAL"
    AUTO_PROMOTE = "AUTO_PROMOTE"


class Verdict(StrEnum):
    BETTER = "BETTER"
    WORSE = "WORSE"
    NOT_WORSE = "NOT_WORSE"


@dataclass(frozen=True, slots=True)
class Bursts:
    """Which images come in one burst: those that share a field's value, within a time window.

    `field`: `source`, `metadata.<key>` or `custom_metadata.<key>`; None: the window alone.
    `window`: None: the field alone, until a draw comes without it.
    """

    field: str | None = None
    window: timedelta | None = None

    def __str__(self) -> str:
        """As people write it: `metadata.truck`, `metadata.truck 60s`, `60s`."""
        window = None if self.window is None else f"{self.window.total_seconds():g}s"
        return " ".join(part for part in (self.field, window) if part is not None)

    @classmethod
    def read(cls, text: str) -> Self:
        """What `str` writes. Raises PolicyRefused."""
        words = text.split()
        window = None
        if words and (match := _SECONDS.fullmatch(words[-1])):
            window = timedelta(seconds=float(match[1]))
            words = words[:-1]
        if len(words) > 1 or (not words and window is None):
            raise PolicyRefused([("block", _BLOCK)])
        return cls(field=words[0] if words else None, window=window)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a candidate is judged.

    `uniform`: least share u of the draws' probability that is equal for all (1: every image, or
    each as likely); bounds the weights by W = 1/u; a draw with less begins anew. `delta`: how
    much worse is still "not worse". `minimum`, `maximum`: images reviewed before a verdict, and
    after which nobody looks on. Raises PolicyRefused.
    """

    loss: Loss = Loss.F1_AT_50
    alpha: float = 0.05
    delta: float = 0.0
    uniform: float = 1.0
    block: Bursts | None = None
    minimum: int = 20
    maximum: int = 2000
    action: Action = Action.NOTIFY

    def __post_init__(self) -> None:
        wrong = []
        if not (math.isfinite(self.alpha) and 0 < self.alpha <= 0.5):
            wrong.append(("alpha", "must lie in (0, 0.5]"))
        if not (math.isfinite(self.delta) and 0 <= self.delta < 1):
            wrong.append(("delta", "must lie in [0, 1)"))
        if not (math.isfinite(self.uniform) and LEAST_UNIFORM <= self.uniform <= 1):
            wrong.append(("uniform", f"must lie in [{LEAST_UNIFORM}, 1]"))
        if self.minimum < 1:
            wrong.append(("minimum", "must be 1 or more"))
        if not self.minimum <= self.maximum <= 100_000:
            wrong.append(("maximum", "must be at least the minimum and at most 100,000"))
        wrong += _wrong_block(self.block)
        if wrong:
            raise PolicyRefused(wrong)

    @property
    def bound(self) -> float:
        """W: no weight is larger."""
        return 1.0 / self.uniform


class PolicyRefused(ValueError):
    """A verdict policy that means nothing; `errors`: (field, what is wrong)."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field} {what}" for field, what in errors))
        self.errors = errors


def _wrong_block(block: Bursts | None) -> list[tuple[str, str]]:
    if block is None:
        return []
    head, _, key = (block.field or "").partition(".")
    known = block.field in (None, "source") or (head in {"metadata", "custom_metadata"} and key)
    empty = block.field is None and block.window is None
    if empty or not known or (block.window is not None and block.window <= timedelta(0)):
        return [("block", _BLOCK)]
    return []
