"""Importing annotations and a zip of pictures: all of it, or nothing."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import IO
from uuid import UUID

from libs.schemas.ids import derived
from libs.schemas.manifest import annotation_hash
from libs.schemas.values import Picture, TaskType
from libs.store.jobs import JobFailed
from libs.store.session import Cause
from libs.store.workers import JobCancelled, JobRun
from libs.vision.images import ImageInfo, ImageRefused, inspect
from services.feedback.actions.settling import settle
from services.feedback.core.coco import Coco, CocoImage, CocoInvalid, read_coco
from services.feedback.core.formats import READERS, ArchiveFormat
from services.feedback.errors import ArchiveRefused, VersionFrozen
from services.feedback.parts import Feedback
from services.feedback.store import assets, datasets
from services.feedback.store.assets import NewAsset
from services.feedback.workers import pictures
from services.feedback.workers.archive import Archive

KIND = "coco-import"
ARCHIVE_KIND = "archive-import"
Reading = Callable[[Archive, TaskType, Sequence[str]], Coco]
# Clocks of two processes may differ by this much.
_SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A picture that is what it should be."""

    image: CocoImage
    asset: NewAsset


async def import_coco(parts: Feedback, run: JobRun) -> None:
    """The job of COCO annotations and a zip of pictures."""
    payload = run.job.payload
    keys = (str(payload["annotations"]), str(payload["images"]))
    document = await parts.blobs.get(keys[0])

    def read(_: Archive, task: TaskType, labels: Sequence[str]) -> Coco:
        return read_coco(document, task, labels)

    await _attempt(parts, run, keys, images=keys[1], read=read)


async def import_archive(parts: Feedback, run: JobRun) -> None:
    """The job of a zip that holds both, as YOLO or Pascal VOC lays them out."""
    payload = run.job.payload
    reader = READERS[ArchiveFormat(payload["format"])]
    key = str(payload["images"])

    def read(archive: Archive, task: TaskType, labels: Sequence[str]) -> Coco:
        def size(name: str) -> tuple[int, int]:
            run.check()
            info = _inspected(parts, name, archive)[1]
            return info.width, info.height

        limit = parts.settings.annotations_limit
        return reader(
            archive.names, lambda name: archive.read(name, limit=limit), size,
            task=task, labels=labels,
        )  # fmt: skip

    await _attempt(parts, run, (key,), images=key, read=read)


async def _attempt(
    parts: Feedback, run: JobRun, keys: Sequence[str], *, images: str, read: Reading
) -> None:
    """What was uploaded is deleted whatever comes of it, unless it is tried again."""
    try:
        await _import(parts, run, images=images, read=read)
    except (ArchiveRefused, CocoInvalid, ImageRefused, VersionFrozen) as refused:
        await _delete(parts, keys)
        raise JobFailed(str(refused)) from refused
    except (JobFailed, JobCancelled):
        await _delete(parts, keys)
        raise
    await _delete(parts, keys)


async def _import(parts: Feedback, run: JobRun, *, images: str, read: Reading) -> None:
    organization, version = run.job.organization, UUID(run.job.payload["version"])
    begun = parts.clock.now() - _SKEW
    async with parts.database.read() as session:
        row = await datasets.find_version(session, organization, version)
    labels = list(row["labels"])
    async with _opened(parts, images) as archive:
        coco = await asyncio.to_thread(read, archive, TaskType(row["type"]), labels)
        checked = await _check(parts, run, coco, archive)
        await _store(parts, run, checked, archive)
        async with parts.database.begin(Cause(actor=run.job.payload["actor"])) as tx:
            await assets.keep_pictures(tx, organization)
            if await assets.erased_since(tx, organization, begun):
                # An erasure may have taken one of ours before there was an asset to hold it.
                await _store(parts, run, checked, archive)
            row = await datasets.open_version(tx, organization, version)
            if list(row["labels"]) != labels:
                raise JobFailed("another import named the version's labels: import again")
            if not labels:
                await datasets.name_labels(tx, organization, version, list(coco.labels))
            await assets.put_assets(tx, organization, version, [one.asset for one in checked])
            await datasets.touch(tx, organization, version)
    await settle(parts, organization, version)
    await run.progress(2 * len(checked), 2 * len(checked), f"{len(checked)} images imported")


async def _check(parts: Feedback, run: JobRun, coco: Coco, archive: Archive) -> list[_Checked]:
    """Every picture once, none stored: a bad one must leave nothing behind."""
    by_hash: dict[str, _Checked] = {}
    total = 2 * len(coco.images)
    for done, image in enumerate(coco.images):
        await run.progress(done, total, f"checking {image.file_name}")
        found = await asyncio.to_thread(_checked, parts, run.job.organization, image, archive)
        sha256 = found.asset.picture.sha256
        twin = by_hash.setdefault(sha256, found)
        if annotation_hash(twin.image.annotation) != annotation_hash(image.annotation):
            raise JobFailed(
                f"{image.file_name} and {twin.image.file_name} are the same picture "
                "with different annotations"
            )
    return list(by_hash.values())


def _inspected(parts: Feedback, name: str, archive: Archive) -> tuple[bytes, ImageInfo]:
    """A picture's bytes, and what it is. Raises ArchiveRefused."""
    data = archive.read(name, limit=parts.settings.picture_limit)
    try:
        return data, inspect(data, max_pixels=parts.settings.pixel_limit)
    except ImageRefused as error:
        raise ArchiveRefused(f"{name}: {error}") from error


def _checked(parts: Feedback, organization: UUID, image: CocoImage, archive: Archive) -> _Checked:
    data, info = _inspected(parts, image.file_name, archive)
    said = (image.width or info.width, image.height or info.height)
    if said != (info.width, info.height):
        raise ArchiveRefused(
            f"{image.where}: {image.file_name} is {info.width} × {info.height} pixels, "
            f"not {said[0]} × {said[1]}"
        )
    sha256 = hashlib.sha256(data).hexdigest()
    picture = Picture(key="", sha256=sha256, size=len(data), content_type=str(info.format))
    asset = NewAsset(
        data=derived("data", organization, sha256),
        filename=image.file_name,
        picture=pictures.own(organization, picture),
        width=info.width,
        height=info.height,
        annotation=image.annotation,
    )
    return _Checked(image, asset)


async def _store(
    parts: Feedback, run: JobRun, checked: Sequence[_Checked], archive: Archive
) -> None:
    for done, one in enumerate(checked):
        await run.progress(
            len(checked) + done, 2 * len(checked) + 1, f"storing {one.image.file_name}"
        )
        picture = one.asset.picture
        if await parts.blobs.stat(picture.key) is None:
            limit = parts.settings.picture_limit
            data = await asyncio.to_thread(archive.read, one.image.file_name, limit=limit)
            await parts.blobs.put(picture.key, data, content_type=picture.content_type)


@asynccontextmanager
async def _opened(parts: Feedback, key: str) -> AsyncIterator[Archive]:
    settings = parts.settings
    with tempfile.TemporaryFile() as file:
        async for piece in parts.blobs.stream(key):
            await asyncio.to_thread(file.write, piece)
        yield await asyncio.to_thread(
            _open, file, files=settings.import_files, total=settings.import_limit
        )


def _open(file: IO[bytes], *, files: int, total: int) -> Archive:
    return Archive(file, files=files, total=total)


async def _delete(parts: Feedback, keys: Sequence[str]) -> None:
    for key in keys:
        await parts.blobs.delete(key)
