"""The keys of a folder in their order, without reading what a page does not need."""

import os
from collections.abc import Iterator
from pathlib import Path

LEAF = "~"


def walk(root: Path, *, prefix: str, after: str) -> Iterator[tuple[str, os.stat_result]]:
    """Keys that begin with `prefix` and are beyond `after`, in the order of their characters.

    A blob's file ends in `~`, which no key contains: every other name is a folder.
    """
    yield from _walk(root, "", prefix=prefix, after=after)


def _walk(
    folder: Path, base: str, *, prefix: str, after: str
) -> Iterator[tuple[str, os.stat_result]]:
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(".")]  # noqa: PTH208
    except FileNotFoundError:
        return
    keys = [base + (n.removesuffix(LEAF) if n.endswith(LEAF) else f"{n}/") for n in names]
    for key in sorted(keys):
        name = key.removeprefix(base)
        if key.endswith("/"):
            inside = key.startswith(prefix) or prefix.startswith(key)
            if inside and (key > after or after.startswith(key)):
                yield from _walk(folder / name, key, prefix=prefix, after=after)
        elif key.startswith(prefix) and key > after:
            try:
                yield key, (folder / (name + LEAF)).stat()
            except FileNotFoundError:
                continue
