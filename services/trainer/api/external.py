"""What a training script of the user's own says: logs, files, how far it is."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile

from libs.api.app import part
from libs.api.caller import needs
from libs.api.problems import invalid
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.store.session import Cause
from services.trainer.actions import artifacts, external, logging
from services.trainer.api.experiments import find
from services.trainer.api.problems import answered
from services.trainer.api.shown import experiment_dto
from services.trainer.core.logs import LogRefused, LogType
from services.trainer.dto import (
    ArtifactDto,
    ExperimentDto,
    LoggedDto,
    LogsDto,
    NewLogs,
    NewStatus,
)
from services.trainer.parts import Trainer
from services.trainer.store import logs as store

router = APIRouter(prefix="/api/trainer/v1/experiments", tags=["trainer"])
Parts = Annotated[Trainer, part(Trainer)]
Reader = Annotated[Caller, needs(Scope.EXPERIMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.EXPERIMENTS_WRITE)]
_PIECE = 1 << 20
_LONGEST_NAME = 200
_FILE = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["name", "file"],
                    "properties": {
                        "name": {"type": "string"},
                        "file": {"type": "string", "format": "binary"},
                    },
                }
            }
        },
    }
}


@router.get("/{experiment}/logs")
async def list_logs(experiment: UUID, parts: Parts, caller: Reader) -> LogsDto:
    """What it has logged by name: values, tables, matrices, lines with their points."""
    await find(parts, caller, experiment)
    async with parts.database.read() as read:
        rows = await store.list_logs(read, caller.organization, experiment)
        shown = await logging.shown(read, caller.organization, rows)
    return LogsDto(items=[LoggedDto.model_validate(one) for one in shown])


@router.post("/{experiment}/logs", status_code=204)
async def add_logs(experiment: UUID, body: NewLogs, parts: Parts, caller: Writer) -> None:
    """Log to an experiment that runs elsewhere: all of it or nothing.

    A LINE grows by a number, numbers, `{steps, values}`, or these by series; everything else
    replaces what its name had.
    """
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await external.open_one(tx, caller.organization, experiment)
            for one in body.logs:
                if one.type is LogType.IMAGE:
                    raise LogRefused("an IMAGE is logged with its file, by the existing client")
                await logging.add(parts, tx, row, name=one.name, type=one.type, data=one.data)
            if body.lines:
                await logging.lines(parts, tx, row, body.lines)


@router.post("/{experiment}/status")
async def say_status(
    experiment: UUID, body: NewStatus, parts: Parts, caller: Writer
) -> ExperimentDto:
    """Say how far one is that runs elsewhere. SUCCESS, FAILED and CANCELED are its end."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await external.say_status(
                tx, caller.organization, experiment, body.status, error=body.error
            )
    return experiment_dto(parts, row)


@router.post("/{experiment}/artifacts", status_code=201, openapi_extra=_FILE)
async def add_artifact(
    request: Request, experiment: UUID, parts: Parts, caller: Writer
) -> ArtifactDto:
    """Keep a file of an experiment that runs elsewhere: fields `name` and `file`.

    `model-latest` is the model; as `….onnx` it can be published and served.
    """
    if not request.headers.get("content-type", "").startswith("multipart/"):
        raise invalid("the body is no multipart form", [("body", "must be multipart/form-data")])
    async with request.form(max_files=1, max_fields=1) as form:
        name, upload = form.get("name"), form.get("file")
        if not isinstance(name, str) or not 0 < len(name.strip()) <= _LONGEST_NAME:
            raise invalid("the file needs a name", [("name", "1 to 200 characters")])
        if not isinstance(upload, UploadFile) or not upload.filename:
            raise invalid("the file is missing", [("file", "a file is needed")])
        with answered():
            artifacts.check_size(parts, upload.size or 0)
            async with artifacts.scratch() as folder:
                path = folder / "file"
                with path.open("wb") as out:
                    while piece := await upload.read(_PIECE):
                        out.write(piece)
                made = await artifacts.keep_file(
                    parts, caller.organization, experiment,
                    actor=caller.actor, name=name, filename=upload.filename[-200:], path=path,
                )  # fmt: skip
    return ArtifactDto.model_validate(made)


@router.delete("/{experiment}/artifacts/{name}", status_code=204)
async def delete_artifact(experiment: UUID, name: str, parts: Parts, caller: Writer) -> None:
    """Delete a file of an experiment that runs elsewhere."""
    row = await find(parts, caller, experiment)
    with answered():
        await artifacts.delete_named(parts, caller.organization, row, actor=caller.actor, name=name)
