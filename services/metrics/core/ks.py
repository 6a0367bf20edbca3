"""Two-sample Kolmogorov–Smirnov drift of a live window against a reference, many features.

The statistic needs of a live value only its ranks among the n sorted reference values,
`u = #ref ≤ x` and `l = #ref < x`: both fit one uint32, found once at arrival. Over a window of m,
sorted, `D = max_i max(i/m − u_(i)/n, l_(i)/n − (i − 1)/m)`. As u and l both rise with x, sorting
the codes `u·2¹⁶ + l` sorts both.

A missing value (NaN) counts as one below every number, in reference and window alike, so that a
change in how often a feature is missing is drift too.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.uint32]

MAX_REFERENCE = (1 << 16) - 1

_LOW = np.uint32(0xFFFF)
_SHIFT = np.uint32(16)
_KNOTS = 1024
_FLOOR = -600.0
_SMOOTH = 40  # below, the survival function has kinks a spline misses, and is cheap itself


def sorted_reference(values: ArrayLike) -> Floats:
    """Reference values (n, F) sorted by feature: (F, n), contiguous. n < 65,536."""
    reference = np.asarray(values, dtype=np.float64)
    if reference.ndim != 2 or not 0 < len(reference) <= MAX_REFERENCE:
        raise ReferenceOfWrongSize(reference.shape)
    return np.ascontiguousarray(np.sort(_below(reference), axis=0).T)


def rank_codes(reference: Floats, values: ArrayLike) -> Codes:
    """Codes (B, F) of live values (B, F) by one bisection over all features at once."""
    live = _below(np.asarray(values, dtype=np.float64))
    upper = _bisect(reference, live, strict=False)
    lower = _bisect(reference, live, strict=True)
    return upper << _SHIFT | lower


def statistics(codes: Codes, *, n: int) -> Floats:
    """D of each feature for windows of codes (..., F, m) in any order: (..., F)."""
    m = codes.shape[-1]
    ordered = np.sort(codes, axis=-1)
    d: Floats = _distance(ordered, n=n, m=m) / (n * m)
    return d


def p_values(d: ArrayLike, *, n: int, m: int) -> Floats:
    """Survival of D at sample sizes n and m, by a spline of log `kstwo.sf` made once per size.

    As in SciPy's asymptotic `ks_2samp`, the size is that of one sample, `round(nm/(n + m))`.
    A spline takes .1 to .3 s to make for windows up to 1,000, and keeps p to 1e-6.
    """
    size = max(1, round(n * m / (n + m)))
    values = np.clip(np.asarray(d, dtype=np.float64), 0.0, 1.0)
    if size < _SMOOTH:
        return _survival(values, size)
    survival: Floats = np.exp(np.minimum(_log_survival(size)(values), 0.0))
    return survival


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Adjusted p-values: those ≤ q are rejected at false discovery rate q.

    Benjamini & Hochberg (1995): `p_(i)·F/i`, made monotone from the largest down.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values)
    scaled = values[order] * len(values) / np.arange(1, len(values) + 1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted


def critical_value(alpha: float, *, n: int, m: int) -> float:
    """The classical threshold of D for one look: `√(−½ ln(α/2))·√((n + m)/nm)`."""
    return float(np.sqrt(-0.5 * np.log(alpha / 2)) * np.sqrt((n + m) / (n * m)))


def curves(reference: ArrayLike, window: ArrayLike, *, points: int = 200) -> "Curves":
    """Both distribution functions of one feature, for drawing, at up to `points` values.

    `reference` (n,) and `window` (m,); missing values raise both curves' start.
    """
    a, b = np.sort(_below(np.asarray(reference))), np.sort(_below(np.asarray(window)))
    both = np.unique(np.concatenate([a, b]))
    both = both[np.isfinite(both)]
    if len(both) > points:
        both = both[np.linspace(0, len(both) - 1, points).round().astype(np.int64)]
    return Curves(
        x=both,
        reference=np.searchsorted(a, both, side="right") / len(a),
        window=np.searchsorted(b, both, side="right") / len(b),
    )


def distance_numerators(ordered: Codes, *, n: int) -> NDArray[np.int64]:
    """`n·m·D` of sorted windows of codes (..., m): whole numbers."""
    return _distance(ordered, n=n, m=ordered.shape[-1])


def _distance(ordered: Codes, *, n: int, m: int) -> NDArray[np.int64]:
    kind: type[np.signedinteger[Any]] = np.int32 if n * m < 1 << 31 else np.int64
    upper, lower = (ordered >> _SHIFT).astype(kind), (ordered & _LOW).astype(kind)
    i = np.arange(1, m + 1).astype(kind)
    above = (n * i - m * upper).max(axis=-1)
    below = (m * lower - n * (i - 1)).max(axis=-1)
    largest: NDArray[np.int64] = np.maximum(above, below).astype(np.int64)
    return largest


def _below(values: NDArray[Any]) -> Floats:
    return np.where(np.isnan(values), -np.inf, values)


def _bisect(reference: Floats, live: Floats, *, strict: bool) -> Codes:
    """How many of each feature's reference values are < (strict) or ≤ the live ones."""
    features, n = reference.shape
    flat, base = reference.ravel(), np.arange(features) * n
    found = np.zeros(live.shape, dtype=np.int64)
    step = 1 << (n.bit_length() - 1)
    while step:
        tried = found + step
        values = flat[base + np.minimum(tried, n) - 1]
        passed = (values < live) if strict else (values <= live)
        found = np.where(passed & (tried <= n), tried, found)
        step >>= 1
    return found.astype(np.uint32)


def _survival(d: Floats, size: int) -> Floats:
    from scipy.stats import kstwo  # noqa: PLC0415

    return np.asarray(kstwo.sf(d, size), dtype=np.float64)


@lru_cache(maxsize=16)
def _log_survival(size: int) -> Any:
    from scipy.interpolate import CubicSpline  # noqa: PLC0415

    # exp(−600) is passed near √(300/size): knots up to there only.
    last = min(1.0, np.sqrt(-_FLOOR / (2 * size)))
    knots = np.linspace(0.0, last, _KNOTS)
    with np.errstate(divide="ignore"):
        spline = CubicSpline(knots, np.maximum(np.log(_survival(knots, size)), _FLOOR))
    return lambda d: np.where(d < last, spline(d), _FLOOR)


@dataclass(frozen=True)
class Curves:
    """Values `x` and the share of reference and window at or below each."""

    x: Floats
    reference: Floats
    window: Floats


class Ring:
    """The last m live images' codes; `push` one, read `statistics` at any time."""

    def __init__(self, *, window: int, features: int) -> None:
        self._codes = np.zeros((features, window), dtype=np.uint32)
        self._seen = 0

    def push(self, codes: Codes) -> None:
        """Add codes (B, F) in their order; the oldest fall out."""
        window = self._codes.shape[1]
        kept = codes[-window:]
        first = self._seen + len(codes) - len(kept)
        self._codes[:, (first + np.arange(len(kept))) % window] = kept.T
        self._seen += len(codes)

    @property
    def full(self) -> bool:
        """Whether a whole window has arrived; before that D says nothing."""
        return self._seen >= self._codes.shape[1]

    def statistics(self, *, n: int) -> Floats:
        """D (F,) of the window, or of what has arrived while it is not full."""
        return statistics(self._codes[:, : max(self._seen, 1)], n=n)


class ReferenceOfWrongSize(ValueError):
    """A reference that is not (n, F) with 0 < n < 65,536."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(f"a reference must be (n, F) with 0 < n < 65536, not {shape}")
