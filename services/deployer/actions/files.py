"""Files of versions that come after the version, and what may still be said of it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from libs.blobs.uploads import copy_out, fetch_upload
from libs.schemas.values import ModelFile
from libs.store.session import Cause, Tx
from services.deployer.actions.registry import drop_files, examine, keep_file, scratch
from services.deployer.core.labelmap import check_labels
from services.deployer.errors import ModelFileRefused, VersionDeployed
from services.deployer.parts import Deployer
from services.deployer.store import versions
from services.deployer.store.models import ELSEWHERE, LATEST, ONNX, Version, find_version

MOST = 100
"""Files of one version."""


async def add(
    parts: Deployer, organization: UUID, version: UUID, *,
    actor: str, name: str, filename: str, upload: str,
) -> ModelFile:  # fmt: skip
    """Keep what a client has uploaded as a file of a version.

    `model-latest` that is called `….onnx` is checked as an uploaded model is, and served from then
    on; what is called otherwise runs elsewhere.

    Raises:
        VersionUnknown, NoSuchUpload, FileTooLarge.
        VersionDeployed: its model cannot come after its deployment.
        ModelFileRefused: it has a file of the name, or too many, or the ONNX does not fit.
    """
    async with parts.database.read() as read:
        of = await find_version(read, organization, version)
    served = name == LATEST and filename.lower().endswith(".onnx")
    values: dict[str, Any] = {}
    async with scratch() as folder:
        path = folder / "file"
        await fetch_upload(
            parts.blobs, organization, upload, path=path, limit=parts.settings.model_limit
        )
        if served:
            description, _ = await examine(path, of.labels, of.type)
            values = {"framework": ONNX, "threshold": description.threshold}
        file = await keep_file(parts, organization, version, name=name, path=path)
    try:
        async with parts.database.begin(Cause(actor=actor)) as tx:
            of = await versions.lock(tx, organization, version)
            if name in [one.name for one in of.files]:
                raise ModelFileRefused([("name", f"the version has a file {name!r}: delete it")])
            if len(of.files) >= MOST:
                raise ModelFileRefused([("name", f"a version has {MOST} files at most")])
            if name == LATEST:
                await _check_free(tx, of)
            await versions.change(tx, of, files=[*of.files, file], **values)
    except Exception:
        if file.key not in [one.key for one in of.files]:
            await drop_files(parts, [file])
        raise
    return file


async def delete(
    parts: Deployer, organization: UUID, version: UUID, *, actor: str, name: str
) -> None:
    """Delete a file. Raises VersionUnknown, VersionDeployed: it is the model of a deployment."""
    async with parts.database.begin(Cause(actor=actor)) as tx:
        of = await versions.lock(tx, organization, version)
        left = [one for one in of.files if one.name != name]
        gone = [one for one in of.files if one.name == name]
        if name == LATEST:
            await _check_free(tx, of)
            await versions.change(tx, of, files=left, framework=ELSEWHERE)
        else:
            await versions.change(tx, of, files=left)
    await drop_files(parts, [one for one in gone if one.key not in [kept.key for kept in left]])


async def say(
    parts: Deployer, organization: UUID, version: UUID, *,
    actor: str, labels: Sequence[str] | None, **values: Any,
) -> Version:  # fmt: skip
    """Change a version's name or parameters; its labels until it is deployed.

    Raises:
        VersionUnknown, VersionDeployed, LabelmapRefused.
        ModelFileRefused: its ONNX file has other labels.
    """
    async with parts.database.read() as read:
        of = await find_version(read, organization, version)
    if labels is not None:
        check_labels(labels)
        if of.onnx is not None:
            async with scratch() as folder:
                path = folder / "file"
                await copy_out(
                    parts.blobs, of.onnx.key, path=path, limit=parts.settings.model_limit
                )
                await examine(path, labels, of.type)
        values["labels"] = list(labels)
    async with parts.database.begin(Cause(actor=actor)) as tx:
        held = await versions.lock(tx, organization, version)
        if labels is not None and held.labels != list(labels):
            await _check_free(tx, held)
        return await versions.change(tx, held, **values) if values else held


async def _check_free(tx: Tx, of: Version) -> None:
    if await versions.ever_deployed(tx, of.organization, of.id):
        raise VersionDeployed(of.shown)
