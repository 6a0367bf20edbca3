"""Pictures from the blob store as embeddings, a few at a time, off the loop."""

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from libs.blobs.blobs import BadKey, BlobNotFound
from libs.vision.images import ImageRefused, decode_rgb
from services.metrics.actions.embedder import Embedder
from services.metrics.parts import Metrics

Embedding = NDArray[np.float32]
Pixels = NDArray[np.uint8]


async def embed_pictures(
    parts: Metrics, keys: Sequence[str | None], *, backbone: Embedder | None = None
) -> list[Embedding | None]:
    """Embeddings in order; None for a picture that is gone or cannot be read.

    (576,) each, or (128 + F,) with a backbone. Where the backbone fails, the list ends with the
    picture that it failed at. At most `pictures_at_once` pictures are in memory.
    """
    found: list[Embedding | None] = []
    at_once = parts.settings.pictures_at_once
    for start in range(0, len(keys), at_once):
        pictures = await asyncio.gather(
            *(_read(parts, key) for key in keys[start : start + at_once])
        )
        if backbone is None:
            found += await asyncio.to_thread(_embed_all, pictures)
            continue
        for picture in pictures:
            found.append(await _embed_with(backbone, picture))
            if backbone.failed is not None:
                return found
    return found


async def _read(parts: Metrics, key: str | None) -> bytes | None:
    try:
        return None if key is None else await parts.blobs.get(key)
    except (BlobNotFound, BadKey):
        return None


def _embed_all(pictures: Sequence[bytes | None]) -> list[Embedding | None]:
    found = []
    for data in pictures:
        rgb = _decoded(data)
        found.append(None if rgb is None else _embed(rgb))
    return found


async def _embed_with(backbone: Embedder, data: bytes | None) -> Embedding | None:
    rgb = await asyncio.to_thread(_decoded, data)
    if rgb is None:
        return None
    values = await backbone.features(await asyncio.to_thread(backbone.size.resized, rgb))
    return None if values is None else await asyncio.to_thread(_embed, rgb, values)


def _decoded(data: bytes | None) -> Pixels | None:
    try:
        return None if data is None else decode_rgb(data)
    except ImageRefused:
        return None


def _embed(rgb: Pixels, values: Embedding | None = None) -> Embedding:
    from services.metrics.core.outlier import embed  # noqa: PLC0415  # ONNX Runtime at first use

    return embed(rgb, backbone=values)
