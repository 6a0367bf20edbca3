"""Many packed buckets into the columns of a chart, without a loop over points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.metrics.core import loghist
from services.metrics.core.rollup import ENTRY
from services.metrics.core.series import (
    BIN_BITS,
    LARGEST_BIN,
    MILLIONTHS,
    SCORE_BINS,
    Count,
    Role,
    Series,
    Sum,
    key,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_NONE = np.zeros(1, dtype=np.int64)


@dataclass(frozen=True)
class Chart:
    """The entries of all buckets of a chart: of which of its `points`, key, value, each (N,)."""

    points: int
    point: Ints
    keys: Ints
    values: Ints

    @classmethod
    def of(cls, packed: Sequence[bytes], point: Sequence[int], *, points: int) -> "Chart":
        """From packed buckets and the point each belongs to."""
        entries = np.frombuffer(b"".join(packed), dtype=ENTRY)
        lengths = np.array([len(some) for some in packed], dtype=np.int64) // ENTRY.itemsize
        return cls(
            points,
            np.repeat(np.asarray(point, dtype=np.int64), lengths),
            entries["key"].astype(np.int64),
            entries["value"].astype(np.int64),
        )

    def count(self, name: Count, role: Role = Role.CHAMPION) -> Ints:
        """A plain count at each point (points,)."""
        return self._one(int(key(Series.COUNT, _NONE + name, role)[0]))

    def sum(self, name: Sum) -> Floats:
        """A sum at each point (points,), in its own unit."""
        return self._one(int(key(Series.SUM, _NONE + name)[0])) / MILLIONTHS

    def bins(self, series: Series, role: Role = Role.CHAMPION) -> tuple[Ints, Ints]:
        """The bins a series has, ascending (B,), and their counts at each point (B, points)."""
        point, bins, values = self._series(series, role)
        # Bins are few and small: marking those there are is far faster than sorting.
        there = np.zeros(int(bins.max(initial=-1)) + 1, dtype=bool)
        there[bins] = True
        found, row = np.flatnonzero(there), np.cumsum(there) - 1
        counts = np.bincount(
            row[bins] * self.points + point, values, minlength=len(found) * self.points
        )
        return found, counts.astype(np.int64).reshape(len(found), self.points)

    def latency(self, q: Sequence[float], role: Role = Role.CHAMPION) -> Floats:
        """Quantiles of the latency at each point (Q, points), seconds; NaN where there is none."""
        ranked, bins = self._ranked(Series.LATENCY, role, q)
        return np.where(ranked, loghist.values(bins), np.nan)

    def outlier(self, q: Sequence[float]) -> Floats:
        """Quantiles of the outlier score at each point (Q, points), to a hundredth."""
        ranked, bins = self._ranked(Series.OUTLIER, Role.CHAMPION, q)
        return np.where(ranked, (bins + 0.5) / SCORE_BINS, np.nan)

    def _one(self, wanted: int) -> Ints:
        mine = self.keys == wanted
        totals = np.bincount(self.point[mine], self.values[mine], minlength=self.points)
        return totals.astype(np.int64)

    def _series(self, series: Series, role: Role) -> tuple[Ints, Ints, Ints]:
        low = int(key(series, _NONE, role)[0])
        mine = (self.keys >= low) & (self.keys <= low + LARGEST_BIN)
        return self.point[mine], self.keys[mine] - low, self.values[mine]

    def _ranked(
        self, series: Series, role: Role, q: Sequence[float]
    ) -> tuple[NDArray[np.bool_], Ints]:
        """For each q and point whether there is anything, and the bin of rank `⌊q(N − 1)⌋`."""
        point, bins, values = self._series(series, role)
        code = point << BIN_BITS | bins
        # Buckets that come in time, one a point, are in order as they are.
        if (code[1:] < code[:-1]).any():
            order = np.argsort(code, kind="stable")
            bins, values, point = bins[order], values[order], point[order]
        cumulative = np.cumsum(values)
        totals = np.bincount(point, values, minlength=self.points).astype(np.int64)
        before = np.cumsum(totals) - totals
        wanted = np.asarray(q, dtype=np.float64)[:, None]
        rank = before + np.floor(wanted * np.maximum(totals - 1, 0)).astype(np.int64)
        at = np.searchsorted(cumulative, rank, side="right")
        there = np.broadcast_to(totals > 0, rank.shape)
        if not len(bins):
            return there, np.zeros(rank.shape, dtype=np.int64)
        return there, bins[np.minimum(at, len(bins) - 1)]
