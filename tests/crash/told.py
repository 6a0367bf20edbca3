"""What the client did and what it was told: the one side of the audit."""

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

Shapes = dict[str, list[Any]]


@dataclass(slots=True)
class Sent:
    """A prediction that was sent: how often, how often acknowledged, its picture's hash."""

    deployment: str
    picture: str | None
    body: dict[str, Any]
    sends: int = 0
    acknowledged: int = 0
    shadow_sends: int = 0
    shadow_acknowledged: int = 0


@dataclass(slots=True)
class Reviewed:
    """A prediction that was reviewed. `tried` and `saved`: the shapes by revision."""

    deployment: str
    tried: dict[int, list[Shapes]] = field(default_factory=dict)
    saved: dict[int, Shapes] = field(default_factory=dict)
    submit_tries: int = 0
    submitted: bool = False


@dataclass(slots=True)
class Told:
    """Everything that was said to this client in a run."""

    sent: dict[str, Sent] = field(default_factory=dict)
    invalid: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    reviewed: dict[str, Reviewed] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def answered(self, what: str, status: int, text: str, *, fine: set[int]) -> bool:
        """Note an answer; True for one in `fine`.

        429, 502, 503 and 504 say "not now", and promise nothing; any other is a surprise.
        """
        self.answers[f"{what} {status}"] += 1
        if status in fine:
            return True
        if status not in (429, 502, 503, 504):
            self.surprise(f"{what}: {status} {text[:300]}")
        return False

    def failed(self, what: str, error: Exception) -> None:
        """Note a call without an answer: whether it was heard is unknown."""
        self.answers[f"{what} {type(error).__name__}"] += 1

    def surprise(self, text: str) -> None:
        """Note what should not be, whatever breaks."""
        self.surprises.append(f"{time.monotonic() - self.started:6.1f} s  {text}")

    def sends(self, deployment: str) -> int:
        """How many valid predictions went out to a deployment, repeats included."""
        return sum(one.sends for one in self.sent.values() if one.deployment == deployment)

    def acknowledgements(self, deployment: str) -> int:
        """How many of them were acknowledged, repeats included."""
        return sum(one.acknowledged for one in self.sent.values() if one.deployment == deployment)

    def by_deployment(self) -> dict[str, dict[str, Sent]]:
        """What was sent, by deployment and id."""
        found: defaultdict[str, dict[str, Sent]] = defaultdict(dict)
        for name, one in self.sent.items():
            found[one.deployment][name] = one
        return found
