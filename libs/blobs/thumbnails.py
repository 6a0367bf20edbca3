"""Small pictures: made when first asked for, off the event loop, and kept as blobs."""

import asyncio
from bisect import bisect_left

from libs.blobs.blobs import BlobNotFound, Blobs
from libs.vision.images import MAX_PIXELS, thumbnail

SIZES = (32, 64, 160, 320, 640, 1280, 2048)
"""The longer sides that there are: what lies between is answered with the next larger one."""

CONTENT_TYPE = "image/webp"


class Thumbnails:
    """Thumbnails under `<prefix>/<SHA-256 of the picture>/<size>.webp`.

    At most `at_once` are decoded at a time: one of 100 million pixels takes 300 MB. Others wait.
    """

    def __init__(self, blobs: Blobs, *, at_once: int, max_pixels: int = MAX_PIXELS) -> None:
        self._blobs = blobs
        self._max_pixels = max_pixels
        self._turn = asyncio.Semaphore(at_once)

    async def get(self, prefix: str, *, picture: str, sha256: str, size: int) -> bytes:
        """A WebP whose longer side is the next of SIZES, or the picture's own where it is less.

        `picture`: the picture's key. Raises BlobNotFound; ImageRefused: it cannot be decoded.
        """
        side = SIZES[min(bisect_left(SIZES, size), len(SIZES) - 1)]
        key = f"{prefix}/{sha256}/{side}.webp"
        try:
            return await self._blobs.get(key)
        except BlobNotFound:
            pass
        async with self._turn:
            whole = await self._blobs.get(picture)
            small = await asyncio.to_thread(thumbnail, whole, side, max_pixels=self._max_pixels)
        await self._blobs.put(key, small, content_type=CONTENT_TYPE)
        return small

    async def forget(self, prefix: str, *, sha256: str) -> None:
        """Delete the thumbnails of a picture."""
        held = await self._blobs.list(f"{prefix}/{sha256}/")
        for one in held.entries:
            await self._blobs.delete(one.key)
