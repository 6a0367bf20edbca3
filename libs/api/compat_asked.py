"""What the existing client's requests have in common: whose, which, how many."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from libs.api.problems import invalid, not_found
from libs.api.tokens import Caller

# Its simple lists are one request each.
ALL = 10_000
Limit = Annotated[int, Query(ge=1, le=ALL)]
Offset = Annotated[int, Query(ge=0, lt=2**31)]


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for: by its id, or, where that is None, by its name."""

    name: str
    id: UUID | None

    def __str__(self) -> str:
        return str(self.id or self.name)


def _sought(
    name: str | None = None,
    id: UUID | None = None,  # noqa: A002
) -> Sought:
    if (name is None) is (id is None):
        raise invalid("give a name or an id", [("name", "give it, or id")])
    return Sought(name or "", id)


NameOrId = Annotated[Sought, Depends(_sought)]


def mine(caller: Caller, organization: UUID) -> None:
    """Raises Problem 404 for another's organisation."""
    if organization != caller.organization:
        raise not_found(f"organization {organization}")
