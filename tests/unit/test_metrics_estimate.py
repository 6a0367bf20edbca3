"""Production estimates are unbiased under a lottery, and their intervals cover."""

import numpy as np
import pytest

from libs.vision import ap, matching
from services.metrics.core.supervised import estimate
from services.metrics.core.supervised.detections import Calibration, Detections
from services.metrics.core.supervised.estimate import Estimate


def images(seed: int, count: int, *, classes: int = 3):
    rng = np.random.default_rng(seed)
    states = []
    for _ in range(count):
        n = int(rng.integers(0, 5))
        truth = np.concatenate([rng.uniform(0, 300, (n, 2)), rng.uniform(10, 120, (n, 2))], axis=1)
        found = truth + rng.normal(0, 4, truth.shape)
        found[:, 2:] = np.maximum(found[:, 2:], 1)
        extra = np.concatenate([rng.uniform(0, 300, (2, 2)), rng.uniform(10, 90, (2, 2))], axis=1)
        labels = rng.integers(0, classes, n)
        states.append(
            matching.match(
                np.concatenate([found, extra]),
                np.concatenate([labels, rng.integers(0, classes, 2)]),
                rng.random(n + 2).round(2),
                truth,
                labels,
            ).pack()
        )
    return states


def test_equal_weights_give_the_coco_tools_ap():
    states = images(0, 60)
    quality = ap.pooled(states, classes=3)
    found = Detections.of(states, classes=3, threshold=0.3)
    whole, half = found.average_precision(np.full((1, 60), 2.5))[0]
    assert whole == pytest.approx(quality.ap()["50_95"], abs=1e-12)
    assert half == pytest.approx(quality.ap()["50"], abs=1e-12)


def test_a_weight_of_two_is_the_image_told_twice():
    states = images(1, 40)
    weights = np.random.default_rng(2).integers(0, 4, 40)
    repeated = [state for state, w in zip(states, weights, strict=True) for _ in range(w)]
    weighted = Detections.of(states, classes=3, threshold=0.3)
    plain = Detections.of(repeated, classes=3, threshold=0.3)
    ones = np.ones((1, len(repeated)))
    np.testing.assert_allclose(
        weighted.ratios(weights[None, :].astype(float)), plain.ratios(ones), atol=1e-12
    )
    # Rows of equal scores stand in another order in the repeated set: nearly the same.
    np.testing.assert_allclose(
        weighted.average_precision(weights[None, :].astype(float)),
        plain.average_precision(ones),
        atol=0.01,
    )


def test_precision_and_recall_pool_the_boxes_at_the_threshold():
    box = [0.0, 0.0, 20.0, 20.0]
    states = [
        matching.match([box, box], [0, 1], [0.9, 0.8], [box], [0]).pack(),
        matching.match([box], [0], [0.2], [box], [0]).pack(),
        matching.match([], [], [], [], []).pack(),
    ]
    found = Detections.of(states, classes=2, threshold=0.5)
    precision, recall, f1 = found.ratios(np.ones((1, 3)))[0]
    assert (precision, recall, f1) == (0.5, 0.5, 0.5)
    assert found.of_class.tolist() == [[1, 1, 2], [0, 1, 0]]
    assert found.image_f1.tolist() == [pytest.approx(2 / 3), 0.0, 1.0]


def test_a_weighted_mean_is_unbiased_where_the_plain_one_reads_hard_images():
    rng = np.random.default_rng(3)
    errors, plain, inside = [], [], 0
    for _ in range(200):
        wrong = rng.random(4000) < 0.12
        hard = rng.beta(2, 5, 4000) + 0.4 * wrong
        pi = np.minimum(1.0, 400 * (0.5 / 4000 + 0.5 * hard / hard.sum()))
        chosen = rng.random(4000) < pi
        found = estimate.mean(wrong[chosen], 1 / pi[chosen])
        errors.append(found.value - wrong.mean())
        plain.append(wrong[chosen].mean() - wrong.mean())
        inside += found.low <= wrong.mean() <= found.high
    assert abs(np.mean(errors)) < 0.004
    assert np.mean(plain) > 0.02
    assert inside >= 184


def test_a_rare_error_is_covered_where_a_normal_interval_fails():
    rng = np.random.default_rng(4)
    inside = 0
    for _ in range(400):
        found = estimate.mean(rng.random(100) < 0.02, np.ones(100))
        inside += found.low <= 0.02 <= found.high
    assert inside >= 372


def test_intervals_begin_at_fifty_images_and_draw_whole_blocks():
    def statistic(weights):
        return (weights[:, : len(values)] @ values / weights.sum(axis=1))[:, None]

    values = np.tile([0.0, 1.0], 24)
    (few,) = estimate.bootstrapped(statistic, np.ones(48), blocks=[None] * 48)
    assert few == Estimate(0.5)
    values = np.repeat(np.tile([0.0, 1.0], 50), 10)
    (alone,) = estimate.bootstrapped(statistic, np.ones(1000), blocks=[None] * 1000)
    bursts = [f"burst {i // 10}" for i in range(1000)]
    (blocked,) = estimate.bootstrapped(statistic, np.ones(1000), blocks=bursts)
    assert alone.high - alone.low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(1000), rel=0.2)
    assert blocked.high - blocked.low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(100), rel=0.2)


def test_nothing_reviewed_has_no_estimate():
    assert estimate.mean([], []) == Estimate()
    assert estimate.effective(np.zeros(0)) == 0.0
    assert estimate.effective(np.ones(7)) == 7.0


def test_calibration_is_the_weighted_distance_of_score_and_share():
    scores = np.array([0.95, 0.95, 0.95, 0.95, 0.15, 0.15])
    right = np.array([True, True, True, False, False, False])
    found = Calibration.of(scores, right)
    assert found.error == pytest.approx(4 / 6 * 0.2 + 2 / 6 * 0.15)
    assert found.counts.tolist() == [0, 2, 0, 0, 0, 0, 0, 0, 0, 4]
    assert np.isnan(found.scores[0])
    assert Calibration.of(np.zeros(0), np.zeros(0, dtype=bool)).error is None


def test_a_calibrated_model_shows_about_the_error_that_chance_gives():
    rng = np.random.default_rng(5)
    found = []
    for _ in range(300):
        scores = rng.random(100)
        found.append(Calibration.of(scores, rng.random(100) < scores))
    mean = np.mean([one.error for one in found])
    assert mean == pytest.approx(0.10, abs=0.015)
    assert np.mean([one.by_chance for one in found]) == pytest.approx(mean, rel=0.1)
