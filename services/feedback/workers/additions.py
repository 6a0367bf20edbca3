"""Images of the Datalake become assets of a version: their pictures are copied."""

from typing import Any
from uuid import UUID

import msgspec

from libs.schemas.values import Picture
from libs.store.jobs import JobFailed
from libs.store.session import Cause, Tx
from libs.store.workers import JobRun
from services.feedback.core.images import Image
from services.feedback.errors import PictureGone, VersionFrozen, VersionUnknown
from services.feedback.parts import Feedback
from services.feedback.store import annotating, assets, datasets
from services.feedback.store.annotating import Wanted
from services.feedback.store.assets import NewAsset
from services.feedback.tables import tags
from services.feedback.workers import pictures

KIND = "addition"
_AT_ONCE = 200


async def add_images(parts: Feedback, run: JobRun) -> None:
    """The job. An image that is there keeps its annotation; one that is gone fails it."""
    payload: dict[str, Any] = dict(run.job.payload)
    organization, version = run.job.organization, UUID(payload["version"])
    images = msgspec.convert(payload["images"], list[Image])
    for first in range(0, len(images), _AT_ONCE):
        run.check()
        new = [await _asset(parts, organization, one) for one in images[first : first + _AT_ONCE]]
        async with parts.database.begin(Cause(actor=payload["actor"])) as tx:
            await assets.keep_pictures(tx, organization)
            try:
                await datasets.open_version(tx, organization, version)
            except (VersionUnknown, VersionFrozen) as error:
                raise JobFailed(str(error)) from error
            await assets.put_assets(tx, organization, version, new)
            await _tag(tx, organization, version, new, payload.get("tags", []))
            await datasets.touch(tx, organization, version)
        done = min(first + _AT_ONCE, len(images))
        await run.progress(done, len(images), f"{done} images added")


async def _tag(
    tx: Tx, organization: UUID, version: UUID, new: list[NewAsset], wanted: list[str]
) -> None:
    """Give the assets of these images tags; one that is gone meanwhile is left out."""
    found = [await tags.find(tx, organization, UUID(one)) for one in wanted]
    if not any(found):
        return
    of = Wanted(data=[one.data for one in new])
    rows = await annotating.find_assets(tx, organization, version, of, offset=0, limit=len(new))
    for tag in found:
        if tag is not None:
            await tags.attach(tx, organization, tag, [row["id"] for row in rows])


async def _asset(parts: Feedback, organization: UUID, image: Image) -> NewAsset:
    held = await parts.blobs.stat(image.picture)
    picture = Picture(
        key=image.picture,
        sha256=image.sha256,
        size=held.size if held is not None else 0,
        content_type=image.content_type,
    )
    try:
        kept = await pictures.copy(parts.blobs, organization, picture)
    except PictureGone as error:
        raise JobFailed(f"{image.filename}: {error}") from error
    return NewAsset(
        data=image.data,
        filename=image.filename,
        picture=kept,
        width=image.width,
        height=image.height,
        annotation=None,
    )
