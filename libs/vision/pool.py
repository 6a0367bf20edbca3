"""Average precision over images that come, change and go one by one.

`ap.pooled` sorts all that there is; a `Pool` keeps it sorted, by class, and an image that comes
redoes the curves of its own classes only. Both give the same numbers, bit for bit.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from libs.vision.ap import RECALL_POINTS, ClassBeyondLabelMap, Quality, ranked
from libs.vision.curves import Curves, Kinds, Rows
from libs.vision.state import AREA_NAMES, IOU_THRESHOLDS, RECORD, Columns

_T, _A, _R = len(IOU_THRESHOLDS), len(AREA_NAMES), len(RECALL_POINTS)
_NO_ROWS = Rows(
    np.zeros(0), np.zeros(0, dtype=np.uint64), np.zeros(0, np.uint16), np.zeros(0, np.int32)
)
_NONE_WANTED = np.zeros(_A, dtype=np.int64)


class Pool:
    """Images by key, in whose order equal scores rank. Not for use by two threads at once.

    Holds some 120 bytes a detection (`size`).
    """

    def __init__(self, states: Mapping[bytes, bytes] | None = None) -> None:
        self._states: dict[bytes, bytes] = dict(states or {})
        self._stored = sum(map(len, self._states.values()))
        self._keys = dict(enumerate(sorted(self._states)))
        self._owner = {key: owner for owner, key in self._keys.items()}
        self._next = len(self._keys)
        self._kinds = Kinds()
        self._classes: dict[int, Curves] = {}
        if self._states:
            self._fill()

    def __len__(self) -> int:
        return len(self._states)

    @property
    def size(self) -> int:
        """Bytes of what is kept, about."""
        return (
            self._stored
            + 300 * len(self._states)
            + sum(
                22 * len(one.rows) + one.places.nbytes + one.counted.nbytes
                for one in self._classes.values()
            )
        )

    @property
    def states(self) -> Mapping[bytes, bytes]:
        """What is in it, by key."""
        return MappingProxyType(self._states)

    def put(self, key: bytes, state: bytes) -> None:
        """Add an image, given its packed match state, or replace it."""
        columns = Columns.of(state)
        self.discard(key)
        owner, self._next = self._next, self._next + 1
        self._states[key], self._keys[owner], self._owner[key] = state, key, owner
        self._stored += len(state)
        kinds = self._kinds.of(columns.ignored)
        for c in dict.fromkeys(columns.classes.tolist()):
            mine = np.flatnonzero(columns.classes == c)
            owners = np.full(len(mine), owner, dtype=np.int32)
            rows = Rows(columns.scores[mine], columns.tp[mine], kinds[mine], owners)
            self._of(c).insert(rows, keys=self._keys)
        for c, counts in zip(columns.truth_classes.tolist(), columns.truths, strict=True):
            self._of(c).want(counts)

    def discard(self, key: bytes) -> None:
        """Take an image out, if it is there."""
        if key not in self._states:
            return
        state, owner = self._states.pop(key), self._owner.pop(key)
        self._stored -= len(state)
        columns = Columns.of(state)
        for c in dict.fromkeys(columns.classes.tolist()):
            self._of(c).remove(owner)
        for c, counts in zip(columns.truth_classes.tolist(), columns.truths, strict=True):
            self._of(c).want(-counts)
        del self._keys[owner]

    def quality(self, *, classes: int) -> Quality:
        """What `ap.pooled` says of all images; `classes`: the length of the label map."""
        self._check(classes)
        precision = np.full((_T, _R, classes, _A), -1.0)
        recall = np.full((_T, classes, _A), -1.0)
        for c, curves in self._classes.items():
            precision[:, :, c, :], recall[:, c, :] = curves.drawn()
        return Quality(precision, recall)

    def counts(self, threshold: float, *, classes: int) -> NDArray[np.int64]:
        """True positives, detections and ground truths of each class at a score threshold and
        IoU 0.5: (classes, 3)."""
        self._check(classes)
        found = np.zeros((classes, 3), dtype=np.int64)
        for c, curves in self._classes.items():
            found[c] = curves.counts(threshold)
        return found

    def _fill(self) -> None:
        ordered = [self._states[key] for key in self._keys.values()]
        columns = Columns.of(b"".join(ordered))
        records = np.array([len(state) for state in ordered]) // RECORD.itemsize
        owner = np.repeat(np.arange(len(ordered), dtype=np.int32), records)[columns.at]
        of_class = columns.classes.astype(np.int64)
        seen = np.concatenate([of_class, columns.truth_classes.astype(np.int64)])
        classes = int(seen.max(initial=-1)) + 1
        order = ranked(of_class, columns.scores, classes=max(classes, 1))
        kinds = self._kinds.of(columns.ignored)
        edges = np.searchsorted(of_class[order], np.arange(classes + 1)).tolist()
        for c in np.unique(seen).tolist():
            mine = order[edges[c] : edges[c + 1]]
            rows = Rows(columns.scores[mine], columns.tp[mine], kinds[mine], owner[mine])
            wanted = columns.truths[columns.truth_classes == c].sum(axis=0)
            self._classes[c] = Curves.of(rows, wanted, kinds=self._kinds)

    def _of(self, c: int) -> Curves:
        if c not in self._classes:
            self._classes[c] = Curves.of(_NO_ROWS, _NONE_WANTED, kinds=self._kinds)
        return self._classes[c]

    def _check(self, classes: int) -> None:
        highest = max(self._classes, default=-1)
        if highest >= classes:
            raise ClassBeyondLabelMap(highest, classes)
