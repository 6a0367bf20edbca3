"""A metric over a window that slides by one stored bucket at a time, without a loop over points."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from services.metrics.core import loghist
from services.metrics.core.alerting.names import QUANTILES, Family, Metric
from services.metrics.core.buckets import Level, Span, floor
from services.metrics.core.charts import Chart
from services.metrics.core.series import SCORE_BINS, Count, Series, Sum

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WIDTHS = {
    Level.MINUTE: timedelta(minutes=1),
    Level.FIVE_MINUTES: timedelta(minutes=5),
    Level.HOUR: timedelta(hours=1),
}
# Chart's key space for classes is wide; the columns of a label are picked out of its bins.
_TONES = {"brightness": Sum.BRIGHTNESS, "contrast": Sum.CONTRAST, "sharpness": Sum.SHARPNESS}


@dataclass(frozen=True, slots=True)
class Windows:
    """`count` windows of `length` buckets; the first one ends at `first`, the next a bucket on."""

    level: Level
    first: datetime
    length: int
    count: int

    @classmethod
    def ending(cls, level: Level, window: timedelta, first: datetime, last: datetime) -> "Windows":
        """The windows that end from `first` to `last`, both at the edge of a bucket."""
        width = WIDTHS[level]
        return cls(level, first, -(-window // width), (last - first) // width + 1)

    @property
    def span(self) -> Span:
        """The stored buckets that they are made of."""
        width = WIDTHS[self.level]
        start = self.first - self.length * width
        return Span(self.level, start, self.first + (self.count - 1) * width)

    @property
    def ends(self) -> list[datetime]:
        """When each ends: the time of its check."""
        width = WIDTHS[self.level]
        return [self.first + i * width for i in range(self.count)]

    def chart(self, buckets: Sequence[tuple[datetime, bytes]]) -> Chart:
        """The packed buckets of `span` as a chart, a point each."""
        start, width = self.span.start, WIDTHS[self.level]
        return Chart.of(
            [packed for _, packed in buckets],
            [(at - start) // width for at, _ in buckets],
            points=self.length + self.count - 1,
        )


def last_end(now: datetime, level: Level) -> datetime:
    """The end of the newest window that is whole."""
    return floor(now, WIDTHS[level])


def of_buckets(chart: Chart, metric: Metric, windows: Windows) -> Floats:
    """A metric of rollups over each window (N,); NaN where there is nothing to tell it by."""

    def count(which: Count) -> Ints:
        return _sums(chart.count(which, metric.role), windows)

    match metric.family:
        case Family.VOLUME:
            return count(Count.PREDICTIONS).astype(np.float64)
        case Family.LATENCY:
            ranked, bins = _quantile(chart, Series.LATENCY, metric, windows)
            return np.where(ranked, loghist.values(bins), np.nan)
        case Family.OUTLIER:
            ranked, bins = _quantile(chart, Series.OUTLIER, metric, windows)
            return np.where(ranked, (bins + 0.5) / SCORE_BINS, np.nan)
        case Family.OUTLIER_SHARE:
            return _ratio(count(Count.OUTLIERS), count(Count.SCORED))
        case Family.TONE:
            total = _sums(chart.sum(_TONES[metric.which]), windows)
            return _ratio(total, count(Count.SCORED))
        case Family.COMPARED:
            return count(Count.COMPARED).astype(np.float64)
        case Family.DISAGREEMENT:
            return _ratio(count(Count.DISAGREEMENTS), count(Count.COMPARED))
        case Family.BOXES_MEAN:
            return _ratio(count(Count.BOXES), count(Count.PREDICTIONS))
        case Family.LABEL_BOXES:
            return _of_label(chart, Series.LABEL_BOXES, metric, windows).astype(np.float64)
        case Family.LABEL_IMAGES:
            return _of_label(chart, Series.LABEL_IMAGES, metric, windows).astype(np.float64)
        case Family.LABEL_SHARE:
            return _ratio(_of_label(chart, Series.LABEL_BOXES, metric, windows), count(Count.BOXES))
        case Family.DRIFT | Family.REVIEWED | Family.QUALITY | Family.COUNTED | Family.POOLED:
            raise NotOfBuckets(metric.name)


def newest(times: Floats, values: Floats, windows: Windows) -> Floats:
    """The newest of some values, in time, in each window (N,); NaN where there is none."""
    low, high = edges(times, windows)
    if not len(values):
        return np.full(windows.count, np.nan)
    return np.where(high > low, values[np.maximum(high - 1, 0)], np.nan)


def mean(times: Floats, values: Floats, windows: Windows) -> Floats:
    """The mean of the values that are told (not NaN), in time, in each window (N,)."""
    told = ~np.isnan(values)
    low, high = edges(times[told], windows)
    running = np.concatenate([[0.0], np.cumsum(values[told])])
    return _ratio(running[high] - running[low], high - low)


def how_many(times: Floats, windows: Windows) -> Floats:
    """How many times, ascending, are in each window (N,)."""
    low, high = edges(times, windows)
    return (high - low).astype(np.float64)


def edges(times: Floats, windows: Windows) -> tuple[Ints, Ints]:
    """For each window the first position in it, and the first after it."""
    ends = np.array([end.timestamp() for end in windows.ends])
    length = (windows.length * WIDTHS[windows.level]).total_seconds()
    return np.searchsorted(times, ends - length), np.searchsorted(times, ends)


def _sums(values: NDArray[np.generic], windows: Windows) -> Ints:
    """Sums over each window (…, N) of values at each point (…, P)."""
    zero = np.zeros((*values.shape[:-1], 1), dtype=values.dtype)
    running = np.concatenate([zero, np.cumsum(values, axis=-1)], axis=-1)
    sums: Ints = running[..., windows.length :] - running[..., : -windows.length]
    return sums


def _quantile(
    chart: Chart, series: Series, metric: Metric, windows: Windows
) -> tuple[NDArray[np.bool_], Ints]:
    """Whether a window has anything, and the bin of rank ⌊q(N − 1)⌋: as charts have it."""
    bins, counts = chart.bins(series, metric.role)
    if not len(bins):
        nothing = np.zeros(windows.count, dtype=np.int64)
        return nothing.astype(bool), nothing
    upto = np.cumsum(_sums(counts, windows), axis=0)
    total = upto[-1]
    rank = np.floor(QUANTILES[metric.which] * np.maximum(total - 1, 0)).astype(np.int64)
    return total > 0, bins[np.argmax(upto > rank, axis=0)]


def _of_label(chart: Chart, series: Series, metric: Metric, windows: Windows) -> Ints:
    bins, counts = chart.bins(series, metric.role)
    mine = counts[bins == metric.label] if metric.label is not None else counts[:0]
    return _sums(mine.sum(axis=0), windows)


def _ratio(part: NDArray[np.generic], whole: NDArray[np.generic]) -> Floats:
    above, below = part.astype(np.float64), whole.astype(np.float64)
    return np.where(below > 0, above / np.maximum(below, 1), np.nan)


class NotOfBuckets(TypeError):
    """A metric that rollups do not have."""
