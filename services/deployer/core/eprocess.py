"""The e-process that may be read after every review, and its confidence band.

For values x_i ≥ 0 and a mean m > 0

    K_t(m) = Σ_g v_g Π_{i≤t} (1 − g + g·x_i/m)

over twelve fixed bets g. As 1 + y ≤ e^y, K is bounded by a supermartingale whenever the running
mean of the conditional expectations of x is at most m, whatever drifts (Mineiro, arXiv
2210.11133); by Ville's inequality P(∃t: K_t ≥ 1/α) ≤ α. Everything is computed in logs.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BETS: Floats = np.geomspace(0.01, 0.95, 12)
_LOG_WEIGHTS: Floats = np.log(np.sqrt(BETS) / np.sqrt(BETS).sum())
_HALVINGS = 18


def log_k(x: Floats, m: float) -> float:
    """log K_t(m) of all values (n,); 0 for none."""
    if len(x) == 0:
        return 0.0
    sums = np.log1p(BETS[:, None] * (x / m - 1.0)).sum(axis=1)
    return _log_sum(sums)


def log_k_path(x: Floats, m: float) -> Floats:
    """log K_i(m) after each value: (n,)."""
    sums = np.cumsum(np.log1p(BETS[:, None] * (x / m - 1.0)), axis=1) + _LOG_WEIGHTS[:, None]
    top = sums.max(axis=0)
    path: Floats = top + np.log(np.exp(sums - top).sum(axis=0))
    return path


def e_value(log_value: float) -> float:
    """The e-value itself, kept below what a float and JSON can hold."""
    return math.exp(min(log_value, 690.0))


def better(s: Floats, bound: float) -> float:
    """log E against "the mean of s so far is at most 0"; s in [−bound, bound]."""
    return log_k(bound + s, bound)


def not_worse(s: Floats, bound: float, delta: float) -> float:
    """log E against "the mean of s so far is at most −δ"."""
    return log_k(bound + s, bound - delta)


def worse(s: Floats, bound: float) -> float:
    """log E against "the mean of s so far is at least 0"."""
    return log_k(bound - s, bound)


def band(s: Floats, bound: float, alpha: float) -> tuple[float, float]:
    """Both ends, in [−1, 1], of the 1 − α band of the running mean of s.

    It covers the running mean at every time at once; a running mean moves, so bands of different
    times are never intersected.
    """
    return lower_end(s, bound, alpha / 2), -lower_end(-s, bound, alpha / 2)


def lower_end(s: Floats, bound: float, alpha: float) -> float:
    """The largest mean that K rejects at α, found by bisection as K falls in m; at least −1."""
    limit = math.log(1 / alpha)
    x = bound + s
    low, high = max(bound - 1.0, 1e-9), bound + 1.0
    if log_k(x, low) < limit:
        return -1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if log_k(x, middle) >= limit:
            low = middle
        else:
            high = middle
    return low - bound


def _log_sum(sums: Floats) -> float:
    terms = sums + _LOG_WEIGHTS
    top = float(terms.max())
    return top + math.log(float(np.exp(terms - top).sum()))
