"""Making versions of what there is: copies by a query, images of the Datalake, freezing."""

from uuid import UUID, uuid4

import msgspec
from fastapi import APIRouter, Request

from libs.api.queries import read_query
from libs.schemas.values import TaskType
from libs.store import jobs
from libs.store.session import Cause
from services.feedback.actions.answering import answered
from services.feedback.actions.lake import found_by, images_of
from services.feedback.api.asked import Parts, Writer
from services.feedback.core import asking
from services.feedback.dto import (
    AdditionBody,
    CopyAccepted,
    JobAccepted,
    NewCopy,
    VersionDto,
    version_dto,
)
from services.feedback.errors import VersionFrozen
from services.feedback.store import datasets
from services.feedback.workers import additions, copies

router = APIRouter(prefix="/api/feedback/v1/versions", tags=["feedback"])


@router.post("/{version}/copies", status_code=202)
async def copy_version(version: UUID, parts: Parts, caller: Writer, body: NewCopy) -> CopyAccepted:
    """Make a new version of the same dataset from the assets that a query finds; a job fills it."""
    organization = caller.organization
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            base = await datasets.find_version(tx, organization, version)
            read_query(body.q, asking.fields(base["labels"]))
            made = await datasets.add_version(
                tx,
                organization,
                base["dataset"],
                version=body.version,
                type=TaskType(base["type"]),
                labels=list(base["labels"]),
                base=version,
                query=body.q,
            )
            job = await jobs.enqueue(
                tx,
                copies.KIND,
                organization=organization,
                key=str(made["id"]),
                subject=f"{datasets.labelled(base).name} into {datasets.labelled(made).name}",
                payload={
                    "base": str(version),
                    "version": str(made["id"]),
                    "q": body.q,
                    "actor": caller.actor,
                },
            )
    return CopyAccepted(version=version_dto(made), job=job)


@router.post("/{version}/additions", status_code=202)
async def add_images(
    version: UUID, request: Request, parts: Parts, caller: Writer, body: AdditionBody
) -> JobAccepted:
    """Add images of the Datalake, by ids or by a query over it (10,000 at most); a job copies
    their pictures. Those that are there keep their annotations."""
    organization = caller.organization
    with answered():
        async with parts.database.read() as read:
            row = await datasets.find_version(read, organization, version)
        if row["frozen"] is not None:
            raise VersionFrozen(datasets.labelled(row).name)
    ids = body.images
    if ids is None:
        ids = await found_by(parts, request, body.q or "")
    images = await images_of(parts, request, organization, ids)
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        job = await jobs.enqueue(
            tx,
            additions.KIND,
            organization=organization,
            key=str(uuid4()),
            subject=f"{len(images)} images into {datasets.labelled(row).name}",
            payload={
                "version": str(version),
                "actor": caller.actor,
                "images": msgspec.to_builtins(images),
            },
        )
    return JobAccepted(job=job)


@router.post("/{version}/freeze")
async def freeze_version(version: UUID, parts: Parts, caller: Writer) -> VersionDto:
    """Let a version change no more, for good; it can be copied. Erasures still reach it."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            return version_dto(await datasets.freeze(tx, caller.organization, version))
