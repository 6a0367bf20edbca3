"""Pages by (time, id): stable while rows are added."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

import msgspec
from fastapi import Query
from pydantic import BaseModel

from libs.api.problems import invalid

T = TypeVar("T")
R = TypeVar("R")
Limit = Annotated[int, Query(ge=1, le=200)]
CursorText = Annotated[str | None, Query(alias="cursor", max_length=400)]


class Page(BaseModel, Generic[T]):
    """One page of a list. `next_cursor` null: this is the last."""

    items: list[T]
    next_cursor: str | None = None


def write_cursor(*parts: object) -> str:
    """A cursor as clients see it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def read_cursor(text: str | None, kind: type[T]) -> T | None:
    """The parts of a cursor, e.g. `tuple[datetime, UUID]`. Raises Problem 422."""
    if text is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=kind)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise invalid("the cursor is not one of ours", [("cursor", "take it from a page")]) from (
            error
        )


def read_time_cursor(text: str | None) -> tuple[datetime, UUID] | None:
    """The usual cursor: (time, id)."""
    return read_cursor(text, tuple[datetime, UUID])


def page(
    rows: Sequence[R], limit: int, item: Callable[[R], T], cursor: Callable[[R], str]
) -> Page[T]:
    """A page from `limit + 1` rows asked for: the extra one says that there are more."""
    more = len(rows) > limit
    shown = rows[:limit]
    return Page(
        items=[item(row) for row in shown],
        next_cursor=cursor(shown[-1]) if more and shown else None,
    )
