"""Many predictions into the buckets of many minutes with one sort: no loop over predictions.

`rollup.predicted` is the same for one bucket, and the tests hold them against one another.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from services.metrics.core import heat, loghist
from services.metrics.core.buckets import Level, starts
from services.metrics.core.content import Content, Side
from services.metrics.core.rollup import Bucket, hundredths, millionths, ratio_bins
from services.metrics.core.series import (
    AREA_EDGES,
    LOW_BITS,
    MOST_BOXES,
    TWENTIETHS,
    Count,
    Role,
    Series,
    Sum,
    key,
)

Ints = NDArray[np.int64]
Entries = tuple[Ints, Ints]
Deltas = dict[tuple[Level, datetime], Bucket]
Heats = dict[tuple[Level, datetime, int], heat.Grid]

_GROUP = 32
_ZERO = np.zeros(1, dtype=np.int64)


def deltas(contents: Sequence[Content], times: Sequence[datetime]) -> Deltas:
    """What predictions with these event times add to each bucket of every level."""
    minutes, groups = _minutes(times)
    shadows = [i for i, content in enumerate(contents) if content.shadow is not None]
    lags = loghist.bins([content.lag for content in contents])
    parts = [
        _entries(Role.CHAMPION, [c.champion for c in contents], contents, groups),
        _single(groups, key(Series.LAG, lags)),
    ]
    if shadows:
        some = [contents[i] for i in shadows]
        parts += [shadow_entries(some, groups[shadows]), *_compared(some, groups[shadows])]
    return spread(dict(zip(minutes, _gathered(parts, len(minutes)), strict=True)))


def shadow_deltas(contents: Sequence[Content], times: Sequence[datetime]) -> Deltas:
    """What shadows that came late add; every content has one."""
    minutes, groups = _minutes(times)
    parts = [shadow_entries(contents, groups), *_compared(contents, groups)]
    return spread(dict(zip(minutes, _gathered(parts, len(minutes)), strict=True)))


def details(
    contents: Sequence[Content], times: Sequence[datetime], *, late: bool = False
) -> Deltas:
    """What is kept of hours and days only: each label's scores and areas, each version's counts.

    `late`: of shadows that came late alone.
    """
    hours, groups = _hours(times)
    parts: list[Entries] = []
    for role in (Role.SHADOW,) if late else Role:
        found = [
            content.champion if role is Role.CHAMPION else content.shadow for content in contents
        ]
        at = [i for i, side in enumerate(found) if side is not None]
        sides = [side for side in found if side is not None]
        if sides:
            some = _details(sides, [contents[i] for i in at], groups[at])
            parts += [(wide | key(Series.COUNT, _ZERO, role), values) for wide, values in some]
    if not parts:
        return {}
    deltas: Deltas = {}
    for hour, bucket in zip(hours, _gathered(parts, len(hours)), strict=True):
        place = Level.DAY, starts(hour)[Level.DAY]
        deltas[Level.HOUR, hour] = bucket
        deltas[place] = deltas[place] + bucket if place in deltas else bucket
    return deltas


def together(some: Sequence[Deltas]) -> Deltas:
    """The sum of deltas."""
    grouped: dict[tuple[Level, datetime], list[Bucket]] = {}
    for deltas_ in some:
        for place, bucket in deltas_.items():
            grouped.setdefault(place, []).append(bucket)
    return {place: Bucket.total(buckets) for place, buckets in grouped.items()}


def spread(found: Mapping[datetime, Bucket]) -> Deltas:
    """Buckets by time, added up at every level."""
    grouped: dict[tuple[Level, datetime], list[Bucket]] = {}
    for time, bucket in found.items():
        for place in starts(time).items():
            grouped.setdefault(place, []).append(bucket)
    return {place: Bucket.total(some) for place, some in grouped.items()}


def heats(contents: Sequence[Content], times: Sequence[datetime]) -> Heats:
    """What the champion's shapes cover, by hour and day and label."""
    found: Heats = {}
    hours, groups = _hours(times)
    for i, hour in enumerate(hours):
        mine = [contents[n] for n in np.flatnonzero(groups == i).tolist()]
        day = starts(hour)[Level.DAY]
        for label, grid in _heat(mine).items():
            found[Level.HOUR, hour, label] = grid
            before = found.get((Level.DAY, day, label))
            found[Level.DAY, day, label] = grid if before is None else before + grid
    return found


