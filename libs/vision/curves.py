"""The precision–recall curves of one class, kept up to date as images come and go.

A curve is one bit of `state`: an area range at an IoU threshold. Only true positives matter to it,
and of each its place among them and the number of rows that count up to it. The true positives of
all forty curves are laid end to end: a row that comes or goes moves numbers behind it by one, in
one pass over them, and nothing is sorted again.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from libs.vision.ap import RECALL_POINTS, first_reaching
from libs.vision.state import AREA_NAMES, BITS, IOU_THRESHOLDS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

_T, _A = len(IOU_THRESHOLDS), len(AREA_NAMES)
_EACH_BIT = np.arange(BITS, dtype=np.uint64)
# A true positive is its curve and its row in one number: 2²⁶ rows of a class at most.
_ROW_BITS = 26
_CURVES = np.arange(BITS, dtype=np.int64) << _ROW_BITS


class Kinds:
    """The different sets of curves that rows are left out of: few, so that a row names its own.

    `counts` (kinds, 40): whether a row of the kind counts.
    """

    def __init__(self) -> None:
        self._known: dict[int, int] = {}
        self.counts = np.zeros((0, BITS), dtype=np.int64)

    def of(self, ignored: Words) -> NDArray[np.uint16]:
        """The kind of each row (N,), from the bits at which it does not count."""
        values, index = np.unique(ignored, return_inverse=True)
        new = [value for value in values.tolist() if value not in self._known]
        for value in new:
            self._known[value] = len(self._known)
        if new:
            rows = ~_bits(np.array(new, dtype=np.uint64))
            self.counts = np.concatenate([self.counts, rows.astype(np.int64)])
        kinds = np.array([self._known[value] for value in values.tolist()], dtype=np.uint16)
        return kinds[index.reshape(-1)]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one class (N,) by falling score: score, true-positive bits, kind, and whose."""

    scores: Floats
    tp: Words
    kinds: NDArray[np.uint16]
    owners: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.scores)

    def with_(self, others: "Rows", at: Ints) -> "Rows":
        """With other rows put before those at some indices, in order."""
        return Rows(
            _inserted(self.scores, at, others.scores),
            _inserted(self.tp, at, others.tp),
            _inserted(self.kinds, at, others.kinds),
            _inserted(self.owners, at, others.owners),
        )

    def without(self, at: Ints) -> "Rows":
        """Without the rows at some indices."""
        return Rows(
            np.delete(self.scores, at),
            np.delete(self.tp, at),
            np.delete(self.kinds, at),
            np.delete(self.owners, at),
        )


