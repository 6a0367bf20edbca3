"""Datasets and their versions as the existing client reads them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping

from libs.api.compat_tags import tags_json
from libs.store.session import Read
from services.feedback.tables import tags


async def dataset_json(read: Read, row: RowMapping) -> dict[str, Any]:
    """One dataset."""
    return (await datasets_json(read, [row]))[0]


async def datasets_json(read: Read, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """Datasets of one organisation."""
    if not rows:
        return []
    tagged = await tags.of(read, rows[0]["organization"], [row["id"] for row in rows])
    return [
        {
            "id": row["id"],
            "name": row["name"],
            "description": row["description"],
            "private": True,
            "tags": tags_json(tagged.get(row["id"], ())),
        }
        for row in rows
    ]


async def version_json(read: Read, row: RowMapping) -> dict[str, Any]:
    """One version, with its dataset's name."""
    return (await versions_json(read, [row]))[0]


async def versions_json(read: Read, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """Versions of one organisation's datasets."""
    if not rows:
        return []
    tagged = await tags.of(read, rows[0]["organization"], [row["id"] for row in rows])
    return [
        {
            "id": row["id"],
            "origin_id": row["dataset"],
            "origin_name": row["dataset_name"],
            "version": row["version"],
            "type": row["type"],
            "annotation_campaign_id": None,
            "tags": tags_json(tagged.get(row["id"], ())),
        }
        for row in rows
    ]
