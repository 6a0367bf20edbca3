"""The packed bucket of a deployment's minute, hour or day.

A bucket is a sorted list of (key, whole number); a key is role, series and bin. Everything is a
count, sums too (in millionths), so merging is exact, associative, and undone by subtracting:
several writers may touch a bucket in any order. Packed it is 12 bytes an entry, and the packed
buckets of a range, joined, need one sort to become their sum.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from services.metrics.core import loghist
from services.metrics.core.series import (
    BIN_BITS,
    CHARTED,
    LARGEST_BIN,
    LOW_BITS,
    MILLIONTHS,
    MOST_BOXES,
    ROLE_BIT,
    SCORE_BINS,
    Count,
    Role,
    Series,
    Sum,
)

Ints = NDArray[np.int64]

ENTRY = np.dtype([("key", "<u4"), ("value", "<i8")])


def ratio_bins(widths: ArrayLike, heights: ArrayLike) -> Ints:
    """Which of `RATIO_NAMES` each image's width / height falls in."""
    ratio = np.asarray(widths, dtype=np.float64) / np.asarray(heights, dtype=np.float64)
    below = (ratio >= 0.5).astype(np.int64)
    above = 3 + (ratio > 1.5) + (ratio > 2.5)
    return np.where(ratio < 1, below, np.where(ratio == 1, 2, above)).astype(np.int64)


def predicted(
    *,
    latencies: ArrayLike,
    widths: ArrayLike,
    heights: ArrayLike,
    image: ArrayLike,
    classes: ArrayLike,
    scores: ArrayLike,
    areas: ArrayLike,
    role: Role = Role.CHAMPION,
) -> "Bucket":
    """The bucket of P predictions with B boxes in all.

    `latencies` in seconds (NaN: not told), `widths` and `heights` in pixels, each (P,); for each
    box the index of its image, its class, score and area in square pixels, each (B,).
    """
    seconds = np.asarray(latencies, dtype=np.float64)
    w, h = np.asarray(widths, dtype=np.float64), np.asarray(heights, dtype=np.float64)
    of_image = np.asarray(image, dtype=np.int64)
    labels = np.asarray(classes, dtype=np.int64)
    told = seconds[~np.isnan(seconds)]
    shares = np.asarray(areas, dtype=np.float64) / (w * h)[of_image]
    boxes = np.bincount(of_image, minlength=len(seconds))
    on_images = np.unique(np.stack([of_image, labels]), axis=1)[1]
    parts = [
        _totals(Series.COUNT, {Count.PREDICTIONS: len(seconds), Count.BOXES: len(labels)}),
        _totals(Series.SUM, {Sum.LATENCY: int(millionths(told).sum())}),
        _bins(Series.LATENCY, loghist.bins(told)),
        _bins(Series.LABEL_BOXES, labels),
        _bins(Series.LABEL_IMAGES, on_images),
        _bins(Series.SCORE, hundredths(scores)),
        _bins(Series.BOX_COUNT, np.minimum(boxes, MOST_BOXES)),
        _bins(Series.BOX_AREA, loghist.bins(shares)),
    ]
    if role is Role.CHAMPION:
        parts += [
            _bins(Series.WIDTH, loghist.bins(w)),
            _bins(Series.HEIGHT, loghist.bins(h)),
            _bins(Series.IMAGE_AREA, loghist.bins(w * h)),
            _bins(Series.RATIO, ratio_bins(w, h)),
        ]
    keys, values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Bucket.of(keys | np.uint32(role << ROLE_BIT), values)


