"""Datasets and their versions as the existing client reads them."""

from typing import Any

from sqlalchemy import RowMapping


def dataset_json(row: RowMapping) -> dict[str, Any]:
    """One dataset."""
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "private": True,
        "tags": [],
    }


def version_json(row: RowMapping) -> dict[str, Any]:
    """One version, with its dataset's name."""
    return {
        "id": row["id"],
        "origin_id": row["dataset"],
        "origin_name": row["dataset_name"],
        "version": row["version"],
        "type": row["type"],
        "annotation_campaign_id": None,
        "tags": [],
    }
