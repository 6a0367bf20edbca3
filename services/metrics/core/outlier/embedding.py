"""An image as 576 numbers: 128 classical descriptors, then 448 of the random-filter net.

A user's own backbone takes the net's place, with as many values as it has.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.metrics.core.outlier import descriptors, network

EMBEDDING_SIZE = descriptors.COUNT + network.COUNT


def embed(
    rgb: NDArray[np.uint8], *, backbone: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Embedding (576,) of an image uint8 (H, W, 3); (128 + F,) with a `backbone`'s values (F,)."""
    side = (descriptors.SIZE, descriptors.SIZE)
    image = Image.fromarray(rgb)
    small = np.asarray(image.resize(side, Image.Resampling.BILINEAR, reducing_gap=2.0))
    learnt = network.features(small) if backbone is None else backbone
    return np.concatenate([descriptors.describe(small, rgb), learnt])


def tone(embedding: NDArray[np.float32]) -> "Tone":
    """Brightness, contrast and sharpness, read off the descriptors of an embedding."""
    mean, sd = embedding[22:25], embedding[25:28]
    return Tone(
        brightness=float(mean.mean()), contrast=float(sd.mean()), sharpness=float(embedding[43])
    )


@dataclass(frozen=True)
class Tone:
    """Mean level and mean deviation of the channels in [0, 1]; log variance of the Laplacian."""

    brightness: float
    contrast: float
    sharpness: float
