"""How unlike the training images an image is, without labels and without downloaded weights.

`embed` an image (576 values), `fit` a `Reference` on the training images' embeddings, and score
others against it: a robustly scaled Mahalanobis distance made a conformal score in [0, 1].
"""

from services.metrics.core.outlier.embedding import EMBEDDING_SIZE, Tone, embed, tone
from services.metrics.core.outlier.reference import (
    ALARM,
    LEADING,
    NotAReference,
    Outlier,
    Reference,
    TooFewImages,
    held_out_images,
    ledoit_wolf,
)

__all__ = [
    "ALARM",
    "EMBEDDING_SIZE",
    "LEADING",
    "NotAReference",
    "Outlier",
    "Reference",
    "Tone",
    "TooFewImages",
    "embed",
    "held_out_images",
    "ledoit_wolf",
    "tone",
]
