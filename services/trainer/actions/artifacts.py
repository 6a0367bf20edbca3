"""Files of an experiment that runs elsewhere: copied from where they were uploaded, and kept."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from sqlalchemy import RowMapping

from libs.blobs.blobs import BlobNotFound
from libs.blobs.uploads import FileTooLarge, copy_out, fetch_upload
from libs.schemas.ids import uuid7
from libs.schemas.values import Artifact
from libs.store.session import Cause, Tx
from services.trainer.actions import external
from services.trainer.errors import ArtifactRefused, ArtifactUnknown
from services.trainer.parts import Trainer
from services.trainer.store import artifacts as store
from services.trainer.store.artifacts import Kept, artifacts_of, as_document

MOST = 500
"""Files of one experiment."""


@asynccontextmanager
async def scratch() -> AsyncIterator[Path]:
    """A folder that is gone afterwards."""
    made = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="sightloop-artifact-")
    with made as folder:
        yield Path(folder)


async def keep_upload(
    parts: Trainer, organization: UUID, experiment: UUID, *,
    actor: str, name: str, filename: str, upload: str,
) -> Kept:  # fmt: skip
    """Keep what a client has uploaded under a name; another file of the name is replaced.

    Raises:
        ExperimentUnknown, NotExternal, ExperimentEnded.
        ArtifactRefused: it has too many. NoSuchUpload, FileTooLarge.
    """
    async with scratch() as folder:
        path = folder / "file"
        await fetch(parts, organization, upload, path)
        return await keep_file(
            parts, organization, experiment, actor=actor, name=name, filename=filename, path=path
        )


async def keep_file(
    parts: Trainer, organization: UUID, experiment: UUID, *,
    actor: str, name: str, filename: str, path: Path, begins: bool = True,
) -> Kept:  # fmt: skip
    """The same of a file in hand. `begins`: the experiment runs from now on."""
    async with parts.database.read() as read:  # before gigabytes are written
        await external.seen(read, organization, experiment)
    key, sha256, size = await put(parts, organization, experiment, path)
    cause = Cause(actor=actor)
    async with parts.database.begin(cause) as tx:
        row = await external.open_one(tx, organization, experiment)
        if begins:
            row = await external.running(tx, row)
        held = artifacts_of(row)
        former = next((one for one in held if one.name == name), None)
        if former is None and len(held) >= MOST:
            raise ArtifactRefused(f"an experiment has {MOST} files at most")
        new = Kept(
            id=former.id if former is not None else uuid7(parts.clock.now()),
            name=name, filename=filename, key=key, sha256=sha256, size=size,
        )  # fmt: skip
        left = [one for one in held if one.name != name]
        await _write(tx, row, [*left, new])
    if former is not None:
        await _drop(parts, former, [*left, new])
    return new


async def rename(
    parts: Trainer,
    organization: UUID,
    artifact: UUID,
    *,
    actor: str,
    name: str,
    filename: str | None,
) -> Kept:
    """Another name for a file. Raises ArtifactUnknown, ArtifactRefused, and as `open_one`."""
    async with parts.database.begin(Cause(actor=actor)) as tx:
        row, of = await _open(tx, organization, artifact)
        left = [one for one in artifacts_of(row) if one.id != artifact]
        if name in [one.name for one in left]:
            raise ArtifactRefused(f"the experiment has a file {name!r}")
        new = Kept(
            id=of.id, name=name, filename=filename or of.filename,
            key=of.key, sha256=of.sha256, size=of.size,
        )  # fmt: skip
        await _write(tx, row, [*left, new])
    return new


async def delete(parts: Trainer, organization: UUID, artifact: UUID, *, actor: str) -> None:
    """Delete a file. Raises ArtifactUnknown, and as `open_one`."""
    async with parts.database.begin(Cause(actor=actor)) as tx:
        row, of = await _open(tx, organization, artifact)
        left = [one for one in artifacts_of(row) if one.id != artifact]
        await _write(tx, row, left)
    await _drop(parts, of, left)


async def delete_named(
    parts: Trainer, organization: UUID, row: RowMapping, *, actor: str, name: str
) -> None:
    """The same by its name."""
    of = next((one for one in artifacts_of(row) if one.name == name), None)
    if of is None:
        raise ArtifactUnknown(f"there is no artifact {name!r} of experiment {row['id']}")
    await delete(parts, organization, of.id, actor=actor)


async def fetch(parts: Trainer, organization: UUID, upload: str, path: Path) -> None:
    """What a client has uploaded, as a file. Raises NoSuchUpload, FileTooLarge."""
    await fetch_upload(
        parts.blobs, organization, upload, path=path, limit=parts.settings.artifact_limit
    )


async def inherit(
    parts: Trainer, organization: UUID, experiment: UUID, *, actor: str, files: Sequence[Artifact]
) -> None:
    """Copy the files that an experiment begins with; what is gone by now is left out."""
    async with scratch() as folder:
        for file in files:
            path = folder / "file"
            try:
                await copy_out(
                    parts.blobs, file.key, path=path, limit=parts.settings.artifact_limit
                )
            except BlobNotFound:
                continue
            name = file.filename if isinstance(file, Kept) else store.usual_filename(file.name)
            await keep_file(
                parts, organization, experiment,
                actor=actor, name=file.name, filename=name, path=path, begins=False,
            )  # fmt: skip


def check_size(parts: Trainer, size: int) -> None:
    """Raises FileTooLarge."""
    limit = parts.settings.artifact_limit
    if size > limit:
        raise FileTooLarge(f"the file is larger than {limit} bytes")


async def put(
    parts: Trainer, organization: UUID, experiment: UUID, path: Path, *,
    folder: str = "files", content_type: str = "application/octet-stream",
) -> tuple[str, str, int]:  # fmt: skip
    """A file among the experiment's own, by its content: key, SHA-256, size."""
    sha256 = await asyncio.to_thread(_sha256, path)
    key = f"trainer/{organization}/experiments/{experiment}/{folder}/{sha256}"
    info = await parts.blobs.put_file(key, path, content_type=content_type)
    return key, sha256, info.size


async def _open(tx: Tx, organization: UUID, artifact: UUID) -> tuple[RowMapping, Kept]:
    found = await store.experiment_with(tx, organization, artifact)
    if found is None:
        raise ArtifactUnknown(f"there is no artifact {artifact}")
    row = await external.open_one(tx, organization, found["id"])
    of = next((one for one in artifacts_of(row) if one.id == artifact), None)
    if of is None:
        raise ArtifactUnknown(f"there is no artifact {artifact}")
    return row, of


async def _write(tx: Tx, row: RowMapping, kept: list[Kept]) -> None:
    await external.changed(tx, row, artifacts=[as_document(one) for one in kept])


async def _drop(parts: Trainer, gone: Kept, left: list[Kept]) -> None:
    """Delete a blob that no file of the experiment is any more."""
    if gone.key not in [one.key for one in left]:
        await parts.blobs.delete(gone.key)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
