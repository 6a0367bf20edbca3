"""A query over assets as a condition on their columns."""

from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, or_
from sqlalchemy.dialects.postgresql import JSONB

from libs.query.sql import Columns, where
from libs.query.tree import Expression
from services.feedback.tables import asset

Column = ColumnElement[Any]
_SHAPES = func.jsonb_array_length(asset.c.annotation["labels"])


def condition(wanted: Expression) -> Column:
    """What `wanted` (checked against `core.asking.fields`) says of an asset."""
    columns: Columns = {
        "labels": _has_label,
        "boxes": case((asset.c.annotation.is_not(None), _SHAPES)),
        "annotated": asset.c.annotation.is_not(None),
        "name": asset.c.filename,
        "width": asset.c.width,
        "height": asset.c.height,
        "size": asset.c.picture_size,
        "time": asset.c.event_time,
        "added": asset.c.created,
        "deployment": asset.c.deployment,
        "prediction": asset.c.prediction,
        "reviewer": asset.c.reviewer,
        "block": asset.c.block,
        "data": asset.c.data,
        "id": asset.c.id,
    }
    return where(wanted, columns)


def _has_label(name: str | None) -> Column:
    if name is None:
        return or_(asset.c.annotation.is_(None), _SHAPES == 0)
    held: Column = asset.c.annotation["labels"].contains(literal([name], JSONB))
    return held
