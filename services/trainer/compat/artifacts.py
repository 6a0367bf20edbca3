"""Files of experiments, as the existing client keeps and finds them."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from libs.api.app import part
from libs.api.caller import needs
from libs.api.compat import compat_router
from libs.api.compat_asked import ALL, Limit, Offset
from libs.api.problems import not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from services.trainer.actions import artifacts
from services.trainer.api.problems import answered
from services.trainer.compat.experiments import found
from services.trainer.compat.projects import Ids
from services.trainer.compat.shown import artifact_json
from services.trainer.dto import Name
from services.trainer.parts import Trainer
from services.trainer.store.artifacts import Kept, artifacts_of, experiment_with

router = compat_router()
Parts = Annotated[Trainer, part(Trainer)]
Reader = Annotated[Caller, needs(Scope.EXPERIMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.EXPERIMENTS_WRITE)]
_EXPERIMENT = "/api/experiment/{experiment}"
_ARTIFACTS = _EXPERIMENT + "/artifacts"
_ARTIFACT = "/api/artifact/{artifact}"
_LOGGING = "logging"
Key = Annotated[str, Field(min_length=1, max_length=512)]


class NewArtifact(BaseModel):
    """A file that was uploaded."""

    name: Name
    filename: Name
    object_name: Key


class ArtifactChange(BaseModel):
    """What is given is changed; with another object, the file."""

    name: Name | None = None
    filename: Name | None = None
    object_name: Key | None = None


class LoggingFile(BaseModel):
    """The output of a script, uploaded as a file."""

    object_name: Key


@router.get(_ARTIFACTS)
async def list_artifacts(
    experiment: UUID, parts: Parts, caller: Reader, limit: Limit = ALL, offset: Offset = 0
) -> dict[str, Any]:
    """Its files, by name."""
    row = await found(parts, caller, experiment)
    held = sorted(artifacts_of(row), key=lambda one: one.name)
    some = held[offset : offset + limit]
    return {"items": [artifact_json(one) for one in some], "count": len(held)}


@router.get(_ARTIFACTS + "/find")
async def find_artifact(
    experiment: UUID, name: str, parts: Parts, caller: Reader
) -> dict[str, Any]:
    """A file by its name."""
    return artifact_json(await _named(parts, caller, experiment, name))


@router.get(_ARTIFACTS + "/ids")
async def list_ids(experiment: UUID, parts: Parts, caller: Reader) -> list[UUID]:
    """The ids of its files."""
    return [one.id for one in artifacts_of(await found(parts, caller, experiment))]


@router.post(_ARTIFACTS)
async def add_artifact(
    experiment: UUID, body: NewArtifact, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Keep an uploaded file; another of the name is replaced."""
    with answered():
        made = await artifacts.keep_upload(
            parts, caller.organization, experiment,
            actor=caller.actor, name=body.name, filename=body.filename, upload=body.object_name,
        )  # fmt: skip
    return artifact_json(made)


@router.delete(_ARTIFACTS, status_code=204)
async def delete_artifacts(experiment: UUID, body: Ids, parts: Parts, caller: Writer) -> None:
    """Delete files of an experiment."""
    held = {one.id for one in artifacts_of(await found(parts, caller, experiment))}
    with answered():
        for artifact in body.ids:
            if artifact in held:
                await artifacts.delete(parts, caller.organization, artifact, actor=caller.actor)


@router.get(_ARTIFACT)
async def get_artifact(artifact: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """A file."""
    _, of = await _held(parts, caller, artifact)
    return artifact_json(of)


@router.patch(_ARTIFACT)
async def change_artifact(
    artifact: UUID, body: ArtifactChange, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Another name, or another file in its place."""
    experiment, of = await _held(parts, caller, artifact)
    with answered():
        name = body.name or of.name
        if name != of.name or (body.filename or of.filename) != of.filename:
            of = await artifacts.rename(
                parts, caller.organization, artifact,
                actor=caller.actor, name=name, filename=body.filename,
            )  # fmt: skip
        if body.object_name not in (None, of.key):
            of = await artifacts.keep_upload(
                parts, caller.organization, experiment,
                actor=caller.actor, name=name, filename=of.filename, upload=body.object_name,
            )  # fmt: skip
    return artifact_json(of)


@router.delete(_ARTIFACT, status_code=204)
async def delete_artifact(artifact: UUID, parts: Parts, caller: Writer) -> None:
    """Delete a file."""
    with answered():
        await artifacts.delete(parts, caller.organization, artifact, actor=caller.actor)


@router.post(_EXPERIMENT + "/logging/save")
async def save_logging(
    experiment: UUID, body: LoggingFile, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Keep the output of a script: the file `logging`."""
    with answered():
        made = await artifacts.keep_upload(
            parts, caller.organization, experiment,
            actor=caller.actor, name=_LOGGING, upload=body.object_name,
            filename=body.object_name.rpartition("/")[2],
        )  # fmt: skip
    return artifact_json(made)


@router.get(_EXPERIMENT + "/logging")
async def get_logging(experiment: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """The output of a script."""
    return artifact_json(await _named(parts, caller, experiment, _LOGGING))


@router.get("/api/logging/file/{artifact}")
async def get_logging_file(artifact: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """The same by its id."""
    return await get_artifact(artifact, parts, caller)


async def _named(parts: Trainer, caller: Caller, experiment: UUID, name: str) -> Kept:
    for one in artifacts_of(await found(parts, caller, experiment)):
        if one.name == name:
            return one
    raise not_found(f"artifact {name!r} of experiment {experiment}")


async def _held(parts: Trainer, caller: Caller, artifact: UUID) -> tuple[UUID, Kept]:
    async with parts.database.read() as read:
        row = await experiment_with(read, caller.organization, artifact)
    for one in artifacts_of(row) if row is not None else ():
        if row is not None and one.id == artifact:
            return row["id"], one
    raise not_found(f"artifact {artifact}")
