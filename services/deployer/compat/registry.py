"""Models and versions as the existing client makes them, and the files of versions."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from libs.api.caller import needs
from libs.api.compat import compat_router
from libs.api.problems import conflict, invalid, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.ids import derived, uuid7
from libs.schemas.values import ModelFile, TaskType
from libs.store.session import Cause
from services.deployer.actions.registry import USUAL_THRESHOLD
from services.deployer.api.problems import answered
from services.deployer.compat.models import Parts, Reader
from services.deployer.compat.shown import model_json, versions_json
from services.deployer.core.labelmap import check_labels
from services.deployer.dto import Name
from services.deployer.store import models as store
from services.deployer.store import searches
from services.deployer.store.models import NewVersion

router = compat_router()
Writer = Annotated[Caller, needs(Scope.MODELS_WRITE)]
_FILES = "/api/model/version/{version}/modelfiles"


class NewModel(BaseModel):
    """A model; its first version says what it is of."""

    name: Name
    description: str = ""


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
    return model_json(row)


@router.post("/api/model/{model}/versions")
async def create_version(
    model: UUID, body: NewVersionBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Make a version by its labels: what logs predictions needs no file here."""
    labels = _labels(body.labels)
    if not isinstance(body.type, TaskType):
        known = ", ".join(TaskType)
        raise invalid("a version needs its type", [("type", f"give one of {known}")])
    with answered():
        check_labels(labels)
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            await store.find_model(tx, caller.organization, model)
            if not await searches.give_type(tx, caller.organization, model, body.type):
                raise conflict("another-type", "the model's versions are of another type")
            new = NewVersion(
                id=uuid7(parts.clock.now()),
                model=model,
                name=body.name,
                framework="NOT_CONFIGURED",
                labels=labels,
                files=[],
                threshold=USUAL_THRESHOLD,
                parameters=body.parameters,
            )
            made, _ = await store.add_version(tx, caller.organization, new)
            return (await versions_json(tx, caller.organization, [made]))[0]


@router.get(_FILES)
async def list_files(version: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """The files of a version; `model-latest` is the ONNX file."""
    with answered():
        async with parts.database.read() as read:
            found = await store.find_version(read, caller.organization, version)
    items = [_file(version, file) for file in found.files]
    return {"items": items, "count": len(items)}


@router.get(_FILES + "/find")
async def find_file(version: UUID, name: str, parts: Parts, caller: Reader) -> dict[str, Any]:
    """A file of a version by its name."""
    with answered():
        async with parts.database.read() as read:
            found = await store.find_version(read, caller.organization, version)
    for file in found.files:
        if file.name == name:
            return _file(version, file)
    raise not_found(f"file {name!r} of model version {version}")


def _labels(sent: dict[str, str]) -> list[str]:
    """Names in the order of their indices. Raises Problem 422 for indices with gaps."""
    wanted = [str(index) for index in range(len(sent))]
    if sorted(sent) != sorted(wanted):
        raise invalid(
            "the labels are not numbered 0, 1, 2 …", [("labels", f"has {', '.join(sent)[:200]}")]
        )
    return [sent[index] for index in wanted]


def _file(version: UUID, file: ModelFile) -> dict[str, Any]:
    return {
        "id": derived("model file", version, file.name),
        "name": file.name,
        "object_name": file.key,
        "filename": f"{file.name}.onnx" if file.name == store.LATEST else file.name,
        "large": True,
    }
