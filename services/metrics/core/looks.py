"""Looks at the live window: how far it is from the reference, feature by feature."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from services.metrics.core import ks
from services.metrics.core.basis import Basis
from services.metrics.core.calibration import look_every, normalised

Floats = NDArray[np.float64]
_TONES = 3


@dataclass(frozen=True)
class Look:
    """The window that ends with the image of `time`: D and p of each feature (F,)."""

    time: datetime
    d: Floats
    p: Floats
    alarm: bool


def live_values(features: Sequence[bytes]) -> Floats:
    """Drift features (B, F) of images as their rows keep them: `Scored.packed`."""
    rows = [np.frombuffer(packed, dtype="<f4")[_TONES:] for packed in features]
    return np.array(rows, dtype=np.float64)


def taken(
    basis: Basis,
    times: Sequence[datetime],
    features: Sequence[bytes],
    *,
    after: datetime | None,
) -> list[Look]:
    """The looks due among scored images, oldest first: one every twentieth of a window.

    `after`: time of the last look; images up to it are only the past of the window.
    """
    m, step = basis.window, look_every(basis.window)
    new = 0 if after is None else bisect_right(times, after)
    ends = [end for end in range(new + step, len(times) + 1, step) if end >= m]
    if after is None and len(times) >= m:
        ends = list(range(m, len(times) + 1, step))
    if not ends:
        return []
    n = len(basis.sample)
    codes = ks.rank_codes(basis.ordered, live_values(features))
    windows = np.stack([codes[end - m : end].T for end in ends])
    d = ks.statistics(windows, n=n)
    p = ks.p_values(d, n=n, m=m)
    return [
        Look(times[end - 1], d[i], p[i], normalised(d[i], n=n, m=m) > basis.threshold)
        for i, end in enumerate(ends)
    ]
