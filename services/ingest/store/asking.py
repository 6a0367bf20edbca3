"""A query over the Datalake as a condition on its columns."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Double,
    Text,
    case,
    cast,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from libs.query.sql import Columns, Has, where
from libs.query.tree import All, Condition, Expression, Kind, Some
from libs.store.session import Read
from services.ingest.core.asking import METADATA
from services.ingest.tables import data, vocabulary

Column = ColumnElement[Any]
_RECENT = 1000
_MOST_NAMES = 200
_KEY = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_JSON = {"metadata.": data.c.metadata, "custom_metadata.": data.c.custom_metadata}
_CASTS = {Kind.NUMBER: ("number", Double()), Kind.BOOLEAN: ("boolean", Boolean())}


def condition(wanted: Expression) -> Column:
    """What `wanted` (checked against `core.asking.fields`) says of an image."""
    columns: dict[str, Column | Has] = {
        "tags": _tagged,
        "source": data.c.source,
        "name": data.c.filename,
        "width": data.c.width,
        "height": data.c.height,
        "size": data.c.picture_size,
        "type": data.c.content_type,
        "time": data.c.event_time,
        "received": data.c.receive_time,
        "deployment": data.c.deployment,
        "id": data.c.id,
    }
    asked: Columns = columns | {
        leaf.field: _metadata(leaf) for leaf in _leaves(wanted) if leaf.field.startswith(METADATA)
    }
    return where(wanted, asked)


async def recent_names(read: Read, organization: UUID) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tags and sources worth proposing: those somebody made, and those of the last images."""
    made = await read.all(
        select(vocabulary.c.kind, vocabulary.c.name)
        .where(vocabulary.c.organization == organization)
        .limit(_MOST_NAMES)
    )
    recent = await read.all(
        select(data.c.tags, data.c.source)
        .where(data.c.organization == organization)
        .order_by(data.c.event_time.desc(), data.c.id.desc())
        .limit(_RECENT)
    )
    tags = {row["name"] for row in made if row["kind"] == "tag"}
    tags |= {tag for row in recent for tag in row["tags"]}
    sources = {row["name"] for row in made if row["kind"] == "source"}
    sources |= {row["source"] for row in recent}
    return tuple(sorted(tags)[:_MOST_NAMES]), tuple(sorted(sources)[:_MOST_NAMES])


async def recent_metadata(read: Read, organization: UUID) -> Mapping[str, frozenset[str]]:
    """Keys of the metadata of the last images as a query names them, with their JSON types."""
    found: dict[str, set[str]] = {}
    recent = (
        select(data.c.metadata, data.c.custom_metadata)
        .where(data.c.organization == organization)
        .order_by(data.c.event_time.desc(), data.c.id.desc())
        .limit(_RECENT)
        .subquery()
    )
    for prefix, name in (("metadata.", "metadata"), ("custom_metadata.", "custom_metadata")):
        each = func.jsonb_each(recent.c[name]).table_valued("key", "value", joins_implicitly=True)
        kind = func.jsonb_typeof(cast(each.c.value, JSONB))
        held = func.jsonb_typeof(recent.c[name]) == "object"
        rows = await read.all(
            select(each.c.key.label("key"), kind.label("kind"))
            .select_from(recent)
            .join(each, true())
            .where(held, kind != "null")
            .distinct()
            .limit(_MOST_NAMES)
        )
        for row in rows:
            if _KEY.fullmatch(row["key"]):
                found.setdefault(prefix + row["key"], set()).add(row["kind"])
    return {name: frozenset(types) for name, types in found.items()}


def _tagged(name: str | None) -> Column:
    if name is None:
        return func.cardinality(data.c.tags) == 0
    return data.c.tags.contains(literal([name], ARRAY(Text)))


def _metadata(asked: Condition) -> Column:
    prefix = next(one for one in METADATA if asked.field.startswith(one))
    key = asked.field.removeprefix(prefix)
    held = _JSON[prefix]
    # A key with dots is that key, or else the way to a value inside.
    value = func.coalesce(held[key], held[tuple(key.split("."))]) if "." in key else held[key]
    text = value.op("#>>", return_type=Text())(literal([], ARRAY(Text)))
    if asked.kind in _CASTS:
        json_type, to = _CASTS[asked.kind]
        return case((func.jsonb_typeof(value) == json_type, cast(text, to)))
    return text


def _leaves(wanted: Expression) -> Iterator[Condition]:
    match wanted:
        case All(parts) | Some(parts):
            for part in parts:
                yield from _leaves(part)
        case Condition():
            yield wanted
