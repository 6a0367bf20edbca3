"""Queries of a request: read, refused with the column that is wrong, and completed."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from libs.api.problems import invalid
from libs.query.completion import CompletionRole, completions
from libs.query.fields import Fields, checked
from libs.query.reading import LONGEST, parse
from libs.query.tree import Expression, QueryRefused

QueryText = Annotated[str, Query(max_length=LONGEST)]


class CompletionDto(BaseModel):
    """`text` in place of `length` characters from `column` on."""

    text: str
    role: CompletionRole
    what: str
    column: int
    length: int


class CompletionsDto(BaseModel):
    """The likeliest first, at most twenty."""

    items: list[CompletionDto]


class CountDto(BaseModel):
    """How many a query finds."""

    count: int


def read_query(text: str, fields: Fields) -> Expression | None:
    """The query; None asks for everything. Raises Problem 422 with the column."""
    try:
        tree = parse(text)
        return None if tree is None else checked(tree, fields)
    except QueryRefused as error:
        where = {"column": error.at.column, "length": error.at.length, "nearest": error.nearest}
        raise invalid("the query is wrong", [("q", str(error))], query=where) from error


def completed(text: str, place: int | None, fields: Fields) -> CompletionsDto:
    """What may stand at a column (from 0; None: the end) of a query."""
    found = completions(text, len(text) if place is None else place, fields)
    return CompletionsDto(
        items=[
            CompletionDto(
                text=one.text, role=one.role, what=one.what, column=one.at.column,
                length=one.at.length,
            )
            for one in found
        ]
    )  # fmt: skip
