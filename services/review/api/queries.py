"""Queries of a request: read, checked, and refused with the column that is wrong."""

from typing import Annotated

from fastapi import Query

from libs.api.problems import invalid
from libs.api.tokens import Caller
from libs.query.fields import Fields, checked
from libs.query.reading import LONGEST, parse
from libs.query.tree import Expression, QueryRefused
from libs.schemas.events import DeploymentChanged
from libs.store.session import Read
from services.review.core import asking
from services.review.store.asking import labelmaps

QueryText = Annotated[str, Query(max_length=LONGEST)]


async def fields_of(read: Read, caller: Caller, target: DeploymentChanged) -> Fields:
    """What a query over a deployment's predictions may name."""
    known = await labelmaps(read, caller.organization, target.deployment, target.champion)
    return asking.fields(label for labels in known.values() for label in labels)


async def query_of(
    read: Read, caller: Caller, target: DeploymentChanged, text: str
) -> Expression | None:
    """The query; None asks for everything. Raises Problem 422 with the column."""
    try:
        tree = parse(text)
        return None if tree is None else checked(tree, await fields_of(read, caller, target))
    except QueryRefused as error:
        where = {"column": error.at.column, "length": error.at.length, "nearest": error.nearest}
        raise invalid("the query is wrong", [("q", str(error))], query=where) from error
