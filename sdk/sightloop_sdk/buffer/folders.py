"""A folder for each process, held by a lock that ends with it; what dead ones left is adopted."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sightloop_sdk.buffer.spool import Spool

_LOCK = "lock"


@dataclass
class Held:
    """A folder that this process holds, and its spool."""

    spool: Spool
    lock: int

    def leave(self) -> None:
        """Give it up; an empty one is deleted."""
        folder = self.spool.folder
        empty = self.spool.empty
        self.spool.close()
        if empty:
            self.spool.remove()
            with contextlib.suppress(OSError):
                (folder / _LOCK).unlink()
                folder.rmdir()
        os.close(self.lock)

    def forget(self) -> None:
        """In the child of a fork: close what is the parent's, and leave it to him."""
        self.spool.close()
        os.close(self.lock)


def make(root: Path) -> Held:
    """A folder of one's own. Raises OSError."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    while True:
        folder = root / f"{time.time_ns():020d}-{os.getpid()}-{uuid4().hex[:8]}"
        folder.mkdir(mode=0o700)
        lock = _locked(folder, create=True)
        if lock is not None:
            return Held(Spool(folder), lock)


def adopt(root: Path) -> Iterator[Held]:
    """The folders that nobody holds any more, the oldest first."""
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir())
    except FileNotFoundError:
        return
    for folder in folders:
        lock = _locked(folder, create=False)
        if lock is None:
            if not (folder / _LOCK).exists():
                # Its maker died before he had locked it; one who is about to makes another.
                with contextlib.suppress(OSError):
                    folder.rmdir()
            continue
        try:
            held = Held(Spool(folder), lock)
        except OSError:
            os.close(lock)
            continue
        if held.spool.empty:
            held.leave()
        else:
            yield held


def _locked(folder: Path, *, create: bool) -> int | None:
    """The descriptor of the folder's lock, or None: somebody holds it, or it is gone."""
    path = folder / _LOCK
    flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    try:
        lock = os.open(path, flags, 0o600)
    except OSError:
        return None
    with contextlib.suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held it may have deleted the folder in between.
        if path.stat().st_ino == os.fstat(lock).st_ino:
            return lock
    os.close(lock)
    return None
