"""What scoring a picture found, kept so that it can be subtracted from the rollups again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.metrics.core import rollup
from services.metrics.core.rollup import Bucket

Floats = NDArray[np.float32]

TONES = ("brightness", "contrast", "sharpness")


@dataclass(frozen=True)
class Scored:
    """A scored picture: outlier score in [0, 1], whether it rings, its drift features (F,).

    `tones`: brightness, contrast, sharpness, as among the features.
    """

    outlier: float
    alarm: bool
    features: Floats
    tones: tuple[float, float, float]

    @classmethod
    def of_row(cls, row: Mapping[Any, Any]) -> "Scored | None":
        """From a prediction's row; None where it was not scored."""
        if row["features"] is None:
            return None
        packed = np.frombuffer(row["features"], dtype="<f4")
        brightness, contrast, sharpness = packed[:3].tolist()
        tones = brightness, contrast, sharpness
        return cls(row["outlier"], row["alarm"], packed[3:], tones)

    def packed(self) -> bytes:
        """Tones, then features, as float32."""
        return np.concatenate([np.array(self.tones), self.features]).astype("<f4").tobytes()

    def bucket(self) -> Bucket:
        """What this picture adds to a bucket; the same to the last bit whenever it is made."""
        brightness, contrast, sharpness = np.array(self.tones, dtype=np.float32)
        return rollup.scored(
            outliers=[self.outlier],
            alarms=[self.alarm],
            brightness=[brightness],
            contrast=[contrast],
            sharpness=[sharpness],
        )
