"""Pictures that feedback keeps: under its own prefix, the same bytes once per organisation."""

import asyncio
import hashlib
from uuid import UUID

import msgspec

from libs.blobs.blobs import BlobNotFound, Blobs
from libs.blobs.keys import content_key
from libs.schemas.values import Picture
from services.feedback.errors import PictureGone

_SUFFIX = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}


def own(organization: UUID, picture: Picture) -> Picture:
    """The picture as feedback keeps it."""
    suffix = _SUFFIX.get(picture.content_type, "")
    key = content_key(f"feedback/{organization}/pictures", picture.sha256, suffix)
    return msgspec.structs.replace(picture, key=key)


async def copy(blobs: Blobs, organization: UUID, picture: Picture) -> Picture:
    """Copy a picture of another service, where it has not been copied; returns ours.

    Raises:
        PictureGone: its bytes are not there any more, or are others.
    """
    ours = own(organization, picture)
    if await blobs.stat(ours.key) is not None:
        return ours
    try:
        data = await blobs.get(picture.key)
    except BlobNotFound as error:
        raise PictureGone("its picture is not kept any more") from error
    if await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest()) != picture.sha256:
        raise PictureGone("the bytes of its picture have changed")
    await blobs.put(ours.key, data, content_type=picture.content_type)
    return ours
