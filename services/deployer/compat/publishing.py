"""Experiments become model versions, as the existing client publishes them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel

from libs.api.caller import needs
from libs.api.compat import compat_router
from libs.api.problems import conflict
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.ids import uuid7
from libs.schemas.values import TaskType
from libs.store.session import Cause
from services.deployer.actions import registry
from services.deployer.api.problems import answered
from services.deployer.api.publishing import left_by
from services.deployer.compat.models import Parts
from services.deployer.compat.shown import version_json
from services.deployer.dto import Name
from services.deployer.errors import NamedUnknown, NameTaken
from services.deployer.store import models as store
from services.deployer.store import searches

router = compat_router()
Writer = Annotated[Caller, needs(Scope.MODELS_WRITE)]


class NewModel(BaseModel):
    """The model to be."""

    name: Name


class KnownModel(BaseModel):
    """A model that is there."""

    model_id: UUID


@router.post("/api/experiment/{experiment}/publish")
async def publish_as_model(
    request: Request, experiment: UUID, body: NewModel, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """A new model, and what the experiment left as its first version."""
    organization = caller.organization
    with answered():
        async with parts.database.read() as read:
            try:
                await searches.model_named(read, organization, body.name)
            except NamedUnknown:
                pass
            else:
                raise NameTaken("model", body.name)
        source = await left_by(request, parts, organization, experiment)
        model = uuid7(parts.clock.now())
        new, task = await registry.from_experiment(
            parts, organization, model, source, task=source.task
        )
        try:
            async with parts.database.begin(Cause(actor=caller.actor)) as tx:
                await store.add_model(tx, organization, name=body.name, type=task, id=model)
                version, _ = await store.add_version(tx, organization, new)
                return await version_json(tx, organization, version.id)
        except NameTaken:
            await registry.drop_files(parts, new.files)
            raise


@router.post("/api/experiment/{experiment}/publish/version")
async def publish_as_version(
    request: Request, experiment: UUID, body: KnownModel, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """What the experiment left as the next version of a model; the same twice is one version."""
    organization = caller.organization
    with answered():
        async with parts.database.read() as read:
            of = await store.find_model(read, organization, body.model_id)
        source = await left_by(request, parts, organization, experiment)
        # The client makes a model without saying what it is of: its first version does.
        task = TaskType(of["type"]) if of["versions"] else source.task
        new, task = await registry.from_experiment(
            parts, organization, body.model_id, source, task=task
        )
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            if not await searches.give_type(tx, organization, body.model_id, task):
                raise conflict("another-type", "the model's versions are of another type")
            version, _ = await store.add_version(tx, organization, new)
            return await version_json(tx, organization, version.id)
