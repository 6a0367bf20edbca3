"""Log entries on disk, in order, until ingest has them.

    append → queue → one write and one fsync for all that wait → durable
    peek → (sent) → done: behind it nothing is read again, and whole files go

A record that was appended survives kill -9 and a power cut. What was sent and not yet marked as
done at a crash is sent again, which ingest takes for what it is: the same prediction.
"""

import asyncio
import contextlib
import json
import os
from pathlib import Path
from typing import Any

from services.serving.core.frames import frame
from services.serving.errors import SpoolFull, SpoolUnavailable
from services.serving.store.segments import (
    Place,
    Waiting,
    check_segments,
    claim,
    read_place,
    read_records,
    segment_path,
    sync_folder,
    write_place,
)

_SEGMENT = 16 * 2**20
_REFUSED = 16 * 2**20


class Spool:
    """`root` may be shared by processes; `owner` names the installation they belong to."""

    def __init__(self, root: Path, *, owner: str, limit: int, segment: int = _SEGMENT) -> None:
        self._root = root
        self._owner = owner
        self._limit = limit
        self._segment = segment
        self._folder = root
        self._lock: int | None = None
        self._lengths: dict[int, int] = {}
        self._done = Place(0, 0)
        self._file: int | None = None
        self._number = 0
        self._queue: list[tuple[bytes, asyncio.Future[None]]] = []
        self._queued = 0
        self._writer: asyncio.Task[None] | None = None
        self._came = asyncio.Event()

    def open(self) -> None:
        """Claim a folder and take up what an earlier process left. Raises CacheUnusable."""
        self._folder, self._lock = claim(self._root, self._owner)
        self._lengths = check_segments(self._folder)
        last = read_place(self._folder)
        # Numbers are never used again: a place left by a crash cannot point into a later file.
        self._number = max(last.segment, *self._lengths, 0)
        if last.segment in self._lengths:
            self._done = Place(last.segment, min(last.offset, self._lengths[last.segment]))
        else:
            self._done = Place(min(self._lengths, default=0), 0)
        self._forget()
        if self.size:
            self._came.set()

    def close(self) -> None:
        """Let another process have the folder."""
        self._close_file()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def size(self) -> int:
        """Bytes that wait, on disk or for it."""
        done = self._done.offset if self._done.segment in self._lengths else 0
        return sum(self._lengths.values()) - done + self._queued

    def check_room(self) -> None:
        """Raises SpoolFull."""
        if self.size >= self._limit:
            raise SpoolFull(
                f"{self.size} bytes of predictions wait for ingest, the limit is {self._limit}: "
                "what is predicted now could not be logged"
            )

    async def append(self, payload: bytes) -> None:
        """Return when the record is durable.

        Raises:
            SpoolFull: nothing was written.
            SpoolUnavailable: the disk is full or broken.
        """
        self.check_room()
        data = frame(payload)
        written = asyncio.get_running_loop().create_future()
        self._queue.append((data, written))
        self._queued += len(data)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_queue())
        await written

    async def something(self) -> None:
        """Return when a record waits."""
        while self.size == self._queued:
            self._came.clear()
            await self._came.wait()

    async def peek(self, *, count: int, size: int) -> list[Waiting]:
        """The records next to be sent. Raises SpoolDamaged."""
        return await asyncio.to_thread(
            read_records, self._folder, dict(self._lengths), self._done, count=count, size=size
        )

    def done(self, place: Place) -> None:
        """All before `place` is sent."""
        self._done = place
        write_place(self._folder, place)
        self._forget()

    def refuse(self, document: dict[str, Any]) -> None:
        """Keep what ingest will never take, with the reason: one JSON document a line."""
        path = self._folder / "refused.ndjson"
        with path.open("a") as file:
            file.write(json.dumps(document) + "\n")
        if path.stat().st_size > _REFUSED:
            path.replace(self._folder / "refused.old.ndjson")

    def _forget(self) -> None:
        """Remove the files in which all is sent: pictures do not stay longer than they must."""
        for number, length in list(self._lengths.items()):
            if number > self._done.segment:
                break
            if number == self._done.segment and self._done.offset < length:
                break
            if number == self._number and self._writer is not None:
                break
            if number == self._number:
                self._close_file()
            segment_path(self._folder, number).unlink(missing_ok=True)
            del self._lengths[number]

    async def _write_queue(self) -> None:
        try:
            while self._queue:
                batch, self._queue = self._queue, []
                data = b"".join(frame for frame, _ in batch)
                try:
                    number, length = await asyncio.to_thread(self._write, data)
                except OSError as error:
                    for _, written in batch:
                        if not written.done():
                            written.set_exception(
                                SpoolUnavailable(f"the log spool cannot be written: {error}")
                            )
                else:
                    self._lengths[number] = length
                    for _, written in batch:
                        if not written.done():
                            written.set_result(None)
                finally:
                    self._queued -= len(data)
                self._came.set()
        finally:
            self._writer = None

    def _write(self, data: bytes) -> tuple[int, int]:
        """Write and synchronise; returns the file's number and its length now.

        On failure the file is as it was, and the next write begins a new one.
        """
        if self._file is None or self._lengths.get(self._number, 0) >= self._segment:
            self._begin_file()
        assert self._file is not None
        length = self._lengths.get(self._number, 0)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fdatasync(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, length)
            self._close_file()
            raise
        return self._number, length + len(data)

    def _begin_file(self) -> None:
        self._close_file()
        path = segment_path(self._folder, self._number + 1)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._number += 1
        sync_folder(self._folder)

    def _close_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
