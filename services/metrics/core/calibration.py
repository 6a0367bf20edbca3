"""The drift alarm's threshold, so that a whole horizon of looks rings falsely 5 % of the time.

A test at α that is repeated at every image rings falsely in more than four streams of five. So
streams are simulated under "nothing changed" with the very looks that are made live, and the
threshold is a quantile of their maxima. It runs for seconds to minutes: a job, never the loop.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from services.metrics.core.ks import (
    MAX_REFERENCE,
    Codes,
    ReferenceOfWrongSize,
    distance_numerators,
)

LOOKS_PER_WINDOW = 20

Ranks = NDArray[np.int64]


def look_every(window: int) -> int:
    """Images between two looks, live and in calibration: a twentieth of the window."""
    return max(1, window // LOOKS_PER_WINDOW)


def normalised(d: ArrayLike, *, n: int, m: int) -> float:
    """The statistic that is compared with a threshold: `max D·√(nm/(n + m))` over features."""
    return float(np.max(np.asarray(d, dtype=np.float64))) * float(np.sqrt(n * m / (n + m)))


def calibrate(
    reference: ArrayLike,
    *,
    window: int,
    block: int = 1,
    streams: int = 999,
    windows: int = 50,
    alpha: float = 0.05,
    seed: int = 0,
) -> "Calibration":
    """Simulate `streams` streams of `windows` windows drawn from the reference (n, F).

    Whole images are drawn with replacement, in runs of `block` neighbours (three bursts; 1 where
    images are independent), and each stream is compared with a reference drawn likewise: against
    the same reference the threshold ignores that the reference is itself a sample. The threshold
    is the `⌈(1 − α)(streams + 1)⌉`-th smallest maximum (950th of 999) over features and looks.
    """
    values = np.asarray(reference, dtype=np.float64)
    if values.ndim != 2 or not 0 < len(values) <= MAX_REFERENCE:
        raise ReferenceOfWrongSize(values.shape)
    n = len(values)
    if not 1 <= block <= n or window < 1:
        raise WindowOrBlockImpossible(window=window, block=block, n=n)
    dense = _dense_ranks(values)
    rng = np.random.default_rng(seed)
    maxima = np.empty(streams)
    for s in range(streams):
        drawn = _draw(rng, n, length=n, block=block)
        live = _draw(rng, n, length=window * windows, block=block)
        codes = _codes(dense, drawn, live)
        maxima[s] = _largest(codes, n=n, window=window) / (n * window)
    maxima *= np.sqrt(n * window / (n + window))
    maxima.sort()
    position = int(np.ceil((1 - alpha) * (streams + 1) - 1e-9))
    return Calibration(
        threshold=float(maxima[min(position, streams) - 1]),
        window=window,
        block=block,
        maxima=maxima,
    )


def _dense_ranks(values: NDArray[np.float64]) -> Ranks:
    """Which distinct value of its feature each is, from 0: (F, n)."""
    ranks = [np.unique(column, return_inverse=True)[1] for column in values.T]
    return np.asarray(ranks, dtype=np.int64).reshape(values.shape[1], len(values))


def _draw(rng: np.random.Generator, n: int, *, length: int, block: int) -> Ranks:
    """Indices of `length` images, in runs of `block` neighbours that begin anywhere."""
    starts = rng.integers(0, n - block + 1, -(-length // block))
    indices: Ranks = (starts[:, None] + np.arange(block)).ravel()[:length]
    return indices


def _codes(dense: Ranks, drawn: Ranks, live: Ranks) -> Codes:
    """Rank codes (F, len(live)) of the live images among the drawn reference.

    Both are drawn from the same n images, so a table from distinct value to ranks replaces the
    bisection.
    """
    features, n = dense.shape
    offset = np.arange(features)[:, None] * n
    counts = np.bincount((dense[:, drawn] + offset).ravel(), minlength=features * n)
    upper = counts.reshape(features, n).cumsum(axis=1)
    lower = upper - counts.reshape(features, n)
    table = (upper << 16 | lower).astype(np.uint32)
    codes: Codes = np.take_along_axis(table, dense[:, live], axis=1)
    return codes


def _largest(codes: Codes, *, n: int, window: int) -> int:
    """`n·m·D`, the largest over all features (rows of `codes`) and looks of one stream."""
    largest = 0
    for feature in codes:
        looks = np.lib.stride_tricks.sliding_window_view(feature, window)[:: look_every(window)]
        numerators = distance_numerators(np.sort(looks, axis=-1), n=n)
        largest = max(largest, int(numerators.max()))
    return largest


@dataclass(frozen=True)
class Calibration:
    """The alarm rings where `normalised` exceeds `threshold`; `maxima` are the sorted nulls."""

    threshold: float
    window: int
    block: int
    maxima: NDArray[np.float64]


class WindowOrBlockImpossible(ValueError):
    """A window of no image, or a block longer than the reference."""

    def __init__(self, *, window: int, block: int, n: int) -> None:
        super().__init__(f"window {window} and block {block} do not fit a reference of {n} images")
