"""The registry: models, their versions and files."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from sqlalchemy import RowMapping
from starlette.responses import StreamingResponse

from libs.api.app import part
from libs.api.caller import needs
from libs.api.paging import CursorText, Limit, Page, page, read_time_cursor, write_cursor
from libs.api.problems import not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.values import TaskType
from libs.store.session import Cause
from services.deployer.actions import registry
from services.deployer.api.problems import answered
from services.deployer.api.publishing import left_by
from services.deployer.api.uploads import find_training_data, prepare, read_upload
from services.deployer.dto import (
    FromExperiment,
    ModelDto,
    NewModel,
    VersionDto,
)
from services.deployer.parts import Deployer
from services.deployer.store import models as store
from services.deployer.store.models import LATEST, Version

router = APIRouter(prefix="/api/deployer/v1/models", tags=["models"])
versions = APIRouter(prefix="/api/deployer/v1/versions", tags=["models"])
Parts = Annotated[Deployer, part(Deployer)]
Reader = Annotated[Caller, needs(Scope.MODELS_READ)]
Writer = Annotated[Caller, needs(Scope.MODELS_WRITE)]
_PIECE = 1 << 20


@router.get("")
async def list_models(
    parts: Parts, caller: Reader, limit: Limit = 50, cursor: CursorText = None
) -> Page[ModelDto]:
    """The organisation's models, newest first."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        rows = await store.list_models(read, caller.organization, before=before, limit=limit)
    return page(rows, limit, _model, lambda row: write_cursor(row["created"], row["id"]))


@router.post("", status_code=201)
async def create_model(body: NewModel, parts: Parts, caller: Writer) -> ModelDto:
    """Make a model; its versions come after."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await store.add_model(tx, caller.organization, name=body.name, type=body.type)
    return _model(row)


@router.get("/{model}")
async def get_model(model: UUID, parts: Parts, caller: Reader) -> ModelDto:
    """One model."""
    with answered():
        async with parts.database.read() as read:
            return _model(await store.find_model(read, caller.organization, model))


@router.get("/{model}/versions")
async def list_versions(
    model: UUID, parts: Parts, caller: Reader, limit: Limit = 50, cursor: CursorText = None
) -> Page[VersionDto]:
    """A model's versions, newest first."""
    before = read_time_cursor(cursor)
    with answered():
        async with parts.database.read() as read:
            await store.find_model(read, caller.organization, model)
            found = await store.list_versions(
                read, caller.organization, model, before=before, limit=limit
            )
    return page(found, limit, version_dto, lambda v: write_cursor(v.created, v.id))


_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["version"],
                    "properties": {
                        "model": {"type": "string", "format": "binary", "description": "ONNX"},
                        "version": {"type": "string", "description": "JSON: NewVersionBody"},
                    },
                }
            }
        },
    }
}


@router.post("/{model}/versions", status_code=201, openapi_extra=_UPLOAD)
async def upload_version(request: Request, model: UUID, parts: Parts, caller: Writer) -> VersionDto:
    """Upload a version: part `version` (JSON) and part `model` (ONNX).

    Without a file, a version that runs at the client's is registered by its labels.
    """
    with answered():
        async with parts.database.read() as read:
            of = await store.find_model(read, caller.organization, model)
        async with registry.scratch() as folder:
            body, path = await read_upload(request, parts, folder)
            trained_on = await find_training_data(parts, caller, body.trained_on)
            new, files = await prepare(
                parts, caller, model, body,
                path=path, task=TaskType(of["type"]), trained_on=trained_on,
            )  # fmt: skip
        try:
            async with parts.database.begin(Cause(actor=caller.actor)) as tx:
                version, _ = await store.add_version(tx, caller.organization, new)
        except Exception:
            await registry.drop_files(parts, files)
            raise
    return version_dto(version)


@router.post("/{model}/versions/from-experiment", status_code=201)
async def publish(
    request: Request, model: UUID, body: FromExperiment, parts: Parts, caller: Writer
) -> VersionDto:
    """Publish what an experiment made; publishing it again is the same version."""
    with answered():
        async with parts.database.read() as read:
            of = await store.find_model(read, caller.organization, model)
        source = await left_by(request, parts, caller.organization, body.experiment)
        new, _ = await registry.from_experiment(
            parts, caller.organization, model, source, task=TaskType(of["type"])
        )
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            version, _ = await store.add_version(tx, caller.organization, new)
    return version_dto(version)


@versions.get("/{version}")
async def get_version(version: UUID, parts: Parts, caller: Reader) -> VersionDto:
    """One model version."""
    with answered():
        async with parts.database.read() as read:
            return version_dto(await store.find_version(read, caller.organization, version))


@versions.get("/{version}/files/{name}", response_class=StreamingResponse)
async def get_file(version: UUID, name: str, parts: Parts, caller: Reader) -> StreamingResponse:
    """A file of a version; `model-latest` is the ONNX file."""
    with answered():
        async with parts.database.read() as read:
            found = await store.find_version(read, caller.organization, version)
    file = next((file for file in found.files if file.name == name), None)
    if file is None or await parts.blobs.stat(file.key) is None:
        raise not_found(f"file {name} of model version {version}")
    suffix = ".onnx" if name == LATEST else ""
    headers = {
        "Content-Length": str(file.size),
        "ETag": f'"{file.sha256}"',
        "Content-Disposition": f'attachment; filename="{found.shown}-{file.sha256[:12]}{suffix}"',
    }
    return StreamingResponse(
        parts.blobs.stream(file.key), media_type="application/octet-stream", headers=headers
    )


def _model(row: RowMapping) -> ModelDto:
    return ModelDto.model_validate(dict(row))


def version_dto(version: Version) -> VersionDto:
    """A model version as the interface shows it."""
    return VersionDto.model_validate(version)
