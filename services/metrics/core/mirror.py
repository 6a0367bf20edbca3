"""A deployment's packed buckets in memory, so that a dashboard reads only what moved.

Buckets are held in chunks of neighbouring ones. Writers number what they do to a deployment, and
their transactions commit in the order of these numbers; whoever has read all up to one number
needs only the buckets with a higher one.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.metrics.core.buckets import Level, Span, chunk_of, chunks
from services.metrics.core.heat import Grid, unpack

Place = tuple[Level, datetime]

# Spans whose heat maps are kept summed: a range has three at most.
_MOST_SUMS = 6


@dataclass(frozen=True, slots=True)
class Packed:
    """A bucket as it is stored: what is drawn over time, and the rest."""

    charted: bytes
    rest: bytes


@dataclass(slots=True)
class Mirror:
    """What is known of one deployment up to the move `upto`; `made` on the monotonic clock.

    `lock` is held while it is brought up to date.
    """

    upto: int
    made: float
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    size: int = 0
    _rollups: dict[Place, dict[datetime, Packed]] = field(default_factory=dict)
    _heats: dict[Place, dict[tuple[datetime, int], bytes]] = field(default_factory=dict)
    _sums: OrderedDict[Span, dict[int, Grid]] = field(default_factory=OrderedDict)

    def missing(self, spans: Iterable[Span], *, heat: bool = False) -> list[Span]:
        """The chunks of some spans that are not held, as spans; neighbours joined."""
        held = self._heats if heat else self._rollups
        found: list[Span] = []
        for span in spans:
            for chunk in chunks(span):
                if (chunk.level, chunk.start) in held:
                    continue
                last = found[-1] if found else None
                if last is not None and last.level is chunk.level and last.end == chunk.start:
                    found[-1] = Span(last.level, last.start, chunk.end)
                else:
                    found.append(chunk)
        return found

    def hold(self, spans: Sequence[Span], *, heat: bool = False) -> None:
        """Count the chunks of these spans as held: what they have was, or will be, put."""
        for span in spans:
            for chunk in chunks(span):
                held = self._heats if heat else self._rollups
                held.setdefault((chunk.level, chunk.start), {})

    def put(self, level: Level, bucket: datetime, packed: Packed) -> None:
        """A bucket as it is now; one of a chunk that is not held is left out."""
        chunk = self._rollups.get((level, chunk_of(level, bucket)))
        if chunk is not None:
            before = chunk.get(bucket)
            chunk[bucket] = packed
            self.size += len(packed.charted) + len(packed.rest)
            if before is not None:
                self.size -= len(before.charted) + len(before.rest)

    def put_heat(self, level: Level, bucket: datetime, label: int, *, grid: bytes) -> None:
        """A heat map as it is now; sums that it is in follow."""
        chunk = self._heats.get((level, chunk_of(level, bucket)))
        if chunk is None:
            return
        before = chunk.get((bucket, label))
        self.size += len(grid) - len(before or b"")
        chunk[bucket, label] = grid
        for span, sums in self._sums.items():
            if span.level is level and span.start <= bucket < span.end:
                more = unpack(grid) if before is None else unpack(grid) - unpack(before)
                # Not in place: a thread may be reading what was here.
                self.size += 0 if label in sums else more.nbytes
                sums[label] = sums[label] + more if label in sums else more

    def buckets(self, span: Span) -> list[tuple[datetime, Packed]]:
        """The buckets of a span that is held."""
        return [
            (bucket, packed)
            for chunk in chunks(span)
            for bucket, packed in self._rollups[chunk.level, chunk.start].items()
            if span.start <= bucket < span.end
        ]

    def heats(self, span: Span) -> list[tuple[int, bytes]]:
        """Label and grid of every heat map of a span that is held."""
        return [
            (label, grid)
            for chunk in chunks(span)
            for (bucket, label), grid in self._heats[chunk.level, chunk.start].items()
            if span.start <= bucket < span.end
        ]

    def sum_of(self, span: Span) -> dict[int, Grid] | None:
        """The sum of a span's heat maps by label, where it was put and is kept still."""
        found = self._sums.get(span)
        if found is None:
            return None
        self._sums.move_to_end(span)
        return dict(found)

    def put_sum(self, span: Span, sums: dict[int, Grid]) -> None:
        """Keep what `heat.summed` makes of `heats(span)`; nothing may be put in between."""
        self._sums[span] = dict(sums)
        self.size += _bytes(sums)
        if len(self._sums) > _MOST_SUMS:
            _, gone = self._sums.popitem(last=False)
            self.size -= _bytes(gone)


class Mirrors:
    """Mirrors of the deployments asked for lately; the one asked for longest ago goes first."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._held: OrderedDict[UUID, Mirror] = OrderedDict()

    def of(self, deployment: UUID, *, upto: int, now: float, oldest: float) -> Mirror:
        """A deployment's mirror; a new one that knows of moves up to `upto` where it has none,
        or where it was made before `oldest`."""
        mirror = self._held.get(deployment)
        if mirror is None or mirror.made < oldest:
            mirror = self._held[deployment] = Mirror(upto=upto, made=now)
        self._held.move_to_end(deployment)
        return mirror

    def trim(self) -> None:
        """Drop mirrors until the rest have at most `most` bytes; the newest one stays."""
        size = sum(mirror.size for mirror in self._held.values())
        while size > self._most and len(self._held) > 1:
            _, gone = self._held.popitem(last=False)
            size -= gone.size


def _bytes(sums: dict[int, Grid]) -> int:
    return sum(grid.nbytes for grid in sums.values())
