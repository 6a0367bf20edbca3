"""Production estimates: from reviewed images that a draw chose, each with its probability π.

Odd images are reviewed first, so the mean of what was reviewed is the mean of odd images. Weighted
by w = 1/π it is unbiased for all images of the draw's traffic (Horvitz & Thompson 1952, here as the
ratio Σ wY/Σ w). Images picked by hand have no π and do not count.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]

LEAST_IMAGES = 50
REPLICATES = 200
_Z = 1.959963984540054


def effective(weights: Floats) -> float:
    """Kish's effective number of images: `(Σ w)²/Σ w²`; 0 without any."""
    return float(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0.0


def mean(values: ArrayLike, weights: ArrayLike) -> "Estimate":
    """The weighted mean of numbers in [0, 1], one an image, with its 95 % Wilson interval.

    Wilson's at `n* = n_eff·clip(θ̂(1 − θ̂)/s²_w, 1, 4)` with `s²_w` the weighted variance: numbers
    that are not just 0 and 1 vary less than a proportion does.
    """
    y, w = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if not len(y):
        return Estimate()
    theta = float(np.clip((w * y).sum() / w.sum(), 0.0, 1.0))
    spread = theta * (1 - theta)
    variance = float((w * (y - theta) ** 2).sum() / w.sum())
    gain = float(np.clip(spread / variance, 1.0, 4.0)) if variance > 0 else 1.0
    n = effective(w) * gain
    centre = (theta + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * np.sqrt(spread / n + _Z**2 / (4 * n**2))
    return Estimate(theta, max(float(centre - half), 0.0), min(float(centre + half), 1.0))


def bootstrapped(
    statistic: Statistic, weights: ArrayLike, *, blocks: Sequence[str | None], seed: int = 0
) -> list["Estimate"]:
    """Statistics of weighted images, each ± 1.96 sd of 200 multinomial bootstraps.

    `statistic` takes weights (B, N) and gives values (B, S), NaN where there is none. Images of a
    block are drawn together. Fewer than 50 images have no interval.
    """
    w = np.asarray(weights, dtype=np.float64)
    (values,) = statistic(w[None, :])
    if len(w) < LEAST_IMAGES:
        return [Estimate(_number(value)) for value in values.tolist()]
    spread = np.nanstd(statistic(w * draws(blocks, seed=seed)), axis=0, ddof=1)
    return [
        Estimate(
            _number(value), max(value - _Z * sd, 0.0), min(value + _Z * sd, 1.0)
        ) if value == value and sd == sd else Estimate(_number(value))
        for value, sd in zip(values.tolist(), spread.tolist(), strict=True)
    ]  # fmt: skip


def draws(blocks: Sequence[str | None], *, seed: int = 0, replicates: int = REPLICATES) -> Floats:
    """How often each image is drawn in each replicate (B, N): whole blocks, with replacement."""
    names = {name: i for i, name in enumerate(dict.fromkeys(b for b in blocks if b is not None))}
    alone = len(names)
    of_image = np.empty(len(blocks), dtype=np.int64)
    for i, block in enumerate(blocks):
        of_image[i] = names[block] if block is not None else alone
        alone += block is None
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(alone, np.full(alone, 1 / alone), size=replicates)
    drawn: Floats = counts[:, of_image].astype(np.float64)
    return drawn


def _number(value: float) -> float | None:
    return None if value != value else value


@dataclass(frozen=True)
class Estimate:
    """A number in [0, 1] and the ends of its 95 % interval; None where there is none."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
