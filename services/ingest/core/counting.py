"""Which records count, and which have been counted before.

A boot's numbers are consumed in order. What is passed over is a gap; what comes at or below the
highest number has been counted, unless it fills a gap or is a dead letter's replay.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

Range = tuple[int, int]
Number = tuple[UUID, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a run of records adds to the books of a deployment."""

    stored: int = 0
    duplicate: int = 0
    dead_lettered: int = 0


@dataclass(slots=True)
class Open:
    """The books of one deployment while a run of its records is counted.

    `passed`: the highest number consumed of each boot. `gaps`: what was passed over, ascending.
    `dead`: numbers that died and were not replayed.
    """

    passed: dict[UUID, int]
    gaps: dict[UUID, list[Range]] = field(default_factory=dict)
    dead: set[Number] = field(default_factory=set)
    new_gaps: set[tuple[UUID, Range]] = field(default_factory=set)
    old_gaps: set[tuple[UUID, Range]] = field(default_factory=set)
    revived: set[Number] = field(default_factory=set)

    @classmethod
    def read(
        cls,
        passed: Mapping[UUID, int],
        gaps: Collection[tuple[UUID, Range]] = (),
        dead: Collection[Number] = (),
    ) -> "Open":
        """The books as they are written down."""
        by_boot: dict[UUID, list[Range]] = {}
        for boot, gap in gaps:
            by_boot.setdefault(boot, []).append(gap)
        return cls(dict(passed), by_boot, set(dead))

    def takes(self, boot: UUID, sequence: int, replayed: bool = False) -> bool:
        """Whether a record counts; from now on it is consumed."""
        highest = self.passed.get(boot, 0)
        if sequence > highest:
            if sequence > highest + 1:
                self._add_gap(boot, (highest + 1, sequence - 1))
            self.passed[boot] = sequence
            return True
        if (boot, sequence) in self.dead:
            if replayed:
                self.dead.discard((boot, sequence))
                self.revived.add((boot, sequence))
            return replayed
        for gap in self.gaps.get(boot, ()):
            if gap[0] <= sequence <= gap[1]:
                self._fill(boot, gap, sequence)
                return True
        return False

    def _add_gap(self, boot: UUID, gap: Range) -> None:
        self.gaps.setdefault(boot, []).append(gap)
        self.new_gaps.add((boot, gap))

    def _fill(self, boot: UUID, gap: Range, sequence: int) -> None:
        self.gaps[boot].remove(gap)
        if (boot, gap) in self.new_gaps:
            self.new_gaps.discard((boot, gap))
        else:
            self.old_gaps.add((boot, gap))
        for left in ((gap[0], sequence - 1), (sequence + 1, gap[1])):
            if left[0] <= left[1]:
                self._add_gap(boot, left)
