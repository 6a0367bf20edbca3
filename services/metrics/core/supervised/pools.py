"""Pools of reviewed images in memory, so that one more review costs one more image.

A pool belongs to a model version and a length of range, and follows what is stored: whoever asks
lists what the range holds now and brings what is new. A process that starts, or one that has
dropped a pool, makes it anew from the store.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from libs.vision.pool import Pool

KEY = 16  # bytes of a token that are the image's id; the rest says which review of it
Place = tuple[UUID, UUID, timedelta]

# A pool takes some four times the bytes of the states that it holds.
_GROWS = 4
# Images that come and go one by one, for one that is put in with all others at once.
_DEAR = 16


@dataclass(slots=True)
class Held:
    """A pool and the tokens of the reviews in it; None while it is being worked on, or gone.

    `lock` is held from looking until what is new is in it.
    """

    pool: Pool | None = None
    tokens: frozenset[bytes] = frozenset()
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take(self) -> tuple[Pool | None, frozenset[bytes]]:
        """The pool, taken out: a thread that is left alone with it spoils nothing."""
        taken = self.pool, self.tokens
        self.pool, self.tokens = None, frozenset()
        return taken


class Pools:
    """Pools of at most `most` bytes together; the one asked for longest ago goes first."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._held: OrderedDict[Place, Held] = OrderedDict()

    def of(self, deployment: UUID, version: UUID, length: timedelta) -> Held:
        """What is held of a version over ranges of a length."""
        place = deployment, version, length
        held = self._held.setdefault(place, Held())
        self._held.move_to_end(place)
        return held

    def fits(self, states: int) -> bool:
        """Whether a pool of states of so many bytes together may be kept."""
        return states * _GROWS <= self._most

    def trim(self) -> None:
        """Drop pools until the rest fit."""
        sizes = {place: held.pool.size if held.pool else 0 for place, held in self._held.items()}
        total = sum(sizes.values())
        while self._held and total > self._most:
            place, _ = self._held.popitem(last=False)
            total -= sizes[place]


def brought(
    pool: Pool | None, *, held: Set[bytes], wanted: Set[bytes], new: Mapping[bytes, bytes]
) -> Pool:
    """The pool with the images of the tokens `wanted` and no others.

    `held`: the tokens of those in it; `new`: states by key of those wanted and not held.
    """
    if pool is None:
        return Pool(new)
    gone = {token[:KEY] for token in held - wanted} - new.keys()
    if (len(gone) + len(new)) * _DEAR > len(pool) + 1000:
        kept = {key: state for key, state in pool.states.items() if key not in gone}
        return Pool(kept | dict(new))
    for key in gone:
        pool.discard(key)
    for key, state in new.items():
        pool.put(key, state)
    return pool
