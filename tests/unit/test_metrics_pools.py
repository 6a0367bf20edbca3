"""Pools of reviewed images follow what the store holds, and stay within their bytes."""

from datetime import timedelta
from uuid import UUID

import numpy as np

from libs.vision import ap, matching
from services.metrics.core.supervised.pools import KEY, Pools, brought
from tests.unit.test_vision_ap import random_images

DAY = timedelta(days=1)


def token(image: int, revision: int = 1) -> bytes:
    return UUID(int=image).bytes + revision.to_bytes(4, "big") + b"\0"


def states(seed: int, count: int) -> list[bytes]:
    made = random_images(seed, images=count, classes=2)
    return [matching.match(**image).pack() for image in made]


def test_a_pool_follows_a_range_that_moves_reviews_that_are_corrected_and_deletions():
    first, second = states(1, 90), states(2, 90)
    pool, held = None, frozenset()
    stored = {token(i): first[i] for i in range(60)}
    steps = [
        stored,
        {token(i): first[i] for i in range(2, 63)},
        {token(i): first[i] for i in range(2, 63) if i not in (7, 8)},
        {token(i, 1 + (i == 9)): (second if i == 9 else first)[i] for i in range(2, 63)},
        {token(i): first[i] for i in range(50, 90)},
        {},
        {token(i): second[i] for i in range(3)},
    ]
    for wanted in steps:
        tokens = frozenset(wanted)
        new = {one[:KEY]: wanted[one] for one in tokens - held}
        pool = brought(pool, held=held, wanted=tokens, new=new)
        held = tokens
        expected = ap.pooled([wanted[one] for one in sorted(wanted)], classes=2)
        np.testing.assert_array_equal(pool.quality(classes=2).precision, expected.precision)
        assert len(pool) == len(wanted)


def test_a_pool_that_is_taken_out_and_not_put_back_is_made_anew():
    pools = Pools(most=10**9)
    held = pools.of(UUID(int=1), UUID(int=2), DAY)
    held.pool, held.tokens = brought(None, held=frozenset(), wanted=frozenset(), new={}), {b"a"}
    pool, tokens = held.take()
    assert pool is not None
    assert tokens == {b"a"}
    assert held.take() == (None, frozenset())


def test_the_pools_asked_for_longest_ago_go_first_when_there_are_too_many_bytes():
    pool = brought(
        None, held=frozenset(), wanted=frozenset(),
        new={token(i)[:KEY]: state for i, state in enumerate(states(3, 20))},
    )  # fmt: skip
    pools = Pools(most=2 * pool.size + 10)
    for version in (1, 2, 3):
        pools.of(UUID(int=1), UUID(int=version), DAY).pool = pool
        pools.trim()
    assert pools.of(UUID(int=1), UUID(int=3), DAY).pool is pool
    assert pools.of(UUID(int=1), UUID(int=2), DAY).pool is pool
    assert pools.of(UUID(int=1), UUID(int=1), DAY).pool is None
    assert pools.fits(pool.size // 4)
    assert not pools.fits(pool.size)
