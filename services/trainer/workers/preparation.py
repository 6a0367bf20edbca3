"""Getting ready: manifests, pictures and the checkpoint, in a folder."""

import asyncio
import hashlib
from pathlib import Path
from uuid import UUID

from sqlalchemy import RowMapping

from libs.blobs.blobs import BlobNotFound
from libs.blobs.uploads import FileTooLarge, copy_out
from libs.schemas.events import ModelVersionChanged
from libs.schemas.manifest import MalformedManifest, Manifest, read_manifest
from libs.store.workers import JobRun
from services.trainer.actions import asking
from services.trainer.core.dataset import Plan, Use, Wanted, plan
from services.trainer.core.job import Pictured, Work
from services.trainer.core.parameters import split
from services.trainer.errors import ExperimentRefused, TrainingFailed
from services.trainer.parts import Trainer
from services.trainer.store.experiments import Dataset, datasets_of
from services.trainer.workers.journal import Journal

_AT_ONCE = 8
_CHECKPOINT = "checkpoint"
# Those of the recipes have some megabytes; a client may have stored anything under the name.
_CHECKPOINT_LIMIT = 256 * 2**20


async def prepare(
    parts: Trainer, run: JobRun, row: RowMapping, *, journal: Journal, folder: Path
) -> Work:
    """What the training process is to do, with all it needs in `folder`.

    Raises:
        TrainingFailed: the datasets or parameters cannot be trained on.
        JobCancelled: somebody asked for the end.
    """
    try:
        divided = split(row["parameters"])
    except ExperimentRefused as error:
        raise TrainingFailed(str(error)) from error
    base = await _base(parts, row, journal)
    datasets = [(one.alias, one.replay, await _manifest(parts, one)) for one in datasets_of(row)]
    planned = await asyncio.to_thread(
        plan,
        datasets,
        base_labels=base.labels if base else [],
        keep_base_labels=row["deployment"] is not None,
        validation_share=divided.run.validation_share,
    )
    for note in planned.notes:
        journal.log(note)
    pictures = await _fetch(parts, run, planned, journal=journal, folder=folder)
    start = await _checkpoint(parts, base, journal, folder)
    return Work(
        recipe=divided.run.recipe,
        task=planned.task,
        parameters=dict(divided.recipe),
        labels=planned.labels,
        train=pictures[Use.TRAIN],
        validation=pictures[Use.VALIDATION],
        old=pictures[Use.OLD],
        start=str(start) if start else None,
        cache=str(parts.settings.cache.resolve()) if parts.settings.cache else None,
        folder=str(folder),
    )


async def _manifest(parts: Trainer, dataset: Dataset) -> Manifest:
    try:
        content = await parts.blobs.get(dataset.manifest)
        manifest = await asyncio.to_thread(read_manifest, content)
    except BlobNotFound as error:
        raise TrainingFailed(f"The manifest of {dataset.alias} is gone.") from error
    except MalformedManifest as error:
        raise TrainingFailed(f"The manifest of {dataset.alias} is damaged: {error}.") from error
    if manifest.header.digest != dataset.digest:
        raise TrainingFailed(f"The manifest of {dataset.alias} is another version's.")
    return manifest


async def _base(parts: Trainer, row: RowMapping, journal: Journal) -> ModelVersionChanged | None:
    version: UUID | None = row["base_version"]
    if version is None:
        return None
    base = await asking.known(parts, parts.model_versions, row["organization"], version)
    if base is None:
        journal.log(f"the base version {version} is not there: the training starts from scratch")
    return base


async def _fetch(
    parts: Trainer, run: JobRun, planned: Plan, *, journal: Journal, folder: Path
) -> dict[Use, list[Pictured]]:
    """The pictures in files, by their use. One that was erased since is left out, and told."""
    kept = folder / "pictures"
    kept.mkdir()
    by_hash: dict[str, Wanted] = {one.sha256: one for one in planned.wanted}
    queue = list(enumerate(by_hash.values()))
    total = len(queue)
    files: dict[str, Path | None] = {}
    journal.log(f"fetching {total} pictures")

    async def some() -> None:
        while queue:
            run.check()
            number, wanted = queue.pop()
            files[wanted.sha256] = await _picture(parts, wanted, kept / str(number))
            await run.progress(len(files), total, "fetching pictures")

    fetching = [asyncio.create_task(some()) for _ in range(_AT_ONCE)]
    try:
        await asyncio.gather(*fetching)
    finally:
        for task in fetching:
            task.cancel()
        await asyncio.gather(*fetching, return_exceptions=True)
    gone = sum(path is None for path in files.values())
    if gone:
        journal.log(f"{gone} pictures left out: they have been erased since")
    used: dict[Use, list[Pictured]] = {use: [] for use in Use}
    for one in planned.wanted:
        path = files[one.sha256]
        if path is not None:
            used[one.use].append(Pictured(path=str(path), classes=one.classes, boxes=one.boxes))
    return used


async def _picture(parts: Trainer, wanted: Wanted, path: Path) -> Path | None:
    try:
        content = await parts.blobs.get(wanted.picture)
    except BlobNotFound:
        return None
    if not await asyncio.to_thread(_keep, content, path, sha256=wanted.sha256):
        raise TrainingFailed(f"The picture {wanted.filename} is not the one that was annotated.")
    return path


def _keep(content: bytes, path: Path, *, sha256: str) -> bool:
    if hashlib.sha256(content).hexdigest() != sha256:
        return False
    path.write_bytes(content)
    return True


async def _checkpoint(
    parts: Trainer, base: ModelVersionChanged | None, journal: Journal, folder: Path
) -> Path | None:
    if base is None:
        return None
    file = next((one for one in base.files if one.name == _CHECKPOINT), None)
    if file is None:
        journal.log("the base version has no checkpoint: the training starts from scratch")
        return None
    path = folder / "start.npz"
    try:
        await copy_out(parts.blobs, file.key, path=path, limit=_CHECKPOINT_LIMIT)
    except BlobNotFound:
        journal.log("the base version's checkpoint is gone: the training starts from scratch")
        return None
    except FileTooLarge:
        journal.log(
            "the base version's checkpoint is none of ours: the training starts from scratch"
        )
        return None
    return path
