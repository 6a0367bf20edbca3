"""Model versions from files: uploaded, published from an experiment, or made by a retraining."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from libs.blobs.blobs import BlobNotFound
from libs.schemas.ids import derived
from libs.schemas.values import Artifact, ModelFile, TaskType
from libs.vision.onnx_models import (
    ModelDescription,
    NotAnOnnxModel,
    UnknownModelLayout,
    inspect,
)
from services.deployer.core.labelmap import LabelmapRefused, check_file, check_labels
from services.deployer.errors import ModelFileRefused
from services.deployer.parts import Deployer
from services.deployer.store.experiments import Source
from services.deployer.store.models import ELSEWHERE, LATEST, ONNX, NewVersion

USUAL_THRESHOLD = 0.5


@asynccontextmanager
async def scratch() -> AsyncIterator[Path]:
    """A folder that is gone afterwards."""
    with await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="sightloop-model-") as folder:
        yield Path(folder)


async def examine(
    path: Path, labels: Sequence[str] | None, task: TaskType | None
) -> tuple[ModelDescription, list[str]]:
    """What the ONNX file is, and its labels. `task` None: what the file says.

    Raises ModelFileRefused, with every reason.
    """
    try:
        description = await asyncio.to_thread(_inspect, path)
    except (NotAnOnnxModel, UnknownModelLayout) as error:
        raise ModelFileRefused([("model", str(error))]) from error
    if labels is None:
        if description.labels is None:
            raise ModelFileRefused([("labels", "the file does not name its labels: give them")])
        labels = description.labels
    try:
        check_labels(labels)
        check_file(description, labels, task=task or TaskType(description.task))
    except LabelmapRefused as error:
        raise ModelFileRefused(error.errors) from error
    return description, list(labels)


async def keep_file(
    parts: Deployer, organization: UUID, version: UUID, *, name: str, path: Path
) -> ModelFile:
    """Put a version's file under our own prefix."""
    sha256, size = await asyncio.to_thread(_digest, path)
    key = f"deployer/{organization}/versions/{version}/{sha256}"
    await parts.blobs.put_file(key, path, content_type="application/octet-stream")
    return ModelFile(name=name, key=key, sha256=sha256, size=size)


async def drop_files(parts: Deployer, files: Sequence[ModelFile]) -> None:
    """Delete the files of a version that did not come to be."""
    for file in files:
        await parts.blobs.delete(file.key)


async def from_experiment(
    parts: Deployer, organization: UUID, model: UUID, source: Source, *, task: TaskType | None
) -> tuple[NewVersion, TaskType]:
    """The model version of an experiment, its artifacts copied, and what it is of.

    The id is derived from model and experiment; of one that ran elsewhere, and may be published
    before its end, from its files too. What it left that is no ONNX runs elsewhere. `task` None:
    the file says it.

    Raises:
        ModelFileRefused: the artifact `model-latest` is missing, no ONNX, or does not fit.
        LabelmapRefused: there is no file to say the labels, and the experiment does not.
    """
    version = derived("model-version", model, source.experiment, *_content(source))
    wanted = {artifact.name: artifact for artifact in source.artifacts}
    if source.runs_here and LATEST not in wanted:
        raise ModelFileRefused([("artifacts", f"the experiment has no artifact `{LATEST}`")])
    threshold = USUAL_THRESHOLD
    async with scratch() as folder:
        paths = {}
        for number, artifact in enumerate(source.artifacts):
            paths[artifact.name] = folder / str(number)
            await _fetch(parts, artifact, paths[artifact.name])
        if source.runs_here:
            description, labels = await examine(paths[LATEST], source.labels, task)
            task, threshold = TaskType(description.task), description.threshold
        else:
            labels = source.labels or []
            check_labels(labels)
        if task is None:
            raise ModelFileRefused(
                [("type", "nothing says what the model is of: attach a dataset version")]
            )
        files = [
            await keep_file(parts, organization, version, name=name, path=path)
            for name, path in paths.items()
        ]
    made = NewVersion(
        id=version,
        model=model,
        name=None,
        framework=ONNX if source.runs_here else ELSEWHERE,
        labels=labels,
        files=files,
        threshold=threshold,
        parameters=source.parameters,
        trained_on=source.trained_on,
        experiment=source.experiment,
    )
    return made, task


def _content(source: Source) -> list[str]:
    if not source.external:
        return []
    return [*sorted(f"{one.name} {one.sha256}" for one in source.artifacts), *(source.labels or [])]


async def _fetch(parts: Deployer, artifact: Artifact, path: Path) -> None:
    digest = hashlib.sha256()
    try:
        with path.open("wb") as out:
            async for piece in parts.blobs.stream(artifact.key):
                digest.update(piece)
                await asyncio.to_thread(out.write, piece)
    except BlobNotFound as error:
        raise ModelFileRefused([("artifacts", f"the artifact `{artifact.name}` is gone")]) from error  # noqa: E501  # fmt: skip
    if digest.hexdigest() != artifact.sha256:
        raise ModelFileRefused([("artifacts", f"the artifact `{artifact.name}` is not whole")])


def _inspect(path: Path) -> ModelDescription:
    return inspect(path.read_bytes())


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256")
    return digest.hexdigest(), path.stat().st_size
