"""Queries over images in the existing client's words."""

from dataclasses import replace

from libs.api.problems import invalid
from libs.query.fields import Field, checked
from libs.query.reading import parse
from libs.query.tree import All, Comparison, Expression, Kind, QueryRefused, Some

_FIELDS = {
    "id": Field(kind=Kind.UUID, what="the image's"),
    "filename": Field(kind=Kind.TEXT, what="as uploaded or logged"),
    "content_type": Field(kind=Kind.TEXT, what="image/png, image/jpeg or image/webp"),
    "width": Field(kind=Kind.INTEGER, what="pixels"),
    "height": Field(kind=Kind.INTEGER, what="pixels"),
    "source": Field(kind=Kind.TEXT, what="where it is from"),
    "tags": Field(kind=Kind.SET, what="as logged or given"),
    "created_at": Field(kind=Kind.TIME, what="when it was made"),
}
_OURS = {
    "tags.name": "tags",
    "data_source.name": "source",
    "meta.width": "width",
    "meta.height": "height",
}


def read_query(text: str | None) -> Expression | None:
    """The query; None asks for everything. Raises Problem 422 with the column."""
    try:
        tree = parse(text or "")
        return None if tree is None else checked(_in_our_words(tree), _FIELDS)
    except QueryRefused as error:
        raise invalid(f"the query is wrong: {error}", [("q", str(error))]) from error


def _in_our_words(tree: Expression) -> Expression:
    match tree:
        case All(parts):
            return All(tuple(_in_our_words(part) for part in parts))
        case Some(parts):
            return Some(tuple(_in_our_words(part) for part in parts))
        case Comparison(field=name) if name in _OURS:
            return replace(tree, field=_OURS[name])
    return tree
