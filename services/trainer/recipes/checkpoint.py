"""What a retraining starts from: an npz of plain arrays; the same run makes the same bytes."""

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.trainer.recipes.base import CheckpointUnfit
from services.trainer.recipes.layers import Arrays

META = "meta"
# Whatever a stranger's bytes make of numpy, zip and deflate; encrypted archives and those packed
# in an unknown way among them.
_UNREADABLE = (
    ValueError, LookupError, TypeError, AttributeError, EOFError, OSError, RuntimeError,
    MemoryError, struct.error, zlib.error, zipfile.BadZipFile,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Arrays by name and the labels whose order they were trained in.

    `threshold`: the score from which a detection counts; none where the recipe knows no such thing.
    """

    recipe: str
    labels: tuple[str, ...]
    arrays: Arrays
    threshold: float | None = None

    def pack(self) -> bytes:
        meta = json.dumps(
            {"recipe": self.recipe, "labels": list(self.labels), "threshold": self.threshold}
        )
        packed = io.BytesIO()
        np.savez(packed, allow_pickle=False, **{META: np.array(meta)}, **self.arrays)
        return packed.getvalue()


def unpack(content: bytes, recipe: str) -> Checkpoint:
    """Raises CheckpointUnfit if it is no checkpoint of `recipe`."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            meta = json.loads(str(archive[META]))
            arrays = {name: archive[name] for name in archive.files if name != META}
            found, labels = meta["recipe"], tuple(meta["labels"])
            threshold = meta.get("threshold")
    except _UNREADABLE as error:
        msg = f"The model to start from has no checkpoint of the recipe {recipe}: {error}"
        raise CheckpointUnfit(msg) from error
    if found != recipe:
        msg = f"The model to start from was trained by the recipe {found}, not by {recipe}."
        raise CheckpointUnfit(msg)
    return Checkpoint(recipe, labels, arrays, threshold)


def relabelled(
    kept: Arrays, fresh: Arrays, *, old: tuple[str, ...], new: tuple[str, ...], last_axis: set[str]
) -> Arrays:
    """`fresh` with what `kept` knows: equal arrays whole, those of `last_axis` label by label.

    Raises CheckpointUnfit if an array has another shape than the network's.
    """
    started: Arrays = {}
    pairs = [(new.index(label), old.index(label)) for label in new if label in old]
    for name, array in fresh.items():
        source = kept.get(name)
        if source is None or source.ndim != array.ndim:
            msg = f"The checkpoint to start from lacks {name}: it is of another network."
            raise CheckpointUnfit(msg)
        if name in last_axis:
            array = array.copy()
            if source.shape[:-1] == array.shape[:-1] and source.shape[-1] == len(old):
                for to, origin in pairs:
                    array[..., to] = source[..., origin]
        elif source.shape == array.shape:
            array = source.astype(array.dtype)
        else:
            msg = f"The checkpoint to start from has {name} of the shape {source.shape}."
            raise CheckpointUnfit(msg)
        started[name] = array
    return started


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over names and bytes, in order of name."""
    sha = hashlib.sha256()
    for name in sorted(arrays):
        sha.update(name.encode())
        sha.update(np.ascontiguousarray(arrays[name]).tobytes())
    return sha.hexdigest()
