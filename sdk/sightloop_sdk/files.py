"""Files that are sent and fetched."""

from __future__ import annotations

import contextlib
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sightloop_sdk.calls import Call
from sightloop_sdk.errors import NotThere, SightloopError

if TYPE_CHECKING:
    from sightloop_sdk.transport import Transport

PICTURES = (".jpg", ".jpeg", ".png", ".webp")


def download(transport: Transport, path: str, to: Path) -> Path:
    """Fetch into a file: whole or not at all. Returns its path."""
    to.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=to.parent, prefix=f".{to.name}.")
    part = Path(name)
    try:
        with (
            os.fdopen(descriptor, "wb") as out,
            transport.stream(Call(method="GET", path=path, timeout=600)) as answer,
        ):
            for piece in answer.iter_bytes(2**18):
                out.write(piece)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    return to


def pictures_in(paths: Iterable[str | Path]) -> list[Path]:
    """The pictures of files and folders (and the folders in them), sorted. Raises NotThere."""
    found: list[Path] = []
    for given in map(Path, paths):
        if given.is_dir():
            found += sorted(p for p in given.rglob("*") if p.suffix.lower() in PICTURES)
        elif given.is_file():
            found.append(given)
        else:
            raise NotThere(f"there is no file or folder {str(given)!r}")
    return found


def safe_name(name: str) -> str:
    """A file's name within a folder. Raises SightloopError: it would lead out of it."""
    found = Path(name).name
    if found in ("", ".", ".."):
        raise SightloopError(f"the server named a file {name!r}, which is no name")
    return found


@contextlib.contextmanager
def zipped(images: str | Path) -> Iterator[Path]:
    """A zip of a folder's pictures, stored as they are; a zip is taken as it is."""
    given = Path(images)
    if given.is_file():
        yield given
        return
    found = pictures_in([given])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as out:
            for picture in found:
                out.write(picture, picture.relative_to(given).as_posix())
        yield path
