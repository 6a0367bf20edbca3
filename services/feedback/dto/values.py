"""Words and values that bodies of requests have in common."""

from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def spoken(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank")
    if "\x00" in text:
        raise ValueError("holds a NUL character")
    return text


def distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) != len(values):
        raise ValueError("holds the same twice")
    return values


def storable(value: dict[str, Any]) -> dict[str, Any]:
    """What PostgreSQL cannot keep as JSON is refused here."""
    text = msgspec.json.encode(value).decode()
    if "\\u0000" in text:
        raise ValueError("holds a NUL character")
    return value


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(spoken)]
Labels = Annotated[list[Name], Field(max_length=10_000), AfterValidator(distinct)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
