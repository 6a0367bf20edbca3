"""Records on disk, in order: segments that are appended to, read from the front and deleted.

A record is a head (magic, length, CRC-32) and its content: the length of the JSON, the JSON, the
picture. A torn or broken record is found by its checksum; reading goes on at the next whole one.
One thread appends, one reads; the lock is theirs, no caller of `monitor` waits for it.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import msgspec

from sightloop_sdk.record import Finished

_HEAD = struct.Struct("<4sII")
_JSON = struct.Struct("<I")
_MAGIC = b"\xa7SL1"
_LONGEST = 2**30
SEGMENT_BYTES = 8 * 2**20


class _Named(msgspec.Struct, frozen=True):
    prediction_id: UUID


@dataclass(frozen=True)
class Place:
    """A place in a spool: segment number and offset."""

    segment: int
    offset: int


@dataclass(frozen=True)
class Entry:
    """A record that was read, and the place behind it. `content` None: it was broken."""

    content: Finished | None
    behind: Place
    size: int


def packed(finished: Finished) -> bytes:
    """A record as it lies on disk."""
    picture = finished.picture or b""
    content = b"".join((_JSON.pack(len(finished.document)), finished.document, picture))
    return _HEAD.pack(_MAGIC, len(content), zlib.crc32(content)) + content


def packed_size(finished: Finished) -> int:
    """Bytes of a record on disk."""
    return _HEAD.size + _JSON.size + len(finished.document) + len(finished.picture or b"")


class Spool:
    """Segments of one folder. `size`: bytes that lie there and are not settled."""

    def __init__(self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.folder = folder
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._sizes = {int(path.stem): path.stat().st_size for path in sorted(folder.glob("*.seg"))}
        self._next = max(self._sizes, default=0) + 1
        self._writing: int | None = None
        self._tail = 0
        self._reading: tuple[int, int] | None = None
        first = min(self._sizes, default=self._next)
        self._front = Place(first, 0)

    @property
    def size(self) -> int:
        with self._lock:
            return sum(self._sizes.values()) - self._front.offset

    @property
    def empty(self) -> bool:
        return self.size <= 0

    def append(self, records: Sequence[bytes], *, sync: bool = False) -> None:
        """Append records. `sync`: a segment that is full is on the disk before the next begins.

        Raises:
            OSError: none of the records is there.
        """
        joined = memoryview(b"".join(records))
        with self._lock:
            if self._writing is not None and self._front == Place(self._next - 1, self._tail):
                # All was sent: what is written over never has to reach the disk.
                os.ftruncate(self._writing, 0)
                self._tail = self._sizes[self._next - 1] = 0
                self._front = Place(self._next - 1, 0)
            if self._writing is None or self._tail >= self._segment_bytes:
                self._roll(sync=sync)
            segment, written = self._writing, 0
            assert segment is not None
            try:
                while written < len(joined):
                    written += os.pwrite(segment, joined[written:], self._tail + written)
            except OSError:
                os.ftruncate(segment, self._tail)
                raise
            self._tail += written
            self._sizes[self._next - 1] = self._tail

    def peek(self, count: int, size: int) -> list[Entry]:
        """Up to `count` records of about `size` bytes from the front; one at least if any is."""
        found: list[Entry] = []
        with self._lock:
            at, taken = self._front, 0
            while len(found) < count and taken < size:
                entry = self._read(at)
                if entry is None:
                    break
                found.append(entry)
                taken += entry.size
                at = entry.behind
        return found

    def settle(self, behind: Place) -> None:
        """All before `behind` is settled: segments that are through are deleted."""
        with self._lock:
            self._front = behind
            through = [
                number
                for number, size in self._sizes.items()
                if number < behind.segment
                or (number == behind.segment <= self._next - 2 and behind.offset >= size)
            ]
            for number in through:
                del self._sizes[number]
            if through and behind.segment in through:
                self._front = Place(min(self._sizes, default=self._next), 0)
        for number in through:
            self._path(number).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the files; what is there stays."""
        for held in (self._writing, self._reading[1] if self._reading else None):
            if held is not None:
                with contextlib.suppress(OSError):
                    os.close(held)
        self._writing = self._reading = None

    def remove(self) -> None:
        """Delete the segments."""
        self.close()
        for path in self.folder.glob("*.seg"):
            path.unlink(missing_ok=True)

    def _roll(self, *, sync: bool) -> None:
        if self._writing is not None:
            if sync:
                os.fsync(self._writing)
            os.close(self._writing)
            self._writing = None
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._writing = os.open(self._path(self._next), flags, 0o600)
        self._tail = 0
        self._sizes[self._next] = 0
        self._next += 1

    def _read(self, at: Place) -> Entry | None:
        size = self._sizes.get(at.segment)
        later = min((number for number in self._sizes if number > at.segment), default=None)
        if size is None or at.offset >= size:
            return self._read(Place(later, 0)) if later is not None else None
        head = self._part(at.segment, at.offset, _HEAD.size)
        if len(head) == _HEAD.size:
            magic, length, checksum = _HEAD.unpack(head)
            if magic == _MAGIC and length <= min(_LONGEST, size - at.offset - _HEAD.size):
                content = self._part(at.segment, at.offset + _HEAD.size, length)
                if zlib.crc32(content) == checksum:
                    behind = Place(at.segment, at.offset + _HEAD.size + length)
                    return Entry(_unpacked(content), behind, _HEAD.size + length)
        return self._broken(at, size)

    def _broken(self, at: Place, size: int) -> Entry:
        rest = self._part(at.segment, at.offset + 1, size - at.offset - 1)
        found = rest.find(_MAGIC)
        end = size if found < 0 else at.offset + 1 + found
        return Entry(None, Place(at.segment, end), end - at.offset)

    def _part(self, segment: int, offset: int, length: int) -> bytes:
        if self._reading is None or self._reading[0] != segment:
            if self._reading is not None:
                os.close(self._reading[1])
                self._reading = None
            self._reading = (segment, os.open(self._path(segment), os.O_RDONLY | os.O_CLOEXEC))
        return os.pread(self._reading[1], length, offset)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:012d}.seg"


def _unpacked(content: bytes) -> Finished:
    (length,) = _JSON.unpack_from(content)
    document = content[_JSON.size : _JSON.size + length]
    picture = content[_JSON.size + length :]
    named = msgspec.json.decode(document, type=_Named)
    return Finished(named.prediction_id, document, picture or None)
