"""In which order pictures are drawn."""

from collections.abc import Iterator

import numpy as np


def endless(count: int, rng: np.random.Generator) -> Iterator[int]:
    """Indices below `count`, each once per round, rounds in random order."""
    while True:
        yield from (int(index) for index in rng.permutation(count))


def draws(
    new: int, old: int, *, batch: int, share: float, rng: np.random.Generator
) -> Iterator[list[tuple[bool, int]]]:
    """Batches of (is old, index). With old data, `share` of each batch is drawn from it.

    The fraction of a picture that does not fit one batch is carried to the next.
    """
    fresh, replayed = endless(new, rng), endless(old, rng) if old else iter(())
    owed = 0.0
    while True:
        owed += batch * share if old else 0.0
        again = int(owed)
        owed -= again
        yield [(True, next(replayed)) for _ in range(again)] + [
            (False, next(fresh)) for _ in range(batch - again)
        ]
