"""Queries of the existing client: its names of fields are others than ours."""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement

from libs.api.problems import invalid
from libs.api.tokens import Caller
from libs.query.fields import checked
from libs.query.reading import parse
from libs.query.tree import All, Comparison, Expression, QueryRefused, Some
from libs.schemas.events import DeploymentChanged
from libs.store.session import Read
from services.review.api.queries import fields_of
from services.review.store.asking import condition, labelmaps

_OURS = {
    "tags.name": "tags",
    "data.tags.name": "tags",
    "labels.name": "labels",
    "data.filename": "filename",
    "data.data_source.name": "source",
    "data_source.name": "source",
    "oracle_prediction_id": "id",
    "created_at": "received",
    "timestamp": "time",
    "outlier_score": "outlier",
}


async def asked_for(
    read: Read, caller: Caller, target: DeploymentChanged, text: str
) -> ColumnElement[Any] | None:
    """The query as a condition; None asks for everything. Raises Problem 422 with the column."""
    try:
        tree = parse(text)
        if tree is None:
            return None
        wanted = checked(_in_our_words(tree), await fields_of(read, caller, target))
    except QueryRefused as error:
        raise invalid(f"the query is wrong: {error}", [("q", str(error))]) from error
    known = await labelmaps(read, caller.organization, target.deployment, target.champion)
    return condition(wanted, known, target.champion)


def _in_our_words(tree: Expression) -> Expression:
    match tree:
        case All(parts):
            return All(tuple(_in_our_words(part) for part in parts))
        case Some(parts):
            return Some(tuple(_in_our_words(part) for part in parts))
        case Comparison(field=name) if name in _OURS:
            return replace(tree, field=_OURS[name])
    return tree
