"""Files of an archive: which are pictures, how they are named, and what is wrong in them."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from uuid import UUID

from libs.schemas.manifest import ManifestAsset
from services.feedback.core.coco import CocoInvalid

_PICTURES = {".jpg", ".jpeg", ".png", ".webp"}
_UNSAFE = re.compile(r"[^\w.@=+ -]")
_MOST_ERRORS = 20


class Findings:
    """What is wrong in an archive's files, collected: the first twenty are kept."""

    def __init__(self) -> None:
        self._errors: list[tuple[str, str]] = []
        self._more = 0

    def add(self, where: str, what: str) -> None:
        if len(self._errors) < _MOST_ERRORS:
            self._errors.append((where, what))
        else:
            self._more += 1

    def check(self) -> None:
        """Raises CocoInvalid where anything is wrong."""
        if self._errors:
            raise CocoInvalid(self._errors, more=self._more)


def is_picture(path: str) -> bool:
    """Whether a path of an archive is that of a picture, by its suffix."""
    there = PurePosixPath(path)
    hidden = "__MACOSX" in there.parts or there.name.startswith(".")
    return there.suffix.lower() in _PICTURES and not hidden


def entry_names(assets: Sequence[ManifestAsset]) -> dict[UUID, str]:
    """A plain file name for each picture, no two with the same stem, whatever their case."""
    plain = {asset.data: _plain(asset.filename) for asset in assets}
    shared = Counter(PurePosixPath(name).stem.lower() for name in plain.values())
    return {
        data: name if shared[PurePosixPath(name).stem.lower()] == 1 else f"{data}_{name}"
        for data, name in plain.items()
    }


def _plain(filename: str) -> str:
    name = _UNSAFE.sub("_", PurePosixPath(filename.replace("\\", "/")).name).lstrip(".")[-150:]
    return name if is_picture(name) else f"{name or 'picture'}.jpg"
