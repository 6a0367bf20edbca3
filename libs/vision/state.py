"""The packed outcome of matching one image: what average precision needs, and nothing else."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
AREA_NAMES = ("all", "small", "medium", "large")
AREA_RANGES = np.array(
    [[0, 1e10], [0, 32.0**2], [32.0**2, 96.0**2], [96.0**2, 1e10]], dtype=np.float64
)
BITS = len(IOU_THRESHOLDS) * len(AREA_NAMES)

_BYTES = BITS // 8
_DETECTION, _TRUTH = 1, 2
_COUNT_LIMIT = 1 << 16
_EVERY_BIT = np.uint64((1 << BITS) - 1)
_COUNTS_AT = 1 + 2 + 8  # where the bytes of `tp` begin in a record

RECORD = np.dtype(
    [
        ("kind", "u1"),
        ("class", "<u2"),
        ("score", "<f8"),
        ("tp", "u1", _BYTES),
        ("ignored", "u1", _BYTES),
    ]
)
"""One detection: at which bits it is a true positive, at which it is left out of the count. Or
the ground truths of one class: their counts by area range, four uint16 in the bytes of `tp` and
`ignored`. The kind is also the version: another layout takes another number."""


def detection_records(
    classes: NDArray[np.int64],
    scores: NDArray[np.float64],
    *,
    tp: list[int],
    ignored: list[int],
) -> NDArray[np.void]:
    """Records of detections; `tp` and `ignored` have bit `10·area + threshold` set."""
    records = np.zeros(len(classes), dtype=RECORD)
    records["kind"], records["class"], records["score"] = _DETECTION, classes, scores
    records["tp"], records["ignored"] = _bytes(tp), _bytes(ignored)
    return records


def _bytes(bits: list[int]) -> NDArray[np.uint8]:
    words = np.array(bits, dtype="<u8").reshape(-1, 1)
    return words.view(np.uint8)[:, :_BYTES]


def take(records: NDArray[np.void], order: NDArray[np.integer]) -> NDArray[np.void]:
    """`records[order]`, as rows of bytes: numpy copies records field by field, far slower."""
    raw = records.view(np.uint8).reshape(len(records), RECORD.itemsize)
    return raw.take(order, axis=0).view(RECORD)[:, 0]


def truth_records(classes: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.void]:
    """Records of ground truths: `counts` (len(classes), 4) by area range."""
    records = np.zeros(len(classes), dtype=RECORD)
    records["kind"], records["class"] = _TRUTH, classes
    if counts.size and counts.max() >= _COUNT_LIMIT:
        raise TooManyTruths(int(counts.max()))
    packed = counts.astype("<u2").view(np.uint8).reshape(len(classes), 8)
    records["tp"], records["ignored"][:, :3] = packed[:, :_BYTES], packed[:, _BYTES:]
    return records


@dataclass(frozen=True)
class MatchState:
    """What average precision needs of one image; `pack` makes it bytes of 21 per record.

    `detections` are `RECORD`s ordered by (class, −score); `truths` one `RECORD` a class.
    """

    detections: NDArray[np.void]
    truths: NDArray[np.void]

    def pack(self) -> bytes:
        """The records' bytes. Packed states joined are the packed state of all their images."""
        return self.truths.tobytes() + self.detections.tobytes()

    @classmethod
    def unpack(cls, data: bytes) -> "MatchState":
        """The state, or the joined states, that `data` holds."""
        if len(data) % RECORD.itemsize:
            raise NotAMatchState("its length is no multiple of a record's")
        records = np.frombuffer(data, dtype=RECORD)
        kind = np.ascontiguousarray(records["kind"])
        detections, truths = np.flatnonzero(kind == _DETECTION), np.flatnonzero(kind == _TRUTH)
        if len(detections) + len(truths) != len(records):
            raise NotAMatchState("it has a record of an unknown kind")
        return cls(take(records, detections), take(records, truths))

    def truth_counts(self) -> NDArray[np.int64]:
        """Ground truths by record of `truths` and area range: (len(truths), 4)."""
        raw = self.truths.view(np.uint8).reshape(len(self.truths), RECORD.itemsize)
        packed = np.ascontiguousarray(raw[:, _COUNTS_AT : _COUNTS_AT + 2 * len(AREA_NAMES)])
        counts: NDArray[np.int64] = packed.view("<u2").astype(np.int64)
        return counts


@dataclass(frozen=True)
class Columns:
    """Joined states by column: detections (N,) as they come, ground truths by record (T,).

    `tp` and `ignored` are the bit sets as whole numbers; `truths` (T, 4) counts by area range.
    `at`, `truths_at`: which of all records each is.
    """

    at: NDArray[np.int64]
    truths_at: NDArray[np.int64]

    classes: NDArray[np.uint16]
    scores: NDArray[np.float64]
    tp: NDArray[np.uint64]
    ignored: NDArray[np.uint64]
    truth_classes: NDArray[np.uint16]
    truths: NDArray[np.int64]

    @classmethod
    def of(cls, data: bytes) -> "Columns":
        """From `MatchState.pack`, or many of them joined. Raises NotAMatchState."""
        if len(data) % RECORD.itemsize:
            raise NotAMatchState("its length is no multiple of a record's")
        kind = _column(data, "u1", at=0)
        detections, truths = np.flatnonzero(kind == _DETECTION), np.flatnonzero(kind == _TRUTH)
        if len(detections) + len(truths) != len(kind):
            raise NotAMatchState("it has a record of an unknown kind")
        of_class = _column(data, "<u2", at=1)
        # Eight bytes each: `tp` with three bytes after it, `ignored` with three before it.
        counts = [_column(data, "<u2", at=_COUNTS_AT + 2 * a) for a in range(len(AREA_NAMES))]
        return cls(
            at=detections,
            truths_at=truths,
            classes=of_class.take(detections),
            scores=_column(data, "<f8", at=3).take(detections),
            tp=_column(data, "<u8", at=_COUNTS_AT).take(detections) & _EVERY_BIT,
            ignored=_column(data, "<u8", at=_COUNTS_AT + 2).take(detections) >> np.uint64(24),
            truth_classes=of_class.take(truths),
            truths=np.stack([one.take(truths) for one in counts], axis=1).astype(np.int64),
        )


def _column(data: bytes, kind: str, *, at: int) -> NDArray[Any]:
    """The numbers that begin at byte `at` of each record, laid out one after the other."""
    size = RECORD.itemsize
    rows = len(data) // size
    strided = np.ndarray((rows,), kind, data, offset=at if rows else 0, strides=(size,))
    return strided.copy()


class TooManyTruths(ValueError):
    """More ground truths of one class on one image than the state can count."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} ground truths of one class on one image; the limit is 65535")


class NotAMatchState(ValueError):
    """Bytes that no `MatchState.pack` of a known layout made."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a packed match state: {reason}")
