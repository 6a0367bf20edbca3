"""Tags of anything but images, as the existing client reads them."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import RowMapping


def tag_json(row: RowMapping) -> dict[str, Any]:
    """One tag."""
    return {"id": row["id"], "name": row["name"], "target_type": row["target"]}


def tags_json(rows: Iterable[RowMapping]) -> list[dict[str, Any]]:
    """The tags of something."""
    return [tag_json(row) for row in rows]
