"""One blob as one file: a header of fixed size, then the bytes.

    0        4                          512
    | SLB1 | JSON, padded with spaces | bytes … |

The content type and the hash are in the same file as the bytes, so that one rename puts or
replaces all of it. Everything here blocks.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

HEADER = 512

_MAGIC = b"SLB1"


class DamagedBlob(Exception):
    """The file is not one of ours: its header is missing or cut."""


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the bytes."""

    content_type: str
    sha256: str


def write_blob(path: Path, scratch: Path, *, pieces: Iterator[bytes], content_type: str) -> Header:
    """Put the pieces at `path`, whole or not at all, durable on return.

    `scratch` is a folder of the same file system. Raises OSError.
    """
    fresh = scratch / uuid4().hex
    digest = hashlib.sha256()
    try:
        with fresh.open("xb") as out:
            out.write(bytes(HEADER))
            for piece in pieces:
                digest.update(piece)
                out.write(piece)
            header = Header(content_type, digest.hexdigest())
            out.seek(0)
            out.write(_encode(header))
            out.flush()
            os.fsync(out.fileno())
        _make_folder(path.parent)
        fresh.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return header


def read_header(descriptor: int, path: Path) -> Header:
    """The header of an open blob. Raises DamagedBlob."""
    raw = os.pread(descriptor, HEADER, 0)
    try:
        if len(raw) != HEADER or raw[:4] != _MAGIC:
            raise DamagedBlob(str(path))
        fields = json.loads(raw[4:])
        return Header(fields["type"], fields["sha256"])
    except (ValueError, KeyError) as error:
        raise DamagedBlob(str(path)) from error


def file_pieces(path: Path, size: int) -> Iterator[bytes]:
    """A file's bytes in pieces of `size`."""
    with path.open("rb") as source:
        while piece := source.read(size):
            yield piece


def _encode(header: Header) -> bytes:
    text = json.dumps({"type": header.content_type, "sha256": header.sha256}).encode()
    if len(_MAGIC) + len(text) > HEADER:
        raise ValueError("the content type is too long")
    return (_MAGIC + text).ljust(HEADER)


def _make_folder(folder: Path) -> None:
    """Make the folder and what is above it; each new name is durable."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
