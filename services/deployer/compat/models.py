"""Models and their versions, as the existing client asks for them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from libs.api.app import part
from libs.api.caller import needs
from libs.api.compat import compat_router
from libs.api.compat_asked import ALL, Limit, NameOrId, Offset, mine
from libs.api.problems import invalid
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from services.deployer.api.problems import answered
from services.deployer.compat.deployments import deploy
from services.deployer.compat.shown import model_json, models_json, version_json, versions_json
from services.deployer.dto import Name, Share
from services.deployer.parts import Deployer
from services.deployer.store import models as store
from services.deployer.store import searches

router = compat_router()
Parts = Annotated[Deployer, part(Deployer)]
Reader = Annotated[Caller, needs(Scope.MODELS_READ)]
Deployers = Annotated[Caller, needs(Scope.DEPLOYMENTS_WRITE)]


class DeployBody(BaseModel):
    """How a version is deployed."""

    name: Name | None = None
    min_threshold: Share | None = None
    target_datalake_id: UUID | None = None


@router.get("/api/organization/{organization}/models")
async def list_models(
    organization: UUID, parts: Parts, caller: Reader, limit: Limit = ALL, offset: Offset = 0
) -> dict[str, Any]:
    """The organisation's models, newest first."""
    mine(caller, organization)
    async with parts.database.read() as read:
        rows = await store.list_models(read, organization, before=None, limit=ALL)
        items = await models_json(read, rows[offset : offset + limit])
    return {"items": items, "count": len(rows)}


@router.get("/api/organization/{organization}/models/find")
async def find_model(
    organization: UUID,
    parts: Parts,
    caller: Reader,
    sought: NameOrId,
) -> dict[str, Any]:
    """One model, by its name or its id."""
    mine(caller, organization)
    with answered():
        async with parts.database.read() as read:
            if sought.id is not None:
                row = await store.find_model(read, organization, sought.id)
            else:
                row = await searches.model_named(read, organization, sought.name)
            return await model_json(read, row)


@router.get("/api/organization/{organization}/modelversions/find")
async def find_any_version(
    organization: UUID,
    parts: Parts,
    caller: Reader,
    id: UUID,  # noqa: A002
) -> dict[str, Any]:
    """One model version by its id."""
    mine(caller, organization)
    with answered():
        async with parts.database.read() as read:
            return await version_json(read, organization, id)


@router.get("/api/model/{model}")
async def get_model(model: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """One model."""
    with answered():
        async with parts.database.read() as read:
            row = await store.find_model(read, caller.organization, model)
            return await model_json(read, row)


@router.get("/api/model/{model}/versions")
async def list_versions(
    model: UUID, parts: Parts, caller: Reader, limit: Limit = ALL, offset: Offset = 0
) -> dict[str, Any]:
    """A model's versions, newest first."""
    with answered():
        async with parts.database.read() as read:
            await store.find_model(read, caller.organization, model)
            found = await store.list_versions(
                read, caller.organization, model, before=None, limit=ALL
            )
            some = found[offset : offset + limit]
            items = await versions_json(read, caller.organization, some)
    return {"items": items, "count": len(found)}


@router.get("/api/model/{model}/versions/find")
async def find_version(
    model: UUID,
    parts: Parts,
    caller: Reader,
    version: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    name: str | None = None,
) -> dict[str, Any]:
    """A model's version by its number, or the newest of a name."""
    if (name is None) is (version is None):
        raise invalid("give a version or a name", [("version", "give it, or name")])
    with answered():
        async with parts.database.read() as read:
            await store.find_model(read, caller.organization, model)
            found = await searches.version_of(
                read, caller.organization, model, number=version, name=name
            )
            return await version_json(read, caller.organization, found.id)


@router.get("/api/model/version/{version}")
async def get_version(version: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """One model version."""
    with answered():
        async with parts.database.read() as read:
            return await version_json(read, caller.organization, version)


@router.get("/api/model/version/{version}/context")
async def get_context(version: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """What a version was trained on, and how."""
    with answered():
        async with parts.database.read() as read:
            found = await store.find_version(read, caller.organization, version)
    return {
        "id": version,
        "experiment_id": found.experiment,
        "datas": [
            {"name": data.alias, "version_id": data.dataset_version, "repartition": {}}
            for data in found.trained_on
        ],
        "parameters": found.parameters,
    }


@router.post("/api/model/version/{version}/deploy")
async def deploy_version(
    version: UUID, body: DeployBody, parts: Parts, caller: Deployers
) -> dict[str, Any]:
    """Deploy a version."""
    return await deploy(
        parts,
        caller,
        version,
        name=body.name,
        threshold=body.min_threshold,
        target=body.target_datalake_id,
    )
