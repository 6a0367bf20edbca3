"""What live images are compared with: the fitted reference, and the sample that drift looks at.

Drift is measured against the images that the fit has not seen: those it has seen lie nearer to
its centre than any new image does, and every feature would ring. Of annotations there are no
scores, so the model's scores are no feature.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.metrics.core import ks
from services.metrics.core.calibration import calibrate
from services.metrics.core.outlier import LEADING, Reference, held_out_images, tone
from services.metrics.core.scored import Scored

COMPONENTS = 16
IMAGE_FEATURES = (
    *(f"component {i}" for i in range(1, COMPONENTS + 1)),
    "outlier", "brightness", "contrast", "sharpness",
)  # fmt: skip
BOX_FEATURES = ("box count", "box area")

Floats = NDArray[np.float64]
Embedding = NDArray[np.float32]


@dataclass(frozen=True)
class BoxFacts:
    """Boxes of one image: how many, and the median share of the image they cover (NaN: none)."""

    count: int
    area: float

    @classmethod
    def of(cls, areas: Sequence[float], *, image: float) -> "BoxFacts":
        """From areas of boxes and of their image, square pixels."""
        return cls(len(areas), float(np.median(areas)) / image if areas else float("nan"))


@dataclass(frozen=True)
class Basis:
    """A reference, ready to score with.

    `names` (F): the drift features. `sample` (n, F): their values on held-out images. `window`:
    live images in a look; `threshold`: the alarm rings where `max D·√(nm/(n + m))` exceeds it.
    """

    reference: Reference
    names: tuple[str, ...]
    sample: Floats
    window: int
    threshold: float

    @classmethod
    def fit(
        cls,
        embeddings: NDArray[np.float32],
        *,
        blocks: Sequence[str],
        boxes: Sequence[BoxFacts] | None,
        window: int,
    ) -> "Basis":
        """From the embeddings (n, 576) of images in the order of their blocks; no threshold yet.

        `boxes` None: no annotations, so no features of boxes. Raises TooFewImages.
        """
        reference = Reference.fit(embeddings, blocks=list(blocks))
        held = np.flatnonzero(held_out_images(len(embeddings), list(blocks), seed=0))
        rows = [
            _features(reference, embeddings[i], boxes[i] if boxes is not None else None)
            for i in held.tolist()
        ]
        names = IMAGE_FEATURES if boxes is None else IMAGE_FEATURES + BOX_FEATURES
        return cls(
            reference=reference,
            names=names,
            sample=np.array(rows, dtype=np.float64),
            window=min(window, len(rows)),
            threshold=float("inf"),
        )

    def calibrated(self, *, block: int, streams: int) -> "Basis":
        """With its threshold: the ⌈.95(streams + 1)⌉-th smallest maximum of simulated streams.

        Seconds of numpy, which lets go of the interpreter: a thread, never the loop.
        """
        block = min(block, len(self.sample))
        found = calibrate(self.sample, window=self.window, block=block, streams=streams)
        return replace(self, threshold=found.threshold)

    @cached_property
    def ordered(self) -> Floats:
        """The sample sorted by feature (F, n)."""
        return ks.sorted_reference(self.sample)

    @property
    def distance(self) -> float:
        """The threshold as a distance D of one look."""
        n, m = len(self.sample), self.window
        return float(self.threshold / np.sqrt(n * m / (n + m)))

    def score(self, embedding: Embedding, boxes: BoxFacts) -> Scored:
        """Outlier score, alarm and drift features of a live image."""
        outlier = self.reference.outlier(embedding)
        found = tone(embedding)
        facts = boxes if len(self.names) > len(IMAGE_FEATURES) else None
        return Scored(
            outlier=outlier.score,
            alarm=outlier.alarm,
            features=_features(self.reference, embedding, facts).astype(np.float32),
            tones=(found.brightness, found.contrast, found.sharpness),
        )

    def short(self, embedding: Embedding) -> bytes:
        """The embedding's 64 leading components as half floats, for other services."""
        leading = self.reference.leading(embedding, components=LEADING)
        return np.clip(leading, -60_000, 60_000).astype("<f2").tobytes()

    def to_bytes(self) -> bytes:
        """An npz archive; no pickle."""
        out = io.BytesIO()
        np.savez(
            out,
            allow_pickle=False,
            reference=np.frombuffer(self.reference.to_bytes(), dtype=np.uint8),
            names=np.array(self.names),
            sample=self.sample,
            window=np.int64(self.window),
            threshold=np.float64(self.threshold),
        )
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Basis":
        """The basis that `to_bytes` wrote. Raises NotAReference."""
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return cls(
                reference=Reference.from_bytes(archive["reference"].tobytes()),
                names=tuple(str(name) for name in archive["names"]),
                sample=archive["sample"],
                window=int(archive["window"]),
                threshold=float(archive["threshold"]),
            )


def _features(reference: Reference, embedding: Embedding, boxes: BoxFacts | None) -> Floats:
    """In the order of `IMAGE_FEATURES`, then `BOX_FEATURES`; float32 as stored of live images."""
    found = tone(embedding)
    tones = [found.brightness, found.contrast, found.sharpness]
    values = [
        *reference.leading(embedding, components=COMPONENTS).tolist(),
        reference.score(embedding),
        *tones,
    ]
    if boxes is not None:
        values += [float(boxes.count), boxes.area]
    # Live values are kept as float32: compared unrounded, equal ones would not be equal.
    return np.array(values, dtype=np.float32).astype(np.float64)
