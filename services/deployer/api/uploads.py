"""An upload of a model version: its form, its file, its training data."""

from pathlib import Path
from uuid import UUID

import msgspec
from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from libs.api.problems import Problem, invalid, where
from libs.api.tokens import Caller
from libs.schemas.ids import uuid7
from libs.schemas.values import ModelFile, TaskType, TrainedOn
from services.deployer.actions import registry
from services.deployer.core.labelmap import check_labels
from services.deployer.dto import NewVersionBody, TrainingData
from services.deployer.parts import Deployer
from services.deployer.store.models import ELSEWHERE, LATEST, ONNX, NewVersion

_PIECE = 1 << 20


async def read_upload(
    request: Request, parts: Deployer, folder: Path
) -> tuple[NewVersionBody, Path | None]:
    """The part `version`, and the part `model` as a file in `folder`. Raises Problem."""
    if not request.headers.get("content-type", "").startswith("multipart/"):
        raise invalid("the body is no multipart form", [("body", "must be multipart/form-data")])
    async with request.form(max_files=1, max_fields=1) as form:
        document, upload = form.get("version"), form.get("model")
        if not isinstance(document, str):
            raise invalid("the part `version` is missing", [("version", "missing")])
        try:
            body = NewVersionBody.model_validate(msgspec.json.decode(document))
        except ValidationError as error:
            errors = [(where(("version", *e["loc"])), e["msg"]) for e in error.errors()]
            raise invalid("the part `version` is wrong", errors) from error
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise invalid("the part `version` is no JSON", [("version", "is no JSON")]) from error
        if upload is None:
            return body, None
        if not isinstance(upload, UploadFile):
            raise invalid("the part `model` is no file", [("model", "is no file")])
        if (upload.size or 0) > parts.settings.model_limit:
            limit = parts.settings.model_limit
            raise Problem(413, "too-large", f"the model is larger than {limit} bytes")
        path = folder / "model.onnx"
        with path.open("wb") as out:
            while piece := await upload.read(_PIECE):
                out.write(piece)
        return body, path


async def prepare(
    parts: Deployer, caller: Caller, model: UUID, body: NewVersionBody, *,
    path: Path | None, task: TaskType, trained_on: list[TrainedOn],
) -> tuple[NewVersion, list[ModelFile]]:  # fmt: skip
    """The version to be, its file checked and kept. Raises ModelFileRefused, LabelmapRefused."""
    version = uuid7(parts.clock.now())
    files: list[ModelFile] = []
    threshold = registry.USUAL_THRESHOLD
    if path is None:
        labels = body.labels or []
        check_labels(labels)
    else:
        description, labels = await registry.examine(path, body.labels, task)
        threshold = description.threshold
        files = [
            await registry.keep_file(parts, caller.organization, version, name=LATEST, path=path)
        ]
    new = NewVersion(
        id=version,
        model=model,
        name=body.name,
        framework=ONNX if path is not None else ELSEWHERE,
        labels=labels,
        files=files,
        threshold=threshold if body.threshold is None else body.threshold,
        parameters=body.parameters,
        trained_on=trained_on,
    )
    return new, files


async def find_training_data(
    parts: Deployer, caller: Caller, wanted: list[TrainingData]
) -> list[TrainedOn]:
    """The dataset versions as they are now. Raises Problem 422, naming those that cannot be."""
    found: list[TrainedOn] = []
    errors: list[tuple[str, str]] = []
    for index, one in enumerate(wanted):
        at = f"version.trained_on[{index}]"
        known = await parts.datasets.wait_for(
            str(one.dataset_version), timeout=parts.settings.event_wait
        )
        if known is None or known.organization != caller.organization:
            errors.append((at, f"there is no dataset version {one.dataset_version}"))
        elif known.data.manifest is None or known.data.digest is None:
            errors.append((at, f"dataset version {known.data.version} has not settled yet"))
        else:
            found.append(
                TrainedOn(
                    alias=one.alias,
                    dataset_version=one.dataset_version,
                    digest=known.data.digest,
                    manifest=known.data.manifest,
                )
            )
    if errors:
        raise invalid("the training data are wrong", errors)
    return found
