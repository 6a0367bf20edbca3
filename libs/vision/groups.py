"""Average precision or recall of many sets of images at once, as windows that slide over them.

A set and a class together are laid out as `ap` lays out a class, so that a thousand small sets
cost little more than their rows.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from libs.vision.ap import (
    SERIES,
    AreaCurves,
    Floats,
    Ints,
    first_reaching,
    known_classes,
    ranked,
)
from libs.vision.state import IOU_THRESHOLDS, RECORD, Columns

# Of groups that are done together: the bytes of their states, and their classes.
_MOST_BYTES, _MOST_CLASSES = 10_000_000, 4000


def of_groups(
    states: Sequence[bytes],
    groups: Sequence[Ints],
    *,
    classes: int,
    kind: Literal["ap", "ar"],
    series: str,
) -> Floats:
    """One of `ap.SERIES` of many sets of images at once (G,), NaN without ground truth.

    A group is the indices of its images in `states`, in the order of their ids; groups may share
    images. Each number is that of `ap.pooled`, but for the last bits of the mean.
    """
    found = [
        _of_groups(states, some, classes=classes, kind=kind, series=series)
        for some in _batches(states, groups, classes)
    ]
    return np.concatenate(found) if found else np.zeros(0)


def _batches(
    states: Sequence[bytes], groups: Sequence[Ints], classes: int
) -> Iterator[Sequence[Ints]]:
    """Neighbouring groups, so few that their curves take some tens of megabytes."""
    start = size = 0
    for end, group in enumerate(groups):
        more = sum(len(states[i]) for i in group.tolist())
        if end > start and (size + more > _MOST_BYTES or (end - start) * classes >= _MOST_CLASSES):
            yield groups[start:end]
            start, size = end, 0
        size += more
    if start < len(groups):
        yield groups[start:]


def _of_groups(
    states: Sequence[bytes],
    groups: Sequence[Ints],
    *,
    classes: int,
    kind: Literal["ap", "ar"],
    series: str,
) -> Floats:
    thresholds, area = SERIES[series]
    images = np.concatenate(groups).tolist()
    columns = Columns.of(b"".join(states[i] for i in images))
    records = np.array([len(states[i]) for i in images], dtype=np.int64) // RECORD.itemsize
    owner = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    first = np.repeat(owner, records) * classes
    of_class = known_classes(columns.classes, classes) + first[columns.at]
    every = len(groups) * classes
    wanted = np.bincount(
        known_classes(columns.truth_classes, classes) + first[columns.truths_at],
        columns.truths[:, area],
        minlength=every,
    ).astype(np.int64)
    order = ranked(of_class, columns.scores, classes=every)
    of_class = of_class.take(order)
    curves = AreaCurves.of(
        columns.tp.take(order),
        columns.ignored.take(order),
        area=area,
        of_class=of_class,
        firsts=np.searchsorted(of_class, np.arange(every)),
    )
    points, total = first_reaching(wanted), np.zeros(every)
    chosen = range(len(IOU_THRESHOLDS))[thresholds]
    for t in chosen:
        envelope, hits = curves.envelope(t, points=points)
        total += envelope.mean(axis=1) if kind == "ap" else hits / np.maximum(wanted, 1)
    there = (wanted > 0).reshape(len(groups), classes)
    sums = np.where(there, total.reshape(there.shape) / len(chosen), 0.0).sum(axis=1)
    present = there.sum(axis=1)
    return np.where(present > 0, sums / np.maximum(present, 1), np.nan)