def shadow_entries(contents: Sequence[Content], groups: Ints) -> Entries:
    """The entries of the shadows' answers; every content has one."""
    sides = [content.shadow for content in contents if content.shadow is not None]
    return _entries(Role.SHADOW, sides, contents, groups)


def _minutes(times: Sequence[datetime]) -> tuple[list[datetime], Ints]:
    """The distinct minutes, ascending, and which of them each time is in."""
    return _distinct([time.replace(second=0, microsecond=0) for time in times])


def _hours(times: Sequence[datetime]) -> tuple[list[datetime], Ints]:
    """The distinct hours, ascending, and which of them each time is in."""
    minutes, groups = _minutes(times)
    hours, of_minute = _distinct([starts(minute)[Level.HOUR] for minute in minutes])
    return hours, of_minute[groups]


def _distinct(of_each: Sequence[datetime]) -> tuple[list[datetime], Ints]:
    """The distinct times, ascending, and which of them each is."""
    times = sorted(set(of_each))
    at = {time: i for i, time in enumerate(times)}
    return times, np.array([at[time] for time in of_each], dtype=np.int64)


def _compared(contents: Sequence[Content], groups: Ints) -> list[Entries]:
    """Images on which both models were compared, and those on which they disagree."""
    told = [content.disagrees for content in contents]
    both = groups[[answer is not None for answer in told]]
    apart = groups[[answer is True for answer in told]]
    return [
        _single(some, key(Series.COUNT, np.full(len(some), count)))
        for some, count in ((both, Count.COMPARED), (apart, Count.DISAGREEMENTS))
    ]


def _details(sides: Sequence[Side], contents: Sequence[Content], groups: Ints) -> list[Entries]:
    """Entries of the series in `LOW_BITS`, of champions or of shadows."""
    count = np.array([len(side.classes) for side in sides], dtype=np.int64)
    of_box = np.repeat(groups, count)
    labels = np.fromiter(chain.from_iterable(side.classes for side in sides), dtype=np.int64)
    scores = np.fromiter(chain.from_iterable(side.scores for side in sides), dtype=np.float64)
    twentieths = np.minimum((scores * TWENTIETHS).astype(np.int64), TWENTIETHS - 1)
    sizes = np.array([c.width * c.height for c in contents], dtype=np.float64)
    boxed, covered = _areas(sides)
    shares = covered / sizes[boxed]
    areas = np.clip(np.searchsorted(AREA_EDGES, shares, side="right") - 1, 0, len(AREA_EDGES) - 2)
    of_area = np.array([c for side in sides if side.boxes for c in side.classes], dtype=np.int64)
    version = np.array([-1 if s.version is None else s.version for s in sides], dtype=np.int64)
    seconds = np.array([side.latency for side in sides], dtype=np.float64)
    told, of_version = version >= 0, np.repeat(version, count)
    timed, drawn = told & ~np.isnan(seconds), of_version >= 0

    def two(series: Series, of: Ints, bins: Ints, at: Ints) -> Entries:
        return _single(at, key(series, of << LOW_BITS[series] | bins))

    return [
        two(Series.LABEL_SCORE, labels, twentieths, of_box),
        two(Series.LABEL_AREA, of_area, areas, groups[boxed]),
        two(Series.VERSION_COUNT, version[told], np.zeros(int(told.sum()), np.int64), groups[told]),
        two(Series.VERSION_LATENCY, version[timed], loghist.bins(seconds[timed]), groups[timed]),
        two(Series.VERSION_SCORE, of_version[drawn], hundredths(scores[drawn]), of_box[drawn]),
        two(Series.VERSION_LABEL, of_version[drawn], labels[drawn], of_box[drawn]),
    ]


