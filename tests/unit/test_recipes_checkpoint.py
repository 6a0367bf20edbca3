"""A file called checkpoint may be anybody's: it is told apart, and never a fault."""

import io
import zipfile

import numpy as np
import pytest

from services.trainer.recipes.base import CheckpointUnfit
from services.trainer.recipes.checkpoint import Checkpoint, relabelled, unpack


def packed(**arrays: object) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)  # type: ignore[arg-type]  # as a stranger writes it
    return out.getvalue()


def array_alone() -> bytes:
    out = io.BytesIO()
    np.save(out, np.zeros(3))
    return out.getvalue()


def as_torch_saves() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
    return out.getvalue()


def damaged() -> bytes:
    whole = bytearray(packed(meta=np.array("{}" * 4000), weights=np.arange(9000)))
    middle = len(whole) // 8
    whole[middle : middle + 200] = b"\xff" * 200
    return bytes(whole)


OURS = Checkpoint("detection", ("a",), {"w": np.zeros((2, 1), np.float32)})


@pytest.mark.parametrize(
    "content",
    [
        b"", b"weights", b"\x80\x04\x95", array_alone(), as_torch_saves(), damaged(),
        packed(meta=np.array("[]")), packed(meta=np.array("{}")), packed(meta=np.array("nan")),
        packed(meta=np.array('{"recipe": "detection", "labels": 3}')),
        packed(meta=np.array([{"recipe": "detection"}], dtype=object)), OURS.pack()[:-30],
    ],
)  # fmt: skip
def test_what_is_none_of_ours_is_unfit(content: bytes) -> None:
    with pytest.raises(CheckpointUnfit):
        unpack(content, "detection")


def test_one_of_another_network_is_unfit() -> None:
    kept = unpack(OURS.pack(), "detection")
    for name, rows in (("w", 3), ("v", 2)):
        fresh = {name: np.zeros((rows, 1), np.float32)}
        with pytest.raises(CheckpointUnfit):
            relabelled(kept.arrays, fresh, old=("a",), new=("a",), last_axis=set())
