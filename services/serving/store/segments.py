"""The files of a spool: claimed by one process, whole after a crash."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

import structlog

from services.serving.core.frames import HEAD_SIZE, payload_length, scan, unframe
from services.serving.errors import CacheUnusable, SpoolDamaged

log = structlog.get_logger()
_PROCESSES = 64


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Between two records."""

    segment: int
    offset: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record, and the place behind it."""

    end: Place
    payload: bytes


def claim(root: Path, owner: str) -> tuple[Path, int]:
    """A folder `<owner>-<n>` that no other process has, and the descriptor that holds it.

    The lowest number that is free: after a restart a process finds what it left.

    Raises:
        CacheUnusable: the folder cannot be made, or all are taken.
    """
    try:
        for number in range(_PROCESSES):
            folder = root / f"{owner}-{number}"
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            return folder, descriptor
    except OSError as error:
        raise CacheUnusable(f"cannot use the folder {root}: {error.strerror}") from error
    raise CacheUnusable(f"{_PROCESSES} processes share the folder {root} already")


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:016d}.log"


def check_segments(folder: Path) -> dict[int, int]:
    """The length of each segment, in order. What a crash left unfinished is cut off; what was
    finished and cannot be read is put aside as `….damaged`."""
    lengths = {}
    for path in sorted(folder.glob("*.log")):
        data = path.read_bytes()
        found = scan(data)
        if found.good < len(data):
            if not found.torn:
                path.with_suffix(".damaged").write_bytes(data[found.good :])
                log.error("spool.damaged", path=str(path), after=found.good)
            os.truncate(path, found.good)
        if found.good:
            lengths[int(path.stem)] = found.good
        else:
            path.unlink()
    return lengths


def read_records(
    folder: Path, lengths: dict[int, int], start: Place, *, count: int, size: int
) -> list[Waiting]:
    """Records from `start` on: at most `count`, and after the first at most `size` bytes.

    Raises:
        SpoolDamaged: one is not what was written; a restart puts the rest of its file aside.
    """
    found: list[Waiting] = []
    left = size
    for number in sorted(n for n in lengths if n >= start.segment):
        offset = start.offset if number == start.segment else 0
        with segment_path(folder, number).open("rb") as file:
            file.seek(offset)
            while offset < lengths[number]:
                head = file.read(HEAD_SIZE)
                length = payload_length(head)
                if len(found) == count or (found and length > left):
                    return found
                payload = unframe(head + file.read(length))
                if payload is None:
                    raise SpoolDamaged(f"{segment_path(folder, number)} at {offset}")
                offset += HEAD_SIZE + length
                left -= length
                found.append(Waiting(Place(number, offset), payload))
    return found


def write_place(folder: Path, place: Place) -> None:
    """Remember how far the records are done. Not synchronised: sending again does no harm."""
    partial = folder / "place.partial"
    partial.write_text(f"{place.segment} {place.offset}")
    partial.replace(folder / "place")


def read_place(folder: Path) -> Place:
    """The place that was written last; the very start where none was."""
    try:
        segment, offset = map(int, (folder / "place").read_text().split())
    except (OSError, ValueError):
        return Place(0, 0)
    return Place(segment, offset)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
