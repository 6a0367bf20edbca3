"""What the real parts have in common."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Available:
    """The part can start now; `detail` says which it is and where."""

    detail: str


@dataclass(frozen=True)
class Missing:
    """The part cannot start; `reason` says why and what to do."""

    reason: str


class FetchFailed(RuntimeError):
    """A part could not be brought into the cache."""


class PartFailed(RuntimeError):
    """A part did not start; holds the end of its log."""


class Tool(Protocol):
    """Something that can be there or be fetched. Both calls block."""

    name: str

    def available(self) -> Available | Missing:
        """Whether it can be used now, without the network."""
        ...

    def fetch(self) -> None:
        """Bring it here; nothing happens when it is here. Raises FetchFailed."""
        ...
