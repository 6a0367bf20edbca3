"""Kolmogorov–Smirnov drift equals SciPy's, and its alarm holds its false-alarm rate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, ks_2samp, kstwo

from services.metrics.core import calibration, ks


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 60),
    m=st.integers(2, 40),
    decimals=st.integers(0, 6),
)
def test_d_equals_scipy_with_and_without_ties(seed, n, m, decimals):
    rng = np.random.default_rng(seed)
    reference = np.round(rng.normal(size=(n, 3)), decimals)
    live = np.round(rng.normal(0.3, 1.2, size=(m, 3)), decimals)
    ring = ks.Ring(window=m, features=3)
    ring.push(ks.rank_codes(ks.sorted_reference(reference), live))
    expected = [ks_2samp(reference[:, f], live[:, f], mode="asymp").statistic for f in range(3)]
    np.testing.assert_allclose(ring.statistics(n=n), expected, atol=1e-12)


def test_the_ring_keeps_the_newest_window_however_it_was_fed():
    rng = np.random.default_rng(2)
    reference = rng.normal(size=(50, 2))
    codes = ks.rank_codes(ks.sorted_reference(reference), rng.normal(size=(70, 2)))
    ring = ks.Ring(window=30, features=2)
    ring.push(codes[:7])
    assert not ring.full
    np.testing.assert_array_equal(ring.statistics(n=50), ks.statistics(codes[:7].T, n=50))
    for start in range(7, 70, 9):
        ring.push(codes[start : start + 9])
    assert ring.full
    np.testing.assert_array_equal(ring.statistics(n=50), ks.statistics(codes[40:].T, n=50))
    ring.push(codes)
    np.testing.assert_array_equal(ring.statistics(n=50), ks.statistics(codes[40:].T, n=50))


def test_missing_values_rank_below_every_number_on_both_sides():
    reference = np.array([[np.nan], [1.0], [2.0], [3.0]])
    live = np.array([[np.nan], [np.nan], [2.0]])
    codes = ks.rank_codes(ks.sorted_reference(reference), live)
    d = ks.statistics(codes.T, n=4)
    assert d[0] == pytest.approx(2 / 3 - 1 / 4)


@pytest.mark.parametrize(("n", "m"), [(400, 100), (10_000, 1000), (60, 40), (20, 5)])
def test_p_values_equal_scipy_to_a_millionth(n, m):
    d = np.random.default_rng(0).uniform(0, 1, 500) ** 2
    expected = kstwo.sf(d, round(n * m / (n + m)))
    np.testing.assert_allclose(ks.p_values(d, n=n, m=m), expected, atol=1e-6)


def test_adjusted_p_values_equal_scipy():
    p = np.random.default_rng(0).uniform(0, 1, 40) ** 3
    np.testing.assert_allclose(ks.benjamini_hochberg(p), false_discovery_control(p))


def test_the_classical_threshold_is_the_textbook_number():
    assert ks.critical_value(0.05, n=100, m=100) == pytest.approx(1.358 * np.sqrt(0.02), abs=1e-3)


def test_curves_are_the_distribution_functions_and_stay_drawable():
    drawn = ks.curves([1.0, 2, 3, 4], [3.0, 3, 9, np.nan])
    assert drawn.x.tolist() == [1, 2, 3, 4, 9]
    assert drawn.reference.tolist() == [0.25, 0.5, 0.75, 1, 1]
    assert drawn.window.tolist() == [0.25, 0.25, 0.75, 0.75, 1]
    rng = np.random.default_rng(0)
    assert len(ks.curves(rng.normal(size=5000), rng.normal(size=500)).x) == 200


@pytest.mark.parametrize("shape", [(0, 3), (5,), (70_000, 1)])
def test_a_reference_of_the_wrong_size_is_refused(shape):
    with pytest.raises(ks.ReferenceOfWrongSize):
        ks.sorted_reference(np.zeros(shape))
    with pytest.raises(ks.ReferenceOfWrongSize):
        calibration.calibrate(np.zeros(shape), window=10)


def test_simulated_looks_equal_the_ring_fed_with_the_same_images():
    rng = np.random.default_rng(4)
    values = np.round(rng.normal(size=(40, 3)), 1)
    drawn, live = rng.integers(0, 40, 40), rng.integers(0, 40, 200)
    codes = calibration._codes(calibration._dense_ranks(values), drawn, live)
    expected = ks.rank_codes(ks.sorted_reference(values[drawn]), values[live])
    np.testing.assert_array_equal(codes, expected.T)
    looks = [ks.statistics(expected[i : i + 20].T, n=40).max() for i in range(181)]
    assert calibration._largest(codes, n=40, window=20) / 800 == pytest.approx(max(looks))


def test_a_block_that_cannot_be_drawn_is_refused():
    with pytest.raises(calibration.WindowOrBlockImpossible):
        calibration.calibrate(np.zeros((5, 1)), window=10, block=6)


@pytest.mark.slow
def test_the_calibrated_alarm_rings_falsely_in_at_most_twice_the_nominal_share_of_streams():
    """Fresh references and streams of one source; the uncalibrated test rings in most."""
    n, m, windows, trials, rung, naive = 200, 40, 10, 60, 0, 0
    for trial in range(trials):
        rng = np.random.default_rng(1000 + trial)
        mix = rng.normal(size=(4, 4))
        reference = rng.normal(size=(n, 4)) @ mix
        found = calibration.calibrate(reference, window=m, windows=windows, streams=99, seed=trial)
        codes = ks.rank_codes(
            ks.sorted_reference(reference), rng.normal(size=(m * windows, 4)) @ mix
        )
        step = calibration.look_every(m)
        ds = [ks.statistics(codes[i : i + m].T, n=n) for i in range(0, m * windows - m + 1, step)]
        largest = max(calibration.normalised(d, n=n, m=m) for d in ds)
        rung += largest > found.threshold
        naive += max(d.max() for d in ds) > ks.critical_value(0.05, n=n, m=m)
    assert rung / trials <= 0.15  # twice nominal, and the chance of 60 trials
    assert naive / trials > 0.5


def test_a_constant_feature_is_at_no_distance_from_itself_and_at_all_from_another():
    reference = np.full((50, 2), 3.0)
    live = np.column_stack([np.full(20, 3.0), np.full(20, 3.5)])
    ring = ks.Ring(window=20, features=2)
    ring.push(ks.rank_codes(ks.sorted_reference(reference), live))
    np.testing.assert_array_equal(ring.statistics(n=50), [0.0, 1.0])
    found = calibration.calibrate(reference, window=20, block=1, streams=19)
    assert found.threshold == 0.0
