"""Histograms on a logarithmic scale: any quantile to one per cent, and they add and subtract.

Bin i ≥ 1 holds `γ^(i−1) < x/unit ≤ γ^i` and is read as `2γ^i/(γ + 1)`, at most
`(γ − 1)/(γ + 1)` of the true value away (Masson, Rim & Lee, DDSketch, 2019). Bin 0 holds what is
at most one unit.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

GAMMA = 1.02
RELATIVE_ERROR = (GAMMA - 1) / (GAMMA + 1)
UNIT = 1e-6

_LOG_GAMMA = np.log(GAMMA)


def bins(values: ArrayLike) -> NDArray[np.int64]:
    """The bin of each value; unit: a microsecond where values are seconds."""
    scaled = np.maximum(np.asarray(values, dtype=np.float64) / UNIT, 1.0)
    # the tolerance keeps a value that lies on a bin's upper end in that bin
    found: NDArray[np.int64] = np.ceil(np.log(scaled) / _LOG_GAMMA - 1e-9).astype(np.int64)
    return found


def values(index: ArrayLike) -> NDArray[np.float64]:
    """The value that stands for each bin; 0 for bin 0."""
    i = np.asarray(index, dtype=np.int64)
    return np.where(i == 0, 0.0, UNIT * 2 * GAMMA ** i.astype(np.float64) / (GAMMA + 1))


def quantiles(index: ArrayLike, counts: ArrayLike, q: ArrayLike) -> NDArray[np.float64]:
    """Lower empirical quantiles: of rank `⌊q(N − 1)⌋`. NaN where the histogram is empty.

    `index` ascends. Each is within `RELATIVE_ERROR` of the value of that rank (and within one
    unit of those below a unit).
    """
    cumulative = np.cumsum(np.asarray(counts, dtype=np.int64))
    wanted = np.atleast_1d(np.asarray(q, dtype=np.float64))
    if len(cumulative) == 0 or cumulative[-1] <= 0:
        return np.full(len(wanted), np.nan)
    rank = np.floor(wanted * (cumulative[-1] - 1)).astype(np.int64)
    return values(np.asarray(index)[np.searchsorted(cumulative, rank, side="right")])
