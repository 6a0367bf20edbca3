"""Memory and open files of the processes, through a run."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

_EVERY_SECONDS = 1.0
_PAGE = 4096
# What a process may grow by between the second quarter of a calm run and its last one.
_MEMORY, _SHARE, _FILES = 12 * 2**20, 0.08, 4


@dataclass(frozen=True, slots=True)
class Sample:
    """A process at a moment: seconds since the start, resident bytes, open files."""

    at: float
    memory: int
    files: int


@dataclass(slots=True)
class Vitals:
    """Samples of each process, by its name and id."""

    lives: dict[tuple[str, int], list[Sample]] = field(default_factory=dict)

    async def record(self, processes: Callable[[], Mapping[str, int]]) -> None:
        """Sample the processes (ids by name) once a second, until cancelled."""
        started = time.monotonic()
        while True:
            for name, pid in processes().items():
                try:
                    sample = _sample(pid, time.monotonic() - started)
                except (FileNotFoundError, ProcessLookupError):
                    continue
                self.lives.setdefault((name, pid), []).append(sample)
            await asyncio.sleep(_EVERY_SECONDS)

    def lines(self) -> Iterator[str]:
        """The highest of each process, over all its lives."""
        names = sorted({name for name, _ in self.lives})
        for name in names:
            mine = [samples for (of, _), samples in self.lives.items() if of == name]
            samples = [sample for life in mine for sample in life]
            last = max(samples, key=lambda sample: sample.at)
            yield (
                f"{name:12} {len(mine)} lives, memory at most "
                f"{max(s.memory for s in samples) / 2**20:4.0f} MB, at the end "
                f"{last.memory / 2**20:4.0f} MB; open files at most "
                f"{max(s.files for s in samples):3}, at the end {last.files:3}"
            )

    def growing(self) -> list[str]:
        """Processes that are not flat: the last quarter of a life above its second one."""
        found = []
        for (name, _), samples in self.lives.items():
            quarter = len(samples) // 4
            before, after = samples[quarter : 2 * quarter], samples[3 * quarter :]
            if not before or not after:
                continue
            then, now = median(s.memory for s in before), median(s.memory for s in after)
            if now - then > max(_MEMORY, _SHARE * then):
                found.append(f"{name}: memory from {then / 2**20:.0f} to {now / 2**20:.0f} MB")
            opened = median(s.files for s in after) - median(s.files for s in before)
            if opened > _FILES:
                found.append(f"{name}: {opened:.0f} more open files")
        return found


def _sample(pid: int, at: float) -> Sample:
    folder = Path("/proc") / str(pid)
    pages = int((folder / "statm").read_text().split()[1])
    return Sample(at, pages * _PAGE, sum(1 for _ in (folder / "fd").iterdir()))
