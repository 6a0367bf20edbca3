"""Archives of pictures and annotations, in and out: YOLO and Pascal VOC."""

import zipfile
from collections.abc import AsyncIterator, Iterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, UploadFile
from starlette.responses import StreamingResponse

from libs.api.problems import invalid
from libs.schemas.ids import uuid7
from libs.schemas.manifest import Manifest, ManifestAsset
from libs.schemas.values import TaskType
from libs.store import jobs
from libs.store.session import Cause
from services.feedback.actions.answering import answered
from services.feedback.actions.settling import settled_manifest
from services.feedback.actions.uploads import keep_upload
from services.feedback.api.asked import Parts, Reader, Writer
from services.feedback.core.formats import TASKS, ArchiveFormat, archive_entries
from services.feedback.dto import JobAccepted
from services.feedback.errors import VersionFrozen
from services.feedback.store import datasets
from services.feedback.workers.imports import ARCHIVE_KIND

router = APIRouter(prefix="/api/feedback/v1/versions", tags=["feedback"])
_PIECE = 2**16


@router.post("/{version}/imports/{layout}", status_code=202)
async def import_archive(
    version: UUID, layout: ArchiveFormat, parts: Parts, caller: Writer, archive: UploadFile
) -> JobAccepted:
    """Import a zip of pictures and their annotations: all of it, or nothing."""
    organization = caller.organization
    with answered():
        async with parts.database.read() as read:
            row = await datasets.find_version(read, organization, version)
        _check_task(layout, TaskType(row["type"]))
        if row["frozen"] is not None:
            raise VersionFrozen(datasets.labelled(row).name)
    number = uuid7(parts.clock.now())
    key = f"feedback/{organization}/imports/{number}/archive.zip"
    await keep_upload(parts, archive, key, "application/zip")
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        job = await jobs.enqueue(
            tx,
            ARCHIVE_KIND,
            organization=organization,
            key=str(number),
            subject=f"{layout.upper()} import into {datasets.labelled(row).name}",
            payload={
                "version": str(version),
                "actor": caller.actor,
                "format": str(layout),
                "images": key,
            },
        )
    return JobAccepted(job=job)


@router.get("/{version}/exports/{layout}", response_class=StreamingResponse)
async def export_archive(
    version: UUID,
    layout: ArchiveFormat,
    parts: Parts,
    caller: Reader,
    *,
    pictures: Annotated[bool, Query()] = True,
) -> StreamingResponse:
    """A zip of the annotations, and of the pictures where they are wanted."""
    with answered():
        manifest = await settled_manifest(parts, caller.organization, version)
    _check_task(layout, manifest.header.type)
    name = f"{layout}-{version}.zip"
    return StreamingResponse(
        _zipped(parts, manifest, layout, pictures=pictures),
        media_type="application/zip",
        headers={
            "ETag": f'"{manifest.header.digest}"',
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


def _check_task(layout: ArchiveFormat, task: TaskType) -> None:
    if task not in TASKS[layout]:
        takes = " or ".join(TASKS[layout])
        raise invalid(f"{layout.upper()} is for {takes}; the version is for {task}")


class _Out:
    """A file that is written only, and taken away in pieces."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        self._held += data
        return len(data)

    def flush(self) -> None:
        """What is held is taken, not flushed."""

    def take(self, least: int) -> Iterator[bytes]:
        """What is held, where it is worth sending."""
        if len(self._held) >= least:
            yield bytes(self._held)
            self._held.clear()


async def _zipped(
    parts: Parts, manifest: Manifest, layout: ArchiveFormat, *, pictures: bool
) -> AsyncIterator[bytes]:
    out = _Out()
    with zipfile.ZipFile(out, "w") as archive:  # type: ignore[call-overload]  # writing needs no more of a file
        for path, entry in archive_entries(layout, manifest.header, manifest.assets):
            if isinstance(entry, ManifestAsset):
                if not pictures:
                    continue
                content: str | bytes = await parts.blobs.get(entry.picture)
            else:
                content = entry
            archive.writestr(path, content)
            for piece in out.take(_PIECE):
                yield piece
    for piece in out.take(1):
        yield piece
