"""The harm alarm: no oftener false than it says, and quick when the loss rises late."""

import numpy as np
import pytest

from services.metrics.core.supervised import harm


def test_the_mixture_is_the_products_added_up():
    x = np.array([0.0, 1.0, 0.3, 0.9])
    bets = np.geomspace(0.01, 0.95, 12)
    prior = np.sqrt(bets) / np.sqrt(bets).sum()
    product = np.cumprod(1 - bets[:, None] + bets[:, None] * x / 0.4, axis=1)
    np.testing.assert_allclose(np.exp(harm.evidence(x, 0.4)), prior @ product)


def test_restarts_are_mixed_with_weights_that_sum_to_one():
    x = np.random.default_rng(0).random(250)
    found = np.exp(harm.restarted(x, 0.5))
    parts = [np.exp(harm.evidence(x[start:], 0.5)) for start in (0, 100, 200)]
    at_end = parts[0][-1] / 2 + parts[1][-1] / 6 + parts[2][-1] / 12 + 1 / 4
    assert found[-1] == pytest.approx(at_end)
    assert found[0] == pytest.approx(parts[0][0] / 2 + 1 / 2)


def test_a_model_as_good_as_it_was_rings_no_oftener_than_it_may():
    rng = np.random.default_rng(1)
    rang = 0
    for _ in range(200):
        losses = (rng.random(1200) < 0.12).astype(float)
        rang += harm.watch(losses).rang is not None
    assert rang <= 0.05 * 200


def test_harm_that_comes_late_is_found_because_of_the_restarts():
    rng = np.random.default_rng(2)
    found = []
    for _ in range(20):
        good = rng.random(harm.BASELINE + 1000) < 0.12
        bad = rng.random(1500) < 0.40
        seen = harm.watch(np.concatenate([good, bad]).astype(float))
        assert seen.rang is not None
        found.append(seen.rang - 1000)
    assert 0 < np.median(found) < 500


def test_the_lower_bound_covers_and_comes_near():
    rng = np.random.default_rng(3)
    low = [harm.lower_bound(rng.random(500) < 0.8, alpha=0.025) for _ in range(100)]
    assert np.mean(np.array(low) > 0.8) <= 0.05
    assert np.median(low) > 0.7
    assert harm.lower_bound([], alpha=0.05) == 0.0


def test_a_short_baseline_watches_nothing():
    seen = harm.watch(np.zeros(50))
    assert (seen.baseline, seen.bound, seen.rang, len(seen.evidence)) == (50, None, None, 0)


def test_a_baseline_that_is_always_wrong_never_rings():
    assert harm.watch(np.ones(500)).rang is None