def scored(
    *,
    outliers: ArrayLike,
    alarms: ArrayLike,
    disagree: ArrayLike = (),
    brightness: ArrayLike,
    contrast: ArrayLike,
    sharpness: ArrayLike,
) -> "Bucket":
    """The bucket of what scoring found on P images, each array (P,); `outliers` in [0, 1]."""
    counts = {
        Count.SCORED: np.asarray(outliers).size,
        Count.OUTLIERS: int(np.count_nonzero(alarms)),
        Count.DISAGREEMENTS: int(np.count_nonzero(disagree)),
    }
    tones = (Sum.BRIGHTNESS, brightness), (Sum.CONTRAST, contrast), (Sum.SHARPNESS, sharpness)
    sums = {name: int(millionths(values).sum()) for name, values in tones}
    parts = [
        _totals(Series.COUNT, counts),
        _totals(Series.SUM, sums),
        _bins(Series.OUTLIER, hundredths(outliers)),
    ]
    return Bucket.of(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _bins(series: Series, bins: Ints) -> tuple[NDArray[np.uint32], Ints]:
    found, counts = np.unique(np.clip(bins, 0, LARGEST_BIN), return_counts=True)
    return (found + (series << BIN_BITS)).astype(np.uint32), counts.astype(np.int64)


def _totals(
    series: Series, totals: dict[Count, int] | dict[Sum, int]
) -> tuple[NDArray[np.uint32], Ints]:
    keys = np.array([(series << BIN_BITS) | name for name in totals], dtype=np.uint32)
    return keys, np.array(list(totals.values()), dtype=np.int64)


def hundredths(values: ArrayLike) -> Ints:
    """Bins of numbers in [0, 1]."""
    scaled = np.asarray(values, dtype=np.float64) * SCORE_BINS
    return np.clip(scaled, 0, SCORE_BINS - 1).astype(np.int64)


def millionths(values: ArrayLike) -> Ints:
    """Numbers as whole millionths: sums of them are exact."""
    return np.rint(np.asarray(values, dtype=np.float64) * MILLIONTHS).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Bucket:
    """Sorted distinct keys and their non-zero values; `Bucket()` is empty."""

    keys: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, dtype=np.uint32))
    values: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @classmethod
    def of(cls, keys: NDArray[np.uint32], values: Ints) -> "Bucket":
        """From keys in any order, repeated ones added up, zeros left out."""
        if len(keys) == 0:
            return cls()
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        totals = np.add.reduceat(values[order], starts)
        kept = totals != 0
        return cls(ordered[starts][kept], totals[kept])

    @classmethod
    def merged(cls, packed: Iterable[bytes]) -> "Bucket":
        """The sum of any number of packed buckets."""
        joined = b"".join(packed)
        if len(joined) % ENTRY.itemsize:
            raise NotABucket(len(joined))
        entries = np.frombuffer(joined, dtype=ENTRY)
        return cls.of(np.ascontiguousarray(entries["key"]), np.ascontiguousarray(entries["value"]))

    @classmethod
    def total(cls, some: Sequence["Bucket"]) -> "Bucket":
        """The sum of any number of buckets."""
        if len(some) == 1:
            return some[0]
        keys = [bucket.keys for bucket in some] or [cls().keys]
        values = [bucket.values for bucket in some] or [cls().values]
        return cls.of(np.concatenate(keys), np.concatenate(values))

    @classmethod
    def from_bytes(cls, packed: bytes) -> "Bucket":
        """The bucket that `to_bytes` packed."""
        return cls.merged([packed])

    def to_bytes(self) -> bytes:
        """12 bytes an entry."""
        entries = np.empty(len(self.keys), dtype=ENTRY)
        entries["key"], entries["value"] = self.keys, self.values
        return entries.tobytes()

    def split(self) -> tuple["Bucket", "Bucket"]:
        """What is drawn over time (`CHARTED`), and the rest."""
        series = (self.keys >> np.uint32(BIN_BITS)) & np.uint32(0x7F)
        charted = np.isin(series, list(CHARTED))
        return (
            Bucket(self.keys[charted], self.values[charted]),
            Bucket(self.keys[~charted], self.values[~charted]),
        )

    def __neg__(self) -> "Bucket":
        return Bucket(self.keys, -self.values)

    def __add__(self, other: "Bucket") -> "Bucket":
        return Bucket.of(
            np.concatenate([self.keys, other.keys]), np.concatenate([self.values, other.values])
        )

    def __sub__(self, other: "Bucket") -> "Bucket":
        return self + -other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bucket) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    def histogram(self, series: Series, role: Role = Role.CHAMPION) -> tuple[Ints, Ints]:
        """Bins, ascending, and values of one series."""
        low = (role << ROLE_BIT) | (series << BIN_BITS)
        first, last = np.searchsorted(self.keys.astype(np.int64), [low, low + LARGEST_BIN + 1])
        return self.keys[first:last].astype(np.int64) - low, self.values[first:last]

    def of_each(self, series: Series, of: int, role: Role = Role.CHAMPION) -> tuple[Ints, Ints]:
        """Bins and values of one label's or one version's part of a series in `LOW_BITS`."""
        bins, values = self.histogram(series, role)
        low = LOW_BITS[series]
        mine = bins >> low == of
        return bins[mine] & ((1 << low) - 1), values[mine]

    def count(self, name: Count, role: Role = Role.CHAMPION) -> int:
        """One plain count."""
        return self._one(Series.COUNT, name, role=role)

    def sum(self, name: Sum, role: Role = Role.CHAMPION) -> float:
        """One sum, in its own unit."""
        return self._one(Series.SUM, name, role=role) / MILLIONTHS

    def quantiles(
        self, series: Series, q: ArrayLike, *, role: Role = Role.CHAMPION
    ) -> NDArray[np.float64]:
        """Quantiles of a series with log bins, to `loghist.RELATIVE_ERROR`."""
        return loghist.quantiles(*self.histogram(series, role), q)

    def _one(self, series: Series, bin_: int, *, role: Role) -> int:
        bins, values = self.histogram(series, role)
        return int(values[bins == bin_].sum())


class NotABucket(ValueError):
    """Bytes whose length no packed bucket has."""

    def __init__(self, length: int) -> None:
        super().__init__(f"{length} bytes are no packed bucket: entries have {ENTRY.itemsize}")