@dataclass(slots=True)
class Curves:
    """One class: its rows and, of every curve's true positives, `places` and `counted` (P,).

    `places`: curve and row; ascending. `counted`: rows that count, up to and with its own.
    `found` (40,): true positives of each curve. `wanted` (4,): ground truths by area range.
    """

    kinds: Kinds
    rows: Rows
    wanted: Ints
    places: NDArray[np.uint32]
    counted: NDArray[np.int32]
    found: Ints
    _drawn: "tuple[Floats, Floats] | None" = field(default=None)

    @classmethod
    def of(cls, rows: Rows, wanted: Ints, *, kinds: Kinds) -> "Curves":
        """All at once."""
        places, counted = [], []
        upto = np.zeros(0, dtype=np.int32)
        for bit in range(BITS):
            hits = np.flatnonzero(rows.tp >> np.uint64(bit) & np.uint64(1))
            # Most curves count what the one before counts.
            if bit == 0 or (kinds.counts[:, bit] != kinds.counts[:, bit - 1]).any():
                upto = np.cumsum(kinds.counts[:, bit].take(rows.kinds), dtype=np.int32)
            places.append(hits.astype(np.uint32) | np.uint32(_CURVES[bit]))
            counted.append(upto.take(hits))
        found = np.array([len(some) for some in places], dtype=np.int64)
        return cls(kinds, rows, wanted, np.concatenate(places), np.concatenate(counted), found)

    def insert(self, new: Rows, *, keys: Mapping[int, bytes]) -> None:
        """Put in the rows of an image that has none here; `keys` of owners order equal scores."""
        before = self._before(new, keys)
        self._move(before, new.kinds, by=1)
        self.rows = self.rows.with_(new, before)
        at = before + np.arange(len(new))
        row, bit = np.nonzero(_bits(new.tp))
        if len(row):
            places = (at[row] | _CURVES[bit]).astype(np.uint32)
            counted = np.stack([self._counted_upto(r) for r in at.tolist()])[row, bit]
            order = np.argsort(places)
            where = np.searchsorted(self.places, places[order])
            self.places = _inserted(self.places, where, places[order])
            self.counted = _inserted(self.counted, where, counted[order].astype(np.int32))
            self.found = self.found + np.bincount(bit, minlength=BITS)
        self._drawn = None

    def remove(self, owner: int) -> None:
        """Take an image's rows out."""
        at = np.flatnonzero(self.rows.owners == owner)
        row, bit = np.nonzero(_bits(self.rows.tp[at]))
        if len(row):
            where = np.searchsorted(self.places, (at[row] | _CURVES[bit]).astype(np.uint32))
            self.places = np.delete(self.places, where)
            self.counted = np.delete(self.counted, where)
            self.found = self.found - np.bincount(bit, minlength=BITS)
        self._move(at, self.rows.kinds[at], by=-1)
        self.rows = self.rows.without(at)
        self._drawn = None

    def want(self, counts: Ints) -> None:
        """So many more ground truths by area range (4,), or fewer."""
        self.wanted = self.wanted + counts
        self._drawn = None

    def counts(self, threshold: float) -> tuple[int, int, int]:
        """True positives, detections and ground truths at a score threshold and IoU 0.5."""
        shown = int(np.searchsorted(-self.rows.scores, -threshold, side="right"))
        hits = int(np.searchsorted(self.places[: self.found[0]], shown))
        return hits, int(self._counted_upto(shown - 1)[0]), int(self.wanted[0])

    def drawn(self) -> tuple[Floats, Floats]:
        """Precision (thresholds 10, recall points 101, areas 4) and recall (10, 4), −1 without
        ground truth: COCO's numbers, bit for bit."""
        if self._drawn is None:
            self._drawn = self._draw()
        return self._drawn

    def _draw(self) -> tuple[Floats, Floats]:
        starts = np.cumsum(self.found) - self.found
        k = np.arange(1.0, len(self.counted) + 1.0)
        k -= np.repeat(starts, self.found)
        k /= self.counted + np.spacing(1)
        points = np.repeat(first_reaching(self.wanted), _T, axis=0)
        reached = points <= self.found[:, None]
        envelope = np.zeros((BITS, len(RECALL_POINTS)))
        if len(k):
            breaks = (points + (starts - 1)[:, None])[reached]
            envelope[reached] = np.maximum.reduceat(k, breaks)
        envelope = np.maximum.accumulate(envelope[:, ::-1], axis=1)[:, ::-1]
        wanted = np.repeat(self.wanted, _T)
        envelope[wanted == 0] = -1.0
        recall = np.where(wanted > 0, self.found / np.maximum(wanted, 1), -1.0)
        precision = envelope.reshape(_A, _T, -1).transpose(1, 2, 0)
        return precision, recall.reshape(_A, _T).T

    def _before(self, new: Rows, keys: Mapping[int, bytes]) -> Ints:
        """Before which row each new one comes: by falling score, then by its image's key."""
        falling, key = -self.rows.scores, keys[int(new.owners[0])]
        low, high = (np.searchsorted(falling, -new.scores, side=s) for s in ("left", "right"))
        owners = self.rows.owners
        for i in np.flatnonzero(low < high).tolist():
            equal = range(int(low[i]), int(high[i]))
            low[i] += bisect_left(equal, key, key=lambda r: keys[int(owners[r])])
        return low

    def _move(self, at: Ints, kinds: NDArray[np.uint16], *, by: int) -> None:
        """What rows that come before, or go from, some indices do to those behind."""
        first = np.searchsorted(self.places, (at[:, None] | _CURVES).astype(np.uint32))
        counts, ends = self.kinds.counts[kinds], np.cumsum(self.found)
        steps = np.zeros(len(self.places) + 1, dtype=np.int32)

        def behind(weights: Ints) -> NDArray[np.int32]:
            """Of each true positive the weights (N, 40) of the rows before it."""
            steps[:] = 0
            np.add.at(steps, first, weights)
            np.subtract.at(steps, ends, weights.sum(axis=0))
            return np.cumsum(steps, dtype=np.int32)[:-1]

        moved = behind(np.full_like(counts, by))
        self.places += moved.view(np.uint32)
        self.counted += moved if counts.all() else behind(by * counts)

    def _counted_upto(self, row: int) -> Ints:
        """How many rows up to and with one count, for each curve (40,)."""
        kinds = np.bincount(self.rows.kinds[: row + 1], minlength=len(self.kinds.counts))
        upto: Ints = kinds @ self.kinds.counts
        return upto


def _bits(words: Words) -> NDArray[np.bool_]:
    """Bit sets (N,) as (N, 40)."""
    return (words[:, None] >> _EACH_BIT & np.uint64(1)).astype(bool)


def _inserted(old: NDArray, at: Ints, new: NDArray) -> NDArray:  # type: ignore[type-arg]
    """`np.insert` for a few values at ascending indices: pieces put together, far faster."""
    edges = [0, *at.tolist(), len(old)]
    pieces = [old[edges[0] : edges[1]]]
    for i in range(len(at)):
        pieces += [new[i : i + 1], old[edges[i + 1] : edges[i + 2]]]
    return np.concatenate(pieces)
