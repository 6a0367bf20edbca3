"""A zip of pictures from a stranger: bounded before it is opened, and at each file."""

import struct
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO

from services.feedback.errors import ArchiveRefused

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LONGEST_COMMENT = 2**16
# A directory entry is 46 bytes and a name: no honest one needs a kilobyte.
_ENTRY = 1024
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class Archive:
    """The files of a zip, found by their path in it, or by their name where that is unique.

    Blocking: call it in a thread.
    """

    def __init__(self, file: IO[bytes], *, files: int, total: int) -> None:
        """At most `files` files that unpack to at most `total` bytes. Raises ArchiveRefused."""
        _check_directory(file, files=files)
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OSError, struct.error) as error:
            raise ArchiveRefused(f"the images are no zip file: {error}") from error
        entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
        if len(entries) > files:
            raise ArchiveRefused(f"the zip has {len(entries)} files; the limit is {files}")
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > total:
            raise ArchiveRefused(f"the zip unpacks to {unpacked} bytes; the limit is {total}")
        self._by_path = {entry.filename: entry for entry in entries}
        self._by_name: dict[str, list[zipfile.ZipInfo]] = {}
        for entry in entries:
            path = PurePosixPath(entry.filename)
            if "__MACOSX" not in path.parts:
                self._by_name.setdefault(path.name, []).append(entry)

    @property
    def names(self) -> list[str]:
        """The paths of its files, in order."""
        return sorted(self._by_path)

    def read(self, name: str, *, limit: int) -> bytes:
        """The bytes of the picture that COCO calls `name`. Raises ArchiveRefused."""
        entry = self._by_path.get(name)
        if entry is None:
            found = self._by_name.get(PurePosixPath(name).name, [])
            if len(found) > 1:
                raise ArchiveRefused(f"{name}: the zip has {len(found)} files of that name")
            if not found:
                raise ArchiveRefused(f"{name}: the zip has no such file")
            entry = found[0]
        if entry.compress_type not in _METHODS:
            raise ArchiveRefused(f"{name}: is neither stored nor deflated in the zip")
        try:
            with self._zip.open(entry) as content:
                data = content.read(limit + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
            raise ArchiveRefused(f"{name}: cannot be unpacked: {error}") from error
        if len(data) > limit:
            raise ArchiveRefused(f"{name}: is larger than {limit} bytes")
        return data


def _check_directory(file: IO[bytes], *, files: int) -> None:
    """Refuse a zip whose directory alone would fill the memory: `ZipFile` reads all of it."""
    size = file.seek(0, 2)
    start = max(0, size - _END.size - _LONGEST_COMMENT)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        raise ArchiveRefused("the images are no zip file")
    directory = _END.unpack_from(tail, at)[5]
    before = at - _LOCATOR.size
    if directory == 0xFFFFFFFF and before >= 0 and tail[before : before + 4] == b"PK\x06\x07":
        file.seek(_LOCATOR.unpack_from(tail, before)[2])
        end64 = file.read(_END64.size)
        if len(end64) < _END64.size:
            raise ArchiveRefused("the images are no zip file")
        directory = _END64.unpack(end64)[8]
    if directory > files * _ENTRY:
        raise ArchiveRefused(f"the zip has more than {files} files")
    file.seek(0)
