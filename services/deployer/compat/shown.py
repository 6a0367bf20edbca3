"""Deployments, models and versions as the existing client reads them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from libs.api.compat_tags import tags_json
from libs.schemas.ids import datalake_id
from libs.store.session import Read
from services.deployer.parts import Deployer
from services.deployer.store.deployments import Deployment
from services.deployer.store.models import Version, find_version, find_versions
from services.deployer.store.searches import models_of
from services.deployer.tables import tags


async def deployment_json(read: Read, parts: Deployer, of: Deployment) -> dict[str, Any]:
    """One deployment."""
    return (await deployments_json(read, parts, [of]))[0]


async def deployments_json(
    read: Read, parts: Deployer, some: Sequence[Deployment]
) -> list[dict[str, Any]]:
    """Deployments of one organisation, in the order given.

    Where the model runs at the client's there is no serving host, and so no login to it.
    """
    if not some:
        return []
    organization = some[0].organization
    versions = await find_versions(read, organization, {of.champion for of in some})
    tagged = await tags.of(read, organization, [of.id for of in some])
    return [
        {
            "id": of.id,
            "name": of.name,
            "type": of.type,
            "oracle_host": parts.oracle_url,
            "serving_host": parts.serving_url if versions[of.champion].onnx else None,
            "model_version_id": of.champion,
            "shadow_model_version_id": of.shadow,
            "min_threshold": of.champion_threshold,
            "sample_rate": of.sample_rate,
            "target_datalake_id": datalake_id(of.organization),
            "review_campaign_id": None,
            "tags": tags_json(tagged.get(of.id, ())),
        }
        for of in some
    ]


async def model_json(read: Read, row: RowMapping) -> dict[str, Any]:
    """One model."""
    return (await models_json(read, [row]))[0]


async def models_json(read: Read, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """Models of one organisation. There are no public ones."""
    if not rows:
        return []
    tagged = await tags.of(read, rows[0]["organization"], [row["id"] for row in rows])
    return [_model(row) | {"tags": tags_json(tagged.get(row["id"], ()))} for row in rows]


async def version_json(read: Read, organization: UUID, version: UUID) -> dict[str, Any]:
    """One model version. Raises VersionUnknown."""
    found = await find_version(read, organization, version)
    return (await versions_json(read, organization, [found]))[0]


async def versions_json(
    read: Read, organization: UUID, some: Sequence[Version]
) -> list[dict[str, Any]]:
    """Model versions, in the order given."""
    models = await models_of(read, organization, {version.model for version in some})
    tagged = await tags.of(read, organization, [version.id for version in some])
    return [
        {
            "id": version.id,
            "origin": _model(models[version.model]),
            "name": version.name,
            "version": version.number,
            "labels": {str(index): label for index, label in enumerate(version.labels)},
            "type": version.type,
            "framework": version.framework,
            "parameters": version.parameters,
            "base_parameters": version.parameters,
            "tags": tags_json(tagged.get(version.id, ())),
        }
        for version in some
    ]


def _model(row: RowMapping) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"], "private": True}