def _entries(
    role: Role, sides: Sequence[Side], contents: Sequence[Content], groups: Ints
) -> Entries:
    w = np.array([content.width for content in contents], dtype=np.float64)
    h = np.array([content.height for content in contents], dtype=np.float64)
    seconds = np.array([side.latency for side in sides], dtype=np.float64)
    count = np.array([len(side.classes) for side in sides], dtype=np.int64)
    image = np.repeat(np.arange(len(sides)), count)
    labels = np.fromiter(chain.from_iterable(side.classes for side in sides), dtype=np.int64)
    scores = np.fromiter(chain.from_iterable(side.scores for side in sides), dtype=np.float64)
    boxed, covered = _areas(sides)
    shares = covered / (w * h)[boxed]
    once = np.unique(image << _GROUP | labels)
    told = np.flatnonzero(~np.isnan(seconds))
    of_box = groups[image]
    parts = [
        _single(groups, key(Series.COUNT, np.full(len(sides), Count.PREDICTIONS))),
        _single(of_box, key(Series.COUNT, np.full(len(labels), Count.BOXES))),
        (
            groups[told] << _GROUP | key(Series.SUM, np.full(len(told), Sum.LATENCY)),
            millionths(seconds[told]),
        ),
        _single(groups[told], key(Series.LATENCY, loghist.bins(seconds[told]))),
        _single(of_box, key(Series.LABEL_BOXES, labels)),
        _single(groups[once >> _GROUP], key(Series.LABEL_IMAGES, once & ((1 << _GROUP) - 1))),
        _single(of_box, key(Series.SCORE, hundredths(scores))),
        _single(groups, key(Series.BOX_COUNT, np.minimum(count, MOST_BOXES))),
        _single(groups[boxed], key(Series.BOX_AREA, loghist.bins(shares))),
    ]
    if role is Role.CHAMPION:
        parts += [
            _single(groups, key(Series.WIDTH, loghist.bins(w))),
            _single(groups, key(Series.HEIGHT, loghist.bins(h))),
            _single(groups, key(Series.IMAGE_AREA, loghist.bins(w * h))),
            _single(groups, key(Series.RATIO, ratio_bins(w, h))),
        ]
    wide, values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return wide | key(Series.COUNT, np.zeros(1, dtype=np.int64), role), values


def _single(groups: Ints, keys: Ints) -> Entries:
    return groups << _GROUP | keys, np.ones(len(keys), dtype=np.int64)


def _boxes(sides: Sequence[Side]) -> tuple[Ints, NDArray[np.float64]]:
    """Which answer each box belongs to, and the boxes (N, 4)."""
    count = np.array([len(side.boxes) for side in sides], dtype=np.int64)
    image = np.repeat(np.arange(len(sides)), count)
    flat = chain.from_iterable(chain.from_iterable(side.boxes for side in sides))
    return image, np.fromiter(flat, dtype=np.float64).reshape(-1, 4)


def _areas(sides: Sequence[Side]) -> tuple[Ints, NDArray[np.float64]]:
    """Which answer each box belongs to, and its area, of a polygon its own (N,)."""
    image, boxes = _boxes(sides)
    areas = boxes[:, 2] * boxes[:, 3]
    told = [area for side in sides for area in side.areas or ()]
    if told:
        areas[np.array([side.areas is not None for side in sides])[image]] = told
    return image, areas


def _gathered(parts: Sequence[Entries], groups: int) -> list[Bucket]:
    """Buckets of groups 0 to `groups` from entries in any order."""
    wide, values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(wide, kind="stable")
    ordered = wide[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    totals = np.add.reduceat(values[order], first)
    distinct = ordered[first]
    ends = np.searchsorted(distinct >> _GROUP, np.arange(groups + 1))
    keys = (distinct & ((1 << _GROUP) - 1)).astype(np.uint32)
    kept = totals != 0
    return [
        Bucket(keys[a:b][kept[a:b]], totals[a:b][kept[a:b]]) for a, b in pairwise(ends.tolist())
    ]


def _heat(contents: Sequence[Content]) -> dict[int, heat.Grid]:
    found: dict[int, heat.Grid] = {}
    drawn = [c for c in contents if c.champion.polygons]
    for content in drawn:
        pairs = zip(content.champion.classes, content.champion.polygons, strict=True)
        for label, ring in pairs:
            grid = heat.heat_of_polygon(ring, width=content.width, height=content.height)
            found[label] = found[label] + grid if label in found else grid
    plain = [c for c in contents if c.champion.boxes and not c.champion.polygons]
    image, boxes = _boxes([c.champion for c in plain])
    if len(boxes):
        sizes = np.array([(c.width, c.height, c.width, c.height) for c in plain], dtype=np.float64)
        unit = boxes / sizes[image]
        labels = np.array([label for c in plain for label in c.champion.classes], dtype=np.int64)
        for label, grid in heat.heat_by_label(unit, labels).items():
            found[label] = found[label] + grid if label in found else grid
    return found
