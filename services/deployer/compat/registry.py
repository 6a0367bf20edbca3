"""Models and versions as the existing client makes them, and the files of versions."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from libs.api.caller import needs
from libs.api.compat import compat_router
from libs.api.problems import conflict, invalid, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.ids import uuid7
from libs.schemas.values import ModelFile, TaskType
from libs.store.session import Cause
from services.deployer.actions import files
from services.deployer.actions.registry import USUAL_THRESHOLD
from services.deployer.api.problems import answered
from services.deployer.compat.models import Parts, Reader
from services.deployer.compat.shown import model_json, versions_json
from services.deployer.core.labelmap import check_labels
from services.deployer.dto import Name
from services.deployer.parts import Deployer
from services.deployer.store import models as store
from services.deployer.store import searches
from services.deployer.store.models import NewVersion, Version
from services.deployer.store.versions import file_id, with_file

router = compat_router()
Writer = Annotated[Caller, needs(Scope.MODELS_WRITE)]
_FILES = "/api/model/version/{version}/modelfiles"


class NewModel(BaseModel):
    """A model; its first version says what it is of."""

    name: Name
    description: str = ""


class ModelChange(BaseModel):
    """What is given is changed; what describes a model is not kept."""

    name: Name | None = None


class VersionChange(BaseModel):
    """What is given is changed. Images, flags, links and the framework are not kept."""

    name: Name | None = None
    type: TaskType | Literal["NOT_CONFIGURED"] | None = None
    labels: Annotated[dict[str, Name], Field(max_length=10_000)] | None = None
    parameters: dict[str, Any] | None = None


class NewFile(BaseModel):
    """A file that was uploaded."""

    name: Name
    filename: Name
    object_name: Annotated[str, Field(min_length=1, max_length=512)]


class NewVersionBody(BaseModel):
    """A version that runs at the client's. `labels`: names by class index."""

    name: Name | None = None
    type: TaskType | Literal["NOT_CONFIGURED"] = "NOT_CONFIGURED"
    labels: Annotated[dict[str, Name], Field(max_length=10_000)] = {}
    parameters: dict[str, Any] = {}


@router.post("/api/organization/{organization}/models")
async def create_model(
    organization: UUID, body: NewModel, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Make a model."""
    if organization != caller.organization:
        raise not_found(f"organization {organization}")
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await store.add_model(
                tx, organization, name=body.name, type=TaskType.OBJECT_DETECTION
            )
            return await model_json(tx, row)


@router.post("/api/model/{model}/versions")
async def create_version(
    model: UUID, body: NewVersionBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Make a version by its labels: what logs predictions needs no file here."""
    labels = _labels(body.labels)
    with answered():
        check_labels(labels)
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            of = await store.find_model(tx, caller.organization, model)
            task = body.type
            if not isinstance(task, TaskType):
                if of["versions"] == 0:
                    known = ", ".join(TaskType)
                    raise invalid("a version needs its type", [("type", f"give one of {known}")])
                task = TaskType(of["type"])
            if not await searches.give_type(tx, caller.organization, model, task):
                raise conflict("another-type", "the model's versions are of another type")
            new = NewVersion(
                id=uuid7(parts.clock.now()),
                model=model,
                name=body.name,
                framework=store.ELSEWHERE,
                labels=labels,
                files=[],
                threshold=USUAL_THRESHOLD,
                parameters=body.parameters,
            )
            made, _ = await store.add_version(tx, caller.organization, new)
            return (await versions_json(tx, caller.organization, [made]))[0]


@router.patch("/api/model/{model}")
async def change_model(
    model: UUID, body: ModelChange, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Rename a model."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            if body.name is None:
                row = await store.find_model(tx, caller.organization, model)
            else:
                row = await store.rename_model(tx, caller.organization, model, body.name)
            return await model_json(tx, row)


@router.patch("/api/model/version/{version}")
async def change_version(
    version: UUID, body: VersionChange, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Say more of a version; its labels until it is deployed."""
    labels = _labels(body.labels) if body.labels is not None else None
    given = body.model_dump(include={"name", "parameters"}, exclude_none=True)
    with answered():
        async with parts.database.read() as read:
            held = await store.find_version(read, caller.organization, version)
        if body.type not in (None, "NOT_CONFIGURED", held.type):
            raise conflict("another-type", f"the model's versions are of the type {held.type}")
        made = await files.say(
            parts, caller.organization, version, actor=caller.actor, labels=labels, **given
        )
        async with parts.database.read() as read:
            return (await versions_json(read, caller.organization, [made]))[0]


@router.post(_FILES)
async def add_file(version: UUID, body: NewFile, parts: Parts, caller: Writer) -> dict[str, Any]:
    """Keep an uploaded file; `model-latest` as `….onnx` is checked, and served from then on."""
    with answered():
        async with parts.database.read() as read:
            held = await store.find_version(read, caller.organization, version)
        if body.name in [one.name for one in held.files]:
            raise conflict("file-exists", f"the version has a file {body.name!r}: delete it first")
        made = await files.add(
            parts, caller.organization, version,
            actor=caller.actor, name=body.name, filename=body.filename, upload=body.object_name,
        )  # fmt: skip
        async with parts.database.read() as read:
            held = await store.find_version(read, caller.organization, version)
    return _file(held, made)


@router.get("/api/model/file/{file}")
async def get_file(file: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """A file of a version by its id."""
    of, found = await _with_file(parts, caller, file)
    with answered():
        async with parts.database.read() as read:
            return _file(await store.find_version(read, caller.organization, of), found)


@router.delete("/api/model/file/{file}", status_code=204)
async def delete_file(file: UUID, parts: Parts, caller: Writer) -> None:
    """Delete a file of a version; its model until it is deployed."""
    of, found = await _with_file(parts, caller, file)
    with answered():
        await files.delete(parts, caller.organization, of, actor=caller.actor, name=found.name)


@router.get(_FILES)
async def list_files(version: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """The files of a version; `model-latest` is the ONNX file."""
    with answered():
        async with parts.database.read() as read:
            found = await store.find_version(read, caller.organization, version)
    items = [_file(found, file) for file in found.files]
    return {"items": items, "count": len(items)}


@router.get(_FILES + "/find")
async def find_file(version: UUID, name: str, parts: Parts, caller: Reader) -> dict[str, Any]:
    """A file of a version by its name."""
    with answered():
        async with parts.database.read() as read:
            found = await store.find_version(read, caller.organization, version)
    for file in found.files:
        if file.name == name:
            return _file(found, file)
    raise not_found(f"file {name!r} of model version {version}")


def _labels(sent: dict[str, str]) -> list[str]:
    """Names in the order of their indices. Raises Problem 422 for indices with gaps."""
    wanted = [str(index) for index in range(len(sent))]
    if sorted(sent) != sorted(wanted):
        raise invalid(
            "the labels are not numbered 0, 1, 2 …", [("labels", f"has {', '.join(sent)[:200]}")]
        )
    return [sent[index] for index in wanted]


async def _with_file(parts: Deployer, caller: Caller, file: UUID) -> tuple[UUID, ModelFile]:
    async with parts.database.read() as read:
        found = await with_file(read, caller.organization, file)
    if found is None:
        raise not_found(f"model file {file}")
    return found


def _file(version: Version, file: ModelFile) -> dict[str, Any]:
    served = file.name == store.LATEST and version.onnx is not None
    return {
        "id": file_id(version.id, file.name),
        "name": file.name,
        "object_name": file.key,
        "filename": f"{file.name}.onnx" if served else file.name,
        "large": True,
    }
