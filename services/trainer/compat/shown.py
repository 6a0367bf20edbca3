"""Projects, experiments and what they hold, as the existing client reads them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from libs.schemas.events import DatasetVersionChanged, ExperimentStatus, State
from services.trainer.parts import Trainer
from services.trainer.store.artifacts import Kept
from services.trainer.store.experiments import datasets_of

_STATUSES = {
    ExperimentStatus.PENDING: "WAITING",
    ExperimentStatus.RUNNING: "RUNNING",
    ExperimentStatus.SUCCESS: "SUCCESS",
    ExperimentStatus.FAILED: "FAILED",
    ExperimentStatus.CANCELED: "CANCELED",
}
STATUSES = {theirs: ours for ours, theirs in _STATUSES.items()} | {
    "TERMINATED": ExperimentStatus.CANCELED
}
"""Ours, by what the client calls them."""


def project_json(row: RowMapping) -> dict[str, Any]:
    """A project."""
    return {"id": row["id"], "name": row["name"]}


def experiment_json(row: RowMapping) -> dict[str, Any]:
    """An experiment."""
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "project_id": row["project"],
        "status": _STATUSES[ExperimentStatus(row["status"])],
        "base_model_version_id": row["base_version"],
        "base_experiment_id": row["base_experiment"],
        "parameters": row["parameters"],
    }


def log_json(one: dict[str, Any]) -> dict[str, Any]:
    """A log, its data as `logging.shown` has them."""
    return {name: one[name] for name in ("id", "name", "type", "data")}


def artifact_json(one: Kept) -> dict[str, Any]:
    """A file."""
    return {
        "id": one.id,
        "name": one.name,
        "filename": one.filename,
        "object_name": one.key,
        "large": True,
    }


def attached(parts: Trainer, row: RowMapping) -> list[dict[str, Any]]:
    """The dataset versions of an experiment that still are, by alias."""
    found = []
    for one in datasets_of(row):
        shown = dataset_versions_json(parts, row["organization"], [one.dataset_version])
        found += [{"name": one.alias, "dataset_version": version} for version in shown]
    return found


def dataset_versions_json(
    parts: Trainer, organization: UUID, versions: Sequence[UUID]
) -> list[dict[str, Any]]:
    """Those of the dataset versions that still are."""
    found = [parts.dataset_versions.get(str(version)) for version in versions]
    return [
        _version(one.data)
        for one in found
        if one is not None
        and one.organization == organization
        and one.data.state is not State.DELETED
    ]


def _version(of: DatasetVersionChanged) -> dict[str, Any]:
    return {
        "id": of.dataset_version,
        "origin_id": of.dataset,
        "origin_name": of.name,
        "name": of.name,
        "version": of.version,
        "type": of.type,
        "annotation_campaign_id": None,
        "tags": [],
    }
