"""The narrow columns that lists filter and sort by, from a logged prediction."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.schemas.values import Logged

_WORD = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelBit:
    """Where a label is in the masks of a model version: 0-based word and bit."""

    version: UUID
    word: int
    bit: int


def label_words(classes: Iterable[int]) -> list[int]:
    """A mask of class indices as signed 64-bit words, class 0 in the lowest bit of the first."""
    mask = 0
    for index in classes:
        mask |= 1 << index
    words = []
    while mask:
        word = mask & (2**_WORD - 1)
        words.append(word - 2**_WORD if word >= 2 ** (_WORD - 1) else word)
        mask >>= _WORD
    return words


def label_bits(label: str, labelmaps: Mapping[UUID, Sequence[str]]) -> list[LabelBit]:
    """Where `label` is in each version's mask; versions that do not know it are left out."""
    return [
        LabelBit(version=version, word=index // _WORD, bit=index % _WORD)
        for version, labels in labelmaps.items()
        for index, name in enumerate(labels)
        if name == label
    ]


def shuffle_key(prediction: UUID) -> int:
    """A signed 64-bit number that belongs to the prediction and orders predictions randomly."""
    hashed = hashlib.blake2b(prediction.bytes, digest_size=8, person=b"shuffle").digest()
    return int.from_bytes(hashed, "big", signed=True)


def shuffle_start(seed: int) -> int:
    """Where the random order of a seed begins."""
    hashed = hashlib.blake2b(str(seed).encode(), digest_size=8, person=b"seed").digest()
    return int.from_bytes(hashed, "big", signed=True)


def columns_of(logged: Logged) -> dict[str, object]:
    """The columns of a prediction that come from its content."""
    shapes = logged.champion.shapes
    return {
        "deployment": logged.deployment,
        "id": logged.prediction,
        "data": logged.data,
        "version": logged.champion.version,
        "event_time": logged.event_time,
        "receive_time": logged.receive_time,
        "latency": logged.champion.latency,
        "filename": logged.filename,
        "boxes": len(shapes.classes),
        "labels": label_words(shapes.classes),
        "min_score": min(shapes.scores, default=None),
        "max_score": max(shapes.scores, default=None),
        "outlier": None,
        "status": None if logged.picture is None else "TO_REVIEW",
        "revision": 0,
        "has_picture": logged.picture is not None,
        "has_shadow": logged.shadow is not None,
        "source": logged.source,
        "tags": logged.tags,
        "flags": logged.flags,
        "shuffle": shuffle_key(logged.prediction),
    }
