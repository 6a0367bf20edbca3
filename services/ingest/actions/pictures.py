"""Keeping a picture: looked at, then put where everybody may read it."""

import asyncio
import hashlib
from uuid import UUID

import msgspec

from libs.schemas.values import Logged, Picture
from libs.vision.images import ImageRefused, inspect
from services.ingest.actions.checking import Checked
from services.ingest.errors import PredictionRejected
from services.ingest.parts import Ingest

_SUFFIX = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


async def keep_picture(parts: Ingest, organization: UUID, checked: Checked) -> Logged:
    """Put the picture into the blob store; returns the prediction with its place.

    Raises:
        PredictionRejected: the picture is not what it says, truncated, a bomb, too large, or
            too many pictures are in hand (status 503).
        BlobsUnavailable: the blob store is away; nothing is stored.
    """
    data = checked.picture
    if data is None:
        return checked.logged
    if len(data) > parts.settings.picture_limit:
        limit = parts.settings.picture_limit
        raise PredictionRejected(
            "picture-too-large", f"the picture is larger than {limit} bytes", status=413
        )
    if parts.pictures.locked():
        raise PredictionRejected("busy", "too many pictures are in hand; try again", status=503)
    async with parts.pictures:
        try:
            content_type, sha256 = await asyncio.to_thread(
                _look, data, checked.logged.content_type, max_pixels=parts.settings.pixel_limit
            )
        except ImageRefused as error:
            raise PredictionRejected(
                "bad-picture", str(error), errors=[("image", str(error))]
            ) from error
        key = picture_key(organization, sha256, content_type)
        await parts.blobs.put(key, data, content_type=content_type)
    picture = Picture(key=key, sha256=sha256, size=len(data), content_type=content_type)
    return msgspec.structs.replace(
        checked.logged, picture=picture, content_type=picture.content_type
    )


def _look(data: bytes, declared: str, *, max_pixels: int) -> tuple[str, str]:
    """The content type and the hash of a picture. Raises ImageRefused."""
    info = inspect(data, declared, max_pixels=max_pixels)
    return str(info.format), hashlib.sha256(data).hexdigest()


def picture_key(organization: UUID, sha256: str, content_type: str) -> str:
    """Where a picture lies: the same bytes lie once in an organisation."""
    suffix = _SUFFIX[content_type]
    return f"ingest/{organization}/pictures/{sha256[:2]}/{sha256}.{suffix}"


def thumbnails_of(organization: UUID) -> str:
    """Where the thumbnails of an organisation lie."""
    return f"ingest/{organization}/thumbnails"
