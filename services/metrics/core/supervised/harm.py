"""An alarm for harm, not for any drift: is the loss in production above what it was?

The e-process for "mean so far ≤ m" of numbers x ≥ 0 is `K_t(m) = Σ_g v_g Π_{i≤t} (1 − g + g·x_i/m)`
with twelve fixed bets g: as `1 + y ≤ e^y`, whatever drifts, `P(∃t: K_t ≥ 1/α) ≤ α` (Ville; Mineiro,
arXiv 2210.11133). As harm may come late, another starts every 100 reviews, and they are mixed with
weights `a_j = 1/((j + 1)(j + 2))` that sum to one, those to come counting 1 (after Podkopaev &
Ramdas, arXiv 2110.06177). The loss that is tolerated is the upper bound of the baseline's, and a
margin.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

BASELINE = 300
RESTART = 100
MARGIN = 0.02
ALPHA = 0.05

_BETS = np.geomspace(0.01, 0.95, 12)
_PRIOR = np.sqrt(_BETS) / np.sqrt(_BETS).sum()
_STEPS = 60


def evidence(x: ArrayLike, m: float) -> Floats:
    """`log K_t(m)` after each of x ≥ 0 (T,)."""
    growth = np.log1p(_BETS[:, None] * (np.asarray(x, dtype=np.float64) / m - 1.0))
    return _mixed(np.cumsum(growth, axis=1), _PRIOR[:, None])


def lower_bound(x: ArrayLike, *, alpha: float) -> float:
    """The lower end of the mean of x ≥ 0 at level 1 − α: where `K_t(m) = 1/α`; 0 without any."""
    values = np.asarray(x, dtype=np.float64)
    if not len(values) or not values.any():
        return 0.0
    low, high = 0.0, float(values.mean())
    for _ in range(_STEPS):
        m = (low + high) / 2
        if evidence(values, m)[-1] >= -np.log(alpha):
            low = m
        else:
            high = m
    return low


def restarted(x: ArrayLike, m: float) -> Floats:
    """`log Σ_j a_j K⁽ʲ⁾_t(m)` after each of x (T,); K⁽ʲ⁾ starts after 100·j of them."""
    values = np.asarray(x, dtype=np.float64)
    total = len(values)
    rows, weights = [], []
    for j in range(-(-total // RESTART)):
        row = np.zeros(total)
        row[j * RESTART :] = evidence(values[j * RESTART :], m)
        rows.append(row)
        weights.append(1 / ((j + 1) * (j + 2)))
    # What is yet to start counts 1; its weights sum to 1/(J + 1).
    rows.append(np.zeros(total))
    weights.append(1 / (len(weights) + 1))
    return _mixed(np.array(rows), np.array(weights)[:, None])


def watch(losses: ArrayLike) -> "Watch":
    """The alarm over the losses in [0, 1] of a version's drawn reviews, in the order of the draw.

    The first 300 are the baseline: images that were used neither to train nor to choose it.
    """
    values = np.asarray(losses, dtype=np.float64)
    before, since = values[:BASELINE], values[BASELINE:]
    if len(before) < BASELINE:
        return Watch(baseline=len(before), bound=None, evidence=np.zeros(0), rang=None)
    bound = 1.0 - lower_bound(1.0 - before, alpha=ALPHA / 2)
    # A loss that may be anything up to 1 cannot become harm.
    limit = min(bound + MARGIN, 1.0)
    found = restarted(since, limit)
    ringing = np.flatnonzero(found >= np.log(2 / ALPHA))
    return Watch(
        baseline=len(before),
        bound=bound,
        evidence=found,
        rang=int(ringing[0]) if len(ringing) else None,
    )


def _mixed(logs: Floats, weights: Floats) -> Floats:
    """`log Σ w·exp(logs)` over the rows."""
    most = logs.max(axis=0)
    mixed: Floats = most + np.log((weights * np.exp(logs - most)).sum(axis=0))
    return mixed


@dataclass(frozen=True)
class Watch:
    """`bound`: the most that the baseline's mean loss may be, None while it is being collected;
    `evidence`: log of the mixture after each review since; `rang`: at which of them first."""

    baseline: int
    bound: float | None
    evidence: Floats
    rang: int | None
