"""What goes into a version and comes out of it: COCO, and the difference to another."""

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, UploadFile
from starlette.responses import StreamingResponse

from libs.api.app import part
from libs.api.caller import needs
from libs.api.problems import Problem, not_found, unavailable
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.ids import uuid7
from libs.schemas.manifest import Manifest
from libs.store import jobs
from libs.store.session import Cause
from services.feedback.actions.settling import settled_manifest
from services.feedback.actions.uploads import keep_upload
from services.feedback.core.coco_writing import write_coco
from services.feedback.dto import JobAccepted
from services.feedback.errors import NotSettled, VersionUnknown
from services.feedback.parts import Feedback
from services.feedback.store import datasets
from services.feedback.workers.imports import KIND

router = APIRouter(prefix="/api/feedback/v1/versions", tags=["feedback"])
Parts = Annotated[Feedback, part(Feedback)]
Reader = Annotated[Caller, needs(Scope.DATASETS_READ)]
Writer = Annotated[Caller, needs(Scope.DATASETS_WRITE)]
_PIECE = 2**16


@router.post("/{version}/imports/coco", status_code=202)
async def import_coco(
    version: UUID, parts: Parts, caller: Writer, annotations: UploadFile, images: UploadFile
) -> JobAccepted:
    """Import COCO annotations and a zip of their pictures: all of it, or nothing."""
    organization = caller.organization
    if (annotations.size or 0) > parts.settings.annotations_limit:
        limit = parts.settings.annotations_limit
        raise Problem(413, "too-large", f"the annotations are larger than {limit} bytes")
    async with parts.database.read() as read:
        try:
            row = await datasets.find_version(read, organization, version)
        except VersionUnknown as unknown:
            raise not_found(f"dataset version {version}") from unknown
    number = uuid7(parts.clock.now())
    folder = f"feedback/{organization}/imports/{number}"
    keys = {"annotations": f"{folder}/annotations.json", "images": f"{folder}/images.zip"}
    await keep_upload(parts, annotations, keys["annotations"], "application/json")
    await keep_upload(parts, images, keys["images"], "application/zip")
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        job = await jobs.enqueue(
            tx,
            KIND,
            organization=organization,
            key=str(number),
            subject=f"COCO import into {datasets.labelled(row).name}",
            payload={"version": str(version), "actor": caller.actor, **keys},
        )
    return JobAccepted(job=job)


@router.get("/{version}/exports/coco", response_class=StreamingResponse)
async def export_coco(version: UUID, parts: Parts, caller: Reader) -> StreamingResponse:
    """The annotations of a version as COCO JSON."""
    manifest = await _manifest(parts, caller.organization, version)
    return StreamingResponse(
        _pieces(write_coco(manifest.header, manifest.assets)),
        media_type="application/json",
        headers={
            "ETag": f'"{manifest.header.digest}"',
            "Content-Disposition": f'attachment; filename="coco-{version}.json"',
        },
    )


async def _manifest(parts: Feedback, organization: UUID, version: UUID) -> Manifest:
    try:
        return await settled_manifest(parts, organization, version)
    except VersionUnknown as unknown:
        raise not_found(f"dataset version {version}") from unknown
    except NotSettled as changing:
        raise unavailable(str(changing)) from changing


def _pieces(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that are worth sending."""
    held = bytearray()
    for piece in parts:
        held += piece
        if len(held) >= _PIECE:
            yield bytes(held)
            held.clear()
    yield bytes(held)
