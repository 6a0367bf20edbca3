"""Logs of experiments, as the existing client writes and reads them."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, ValidationError

from libs.api.app import part
from libs.api.caller import needs
from libs.api.compat import compat_router
from libs.api.compat_asked import ALL, Limit, Offset
from libs.api.problems import not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.store.session import Cause
from services.trainer.actions import artifacts, external, logging
from services.trainer.api.problems import answered
from services.trainer.compat.experiments import found
from services.trainer.compat.projects import Ids
from services.trainer.compat.shown import log_json
from services.trainer.core.logs import LogRefused, LogType
from services.trainer.dto import Name
from services.trainer.errors import LogUnknown
from services.trainer.parts import Trainer
from services.trainer.store import logs as store

router = compat_router()
Parts = Annotated[Trainer, part(Trainer)]
Reader = Annotated[Caller, needs(Scope.EXPERIMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.EXPERIMENTS_WRITE)]
_LOGS = "/api/experiment/{experiment}/logs"
_LOG = "/api/log/{log}"


class NewLog(BaseModel):
    """Something to log."""

    name: Name
    type: LogType
    data: Any = None


class LogChange(BaseModel):
    """What is given is changed."""

    name: Name | None = None
    data: Any = None


class More(BaseModel):
    """More of a line."""

    data: Any


class Image(BaseModel):
    """A picture that was uploaded to be logged."""

    object_name: Annotated[str, Field(max_length=512)]
    filename: Annotated[str, Field(max_length=200)]


@router.post(_LOGS)
async def add_log(
    experiment: UUID, body: NewLog, parts: Parts, caller: Writer, raise_on_conflict: bool = False
) -> dict[str, Any]:
    """Log under a name: a line grows, everything else is replaced."""
    organization = caller.organization
    with answered():
        data = body.data
        if body.type is LogType.IMAGE:
            data = await _kept_image(parts, caller, experiment, data)
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await external.open_one(tx, organization, experiment)
            made = await logging.add(
                parts, tx, row,
                name=body.name, type=body.type, data=data, replace=not raise_on_conflict,
            )  # fmt: skip
            (shown,) = await logging.shown(tx, organization, [made])
    return log_json(shown)


@router.get(_LOGS + "/extended")
async def list_logs(
    experiment: UUID, parts: Parts, caller: Reader, limit: Limit = ALL, offset: Offset = 0
) -> dict[str, Any]:
    """Logs with their data, by name."""
    await found(parts, caller, experiment)
    async with parts.database.read() as read:
        rows = await store.list_logs(read, caller.organization, experiment)
        some = await logging.shown(read, caller.organization, rows[offset : offset + limit])
    return {"items": [log_json(one) for one in some], "count": len(rows)}


@router.get(_LOGS + "/find")
async def find_log(experiment: UUID, name: str, parts: Parts, caller: Reader) -> dict[str, Any]:
    """A log by its name."""
    await found(parts, caller, experiment)
    async with parts.database.read() as read:
        row = await store.find_log(read, caller.organization, experiment, name)
        if row is None:
            raise not_found(f"log {name!r} of experiment {experiment}")
        (shown,) = await logging.shown(read, caller.organization, [row])
    return log_json(shown)


@router.get(_LOGS + "/ids")
async def list_ids(experiment: UUID, parts: Parts, caller: Reader) -> list[UUID]:
    """The ids of its logs."""
    await found(parts, caller, experiment)
    async with parts.database.read() as read:
        return [row["id"] for row in await store.list_logs(read, caller.organization, experiment)]


@router.delete(_LOGS, status_code=204)
async def delete_logs(experiment: UUID, body: Ids, parts: Parts, caller: Writer) -> None:
    """Delete logs of an experiment."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            await external.open_one(tx, caller.organization, experiment)
            for row in await store.list_logs(tx, caller.organization, experiment):
                if row["id"] in body.ids:
                    await store.delete_log(tx, caller.organization, row)


@router.get(_LOG)
async def get_log(log: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """A log."""
    with answered():
        async with parts.database.read() as read:
            row = await store.log_by_id(read, caller.organization, log)
            if row is None:
                raise LogUnknown(f"there is no log {log}")
            (shown,) = await logging.shown(read, caller.organization, [row])
    return log_json(shown)


@router.patch(_LOG)
async def change_log(log: UUID, body: LogChange, parts: Parts, caller: Writer) -> dict[str, Any]:
    """Another name, or other data; a line begins anew."""
    organization = caller.organization
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            held, row = await logging.log_and_experiment(tx, organization, log)
            if body.name is not None and body.name != held["name"]:
                held = await logging.rename(tx, row, held, body.name)
            if "data" in body.model_fields_set:
                kind = LogType(held["type"])
                if kind is LogType.LINE:
                    held = await logging.replace_line(parts, tx, row, held, body.data)
                elif kind is LogType.IMAGE:
                    raise LogRefused("an IMAGE is logged anew with its file")
                else:
                    held = await logging.add(
                        parts, tx, row, name=held["name"], type=kind, data=body.data
                    )
            (shown,) = await logging.shown(tx, organization, [held])
    return log_json(shown)


@router.post(_LOG + "/append")
async def append(log: UUID, body: More, parts: Parts, caller: Writer) -> dict[str, Any]:
    """More points of a line."""
    organization = caller.organization
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            held, row = await logging.log_and_experiment(tx, organization, log)
            grown = await logging.add(
                parts, tx, row, name=held["name"], type=LogType.LINE, data=body.data
            )
            (shown,) = await logging.shown(tx, organization, [grown])
    return log_json(shown)


@router.delete(_LOG, status_code=204)
async def delete_log(log: UUID, parts: Parts, caller: Writer) -> None:
    """Delete a log."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            held, _ = await logging.log_and_experiment(tx, caller.organization, log)
            await store.delete_log(tx, caller.organization, held)


async def _kept_image(
    parts: Trainer, caller: Caller, experiment: UUID, data: Any
) -> dict[str, Any]:
    """The uploaded picture among the experiment's own."""
    try:
        image = Image.model_validate(data)
    except ValidationError as error:
        raise LogRefused("an IMAGE is {object_name, filename} of an upload") from error
    await found(parts, caller, experiment)
    async with artifacts.scratch() as folder:
        path = folder / "file"
        await artifacts.fetch(parts, caller.organization, image.object_name, path)
        key, _, _ = await artifacts.put(
            parts, caller.organization, experiment, path, folder="pictures"
        )
    return {
        "object_name": key, "large": True, "filename": image.filename, "name": image.filename
    }  # fmt: skip
