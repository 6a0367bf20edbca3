"""The e-process: its promises by simulation, and its speed in reviews."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deployer.core import eprocess
from services.deployer.core.eprocess import Floats

ALPHA = 0.05
Draw = Callable[[np.random.Generator, int], Floats]


def bounded(rng: np.random.Generator, n: int, *, mean: float, sd: float) -> Floats:
    """d in {−1, 0, 1} and between: a mixture of ties, small and full differences."""
    spread = sd / math.sqrt(0.6)
    tied = rng.random(n) < 0.4
    values = np.where(tied, 0.0, rng.normal(0.0, spread, n))
    return np.clip(values + mean, -1.0, 1.0)


def equal(rng: np.random.Generator, n: int) -> Floats:
    return bounded(rng, n, mean=0.0, sd=0.45)


def worse_then_better(rng: np.random.Generator, n: int) -> Floats:
    half = n // 2
    first = bounded(rng, half, mean=-0.09, sd=0.35)
    return np.concatenate([first, bounded(rng, n - half, mean=0.09, sd=0.35)])


def rare_disasters(rng: np.random.Generator, n: int) -> Floats:
    return np.where(rng.random(n) < 0.02, -0.98, 0.02)


def weighted(rng: np.random.Generator, n: int) -> Floats:
    """w·d of a lottery, u = .5: where the candidate gains, images are drawn more often."""
    population = 20_000
    d = bounded(rng, population, mean=0.0, sd=0.3)
    d -= d.mean()
    interest = np.where(d > 0, 1.0, 0.2)
    pi = 0.5 / population + 0.5 * interest / interest.sum()
    chosen = rng.choice(population, size=n, p=pi / pi.sum())
    values: Floats = (1 / population) / pi[chosen] * d[chosen]
    return values


def bursts(rng: np.random.Generator, n: int) -> Floats:
    """Bursts of five alike; a step is the mean of a burst."""
    common = bounded(rng, n // 5, mean=0.0, sd=0.4)
    each = np.clip(common[:, None] + rng.normal(0, 0.05, (n // 5, 5)), -1, 1)
    steps: Floats = each.mean(axis=1)
    return steps


NULLS: dict[str, tuple[Draw, float]] = {
    "equal": (equal, 1.0),
    "-.09 then +.09": (worse_then_better, 1.0),
    "rare disasters": (rare_disasters, 1.0),
    "weighted": (weighted, 2.0),
    "bursts as blocks": (bursts, 1.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NULLS)
def test_a_candidate_that_is_no_better_is_promoted_in_at_most_alpha_of_runs(name: str) -> None:
    draw, bound = NULLS[name]
    rng = np.random.default_rng(20261121)
    promoted = 0
    for _ in range(1000):
        s = draw(rng, 1500)
        promoted += eprocess.log_k_path(bound + s, bound).max() >= math.log(1 / ALPHA)
    assert promoted / 1000 <= ALPHA


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gain", "sd", "bound", "median", "ninety"),
    [
        (0.04, 0.45, 1.0, 800, 2000),
        (0.04, 0.38, 1.0, 588, 1426),
        (0.08, 0.35, 1.0, 131, 301),
        (0.25, 0.20, 1.0, 22, 27),
        (0.25, 0.20, 2.0, 40, 47),
    ],
)
def test_a_better_candidate_is_found_after_as_many_reviews_as_the_method_promises(
    gain: float, sd: float, bound: float, median: int, ninety: int
) -> None:
    rng = np.random.default_rng(7)
    mean, variance = (gain + 1) / 2, (sd / 2) ** 2
    both = mean * (1 - mean) / variance - 1
    needed = []
    for _ in range(400):
        s = 2 * rng.beta(mean * both, (1 - mean) * both, 6000) - 1
        crossed = eprocess.log_k_path(bound + s, bound) >= math.log(20)
        needed.append(int(crossed.argmax()) + 1 if crossed.any() else 6001)
    assert np.median(needed) <= median * 1.1
    assert np.quantile(needed, 0.9) <= ninety * 1.15


@pytest.mark.slow
def test_the_band_covers_the_running_mean_at_every_time_at_once() -> None:
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(300):
        means = np.where(np.arange(600) < 300, -0.1, 0.15)
        s = np.clip(means + rng.uniform(-0.6, 0.6, 600), -1, 1)
        running = np.cumsum(means) / np.arange(1, 601)
        missed += any(
            not low <= running[n - 1] <= high
            for n in (5, 20, 50, 100, 200, 300, 400, 500, 600)
            for low, high in [eprocess.band(s[:n], 1.0, ALPHA)]
        )
    assert missed / 300 <= ALPHA


@given(
    s=st.lists(st.floats(-1, 1, allow_nan=False), min_size=1, max_size=60),
    alpha=st.sampled_from([0.01, 0.05, 0.2]),
)
def test_the_mean_lies_in_its_band_and_the_verdict_agrees_with_it(
    s: list[float], alpha: float
) -> None:
    values = np.array(s)
    low, high = eprocess.band(values, 1.0, alpha)
    assert -1 <= low <= values.mean() + 1e-9
    assert values.mean() - 1e-9 <= high <= 1
    if low > 1e-3:
        assert eprocess.better(values, 1.0) >= math.log(2 / alpha) - 1e-6


def test_the_path_ends_where_the_whole_does() -> None:
    s = equal(np.random.default_rng(1), 300)
    path = eprocess.log_k_path(1 + s, 1.0)
    assert path[-1] == pytest.approx(eprocess.log_k(1 + s, 1.0), abs=1e-9)


def test_the_order_of_the_reviews_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    s = equal(rng, 200)
    assert eprocess.better(s, 1.0) == pytest.approx(eprocess.better(rng.permutation(s), 1.0))


def test_nothing_seen_says_nothing() -> None:
    empty = np.zeros(0)
    assert eprocess.e_value(eprocess.better(empty, 1.0)) == 1.0
    assert eprocess.band(empty, 1.0, ALPHA) == (-1.0, 1.0)


def test_not_worse_by_zero_is_better() -> None:
    s = equal(np.random.default_rng(4), 50)
    assert eprocess.not_worse(s, 1.0, 0.0) == eprocess.better(s, 1.0)
