"""Pictures from the blob store as embeddings, a few at a time, off the loop."""

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from libs.blobs.blobs import BadKey, BlobNotFound
from libs.vision.images import ImageRefused, decode_rgb
from services.metrics.parts import Metrics

Embedding = NDArray[np.float32]


async def embed_pictures(parts: Metrics, keys: Sequence[str]) -> list[Embedding | None]:
    """Embeddings (576,) in order; None for a picture that is gone or cannot be read.

    At most `pictures_at_once` pictures are in memory.
    """
    found: list[Embedding | None] = []
    at_once = parts.settings.pictures_at_once
    for start in range(0, len(keys), at_once):
        pictures = await asyncio.gather(
            *(_read(parts, key) for key in keys[start : start + at_once])
        )
        found += await asyncio.to_thread(_embed_all, pictures)
    return found


async def _read(parts: Metrics, key: str) -> bytes | None:
    try:
        return await parts.blobs.get(key)
    except (BlobNotFound, BadKey):
        return None


def _embed_all(pictures: Sequence[bytes | None]) -> list[Embedding | None]:
    return [_embed(data) for data in pictures]


def _embed(data: bytes | None) -> Embedding | None:
    from services.metrics.core.outlier import embed  # noqa: PLC0415  # ONNX Runtime at first use

    if data is None:
        return None
    try:
        return embed(decode_rgb(data))
    except ImageRefused:
        return None
