"""A folder of this machine. No symbolic link below it is followed, neither to list nor to read.

Every folder on the way is opened by its name in the one before, so nothing that is exchanged for
a link meanwhile leads elsewhere.
"""

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path

from services.ingest.actions.places.outside import (
    BadPath,
    Entry,
    PlaceRefuses,
    Unreadable,
    check_path,
)

_AT_ONCE = 500
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe would make an opening wait for its writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LINK = "it is a symbolic link, or lies behind one: links are not followed"


class FolderOutside:
    """The files below `root`; which may be a link itself."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def entries(self, path: str, *, after: str) -> AsyncIterator[Entry]:
        found = self._walk(path, tuple(after.split("/")) if after else ())
        while some := await asyncio.to_thread(lambda: list(islice(found, _AT_ONCE))):
            for entry in some:
                yield entry

    async def read(self, name: str, *, limit: int) -> bytes:
        return await asyncio.to_thread(self._read, name, limit)

    def _read(self, name: str, limit: int) -> bytes:
        folders, _, leaf = check_path(name).rpartition("/")
        try:
            at = self._open(folders.split("/") if folders else [])
            try:
                file = os.open(leaf, _FILE, dir_fd=at)
            finally:
                os.close(at)
            with os.fdopen(file, "rb") as source:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise Unreadable("it is no file")
                content = source.read(limit + 1)
        except OSError as error:
            raise Unreadable(_said(error)) from error
        if len(content) > limit:
            raise Unreadable(f"the picture is larger than {limit} bytes")
        return content

    def _walk(self, path: str, after: tuple[str, ...]) -> Iterator[Entry]:
        segments = path.split("/") if path else []
        try:
            at = self._open(segments)
        except NotADirectoryError:
            if after != tuple(segments):
                yield Entry(name=path)
            return
        except OSError as error:
            raise PlaceRefuses(f"the folder {path or '.'!r}: {_said(error)}") from error
        yield from _below(at, tuple(segments), after)

    def _open(self, segments: list[str]) -> int:
        """The descriptor of a folder; the caller closes it. Raises OSError."""
        at = os.open(self._root, _FOLDER & ~os.O_NOFOLLOW)
        for segment in segments:
            try:
                inner = os.open(segment, _FOLDER, dir_fd=at)
            finally:
                os.close(at)
            at = inner
        return at


def _below(at: int, base: tuple[str, ...], after: tuple[str, ...]) -> Iterator[Entry]:
    """What lies in an open folder and below, by name; closes it."""
    try:
        for shown, raw in sorted((_shown(raw), raw) for raw in os.listdir(at)):
            name = (*base, shown)
            if name < after[: len(name)]:
                continue
            why, inner = _opened(at, raw, "/".join(name))
            if inner is not None:
                yield from _below(inner, name, after)
            elif name > after:
                yield Entry(name="/".join(name), refused=why)
    finally:
        os.close(at)


def _opened(at: int, raw: str, name: str) -> tuple[str | None, int | None]:
    """Why something in a folder cannot be read, or the descriptor of a folder."""
    try:
        check_path(name)
        mode = os.stat(raw, dir_fd=at, follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            return _LINK, None
        return None, os.open(raw, _FOLDER, dir_fd=at) if stat.S_ISDIR(mode) else None
    except BadPath as error:
        return str(error), None
    except OSError as error:
        return _said(error), None


def _shown(raw: str) -> str:
    """A name as it can be stored: what is no UTF-8 has backslashes, which no path may have."""
    return raw.encode("utf-8", "backslashreplace").decode()


def _said(error: OSError) -> str:
    match error.errno:
        case errno.ELOOP | errno.ENOTDIR:
            return _LINK
        case errno.ENOENT:
            return "it is not there"
        case errno.EACCES | errno.EPERM:
            return "the service may not read it"
        case _:
            return f"it cannot be read: {error.strerror}"
