"""Alerts on what reviews say: each window's numbers are those of its own images."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from libs.vision import matching
from services.metrics.core.alerting import supervised
from services.metrics.core.alerting.names import metrics_of
from services.metrics.core.alerting.windows import Windows
from services.metrics.core.buckets import Level
from services.metrics.core.supervised import quality
from tests.unit.test_vision_ap import random_images

START = datetime(2026, 5, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WINDOWS = Windows.ending(Level.MINUTE, 6 * MINUTE, START, START + 40 * MINUTE)
NAMES = ["a", "b", "c"]


@pytest.fixture(scope="module")
def reviewed():
    rng = np.random.default_rng(4)
    made = random_images(12, images=50, classes=3)
    times = np.sort(rng.uniform(0, 25 * 60, 50)) + START.timestamp()
    ids = [rng.bytes(16) for _ in made]
    return times, ids, [matching.match(**image).pack() for image in made]


def held(times, window):
    end = WINDOWS.ends[window].timestamp()
    return np.flatnonzero((times >= end - 360) & (times < end)).tolist()


@pytest.mark.parametrize(
    "which",
    [f"{kind}_{one}" for kind in ("ap", "ar") for one in ("50_95", "50", "75", "small", "large")]
    + ["precision", "recall", "f1"],
)  # fmt: skip
def test_each_window_of_a_detector_says_what_the_dashboard_would_say_of_it(reviewed, which):
    times, ids, states = reviewed
    if which in ("precision", "recall", "f1"):
        found = supervised.counted(which, times, states, WINDOWS, classes=3, threshold=0.4)
    else:
        found = supervised.pooled(which, times, ids, states, WINDOWS, classes=3)
    for i in range(WINDOWS.count):
        mine = sorted(held(times, i), key=lambda image: ids[image])
        document = quality.detection([states[j] for j in mine], names=NAMES, threshold=0.4)
        expected = document[which]
        assert found[i] == pytest.approx(np.nan if expected is None else expected, nan_ok=True)


def test_each_window_of_a_classifier_has_the_mean_f1_of_its_labels():
    rng = np.random.default_rng(5)
    times = np.sort(rng.uniform(0, 25 * 60, 60)) + START.timestamp()
    said = [None if s == 3 else s for s in rng.integers(0, 4, 60).tolist()]
    pairs = list(zip(rng.integers(0, 3, 60).tolist(), said, strict=True))
    found = supervised.macro_f1(times, pairs, WINDOWS)
    for i in range(WINDOWS.count):
        mine = [pairs[j] for j in held(times, i)]
        expected = quality.classification(mine, NAMES)["macro_f1"] if mine else np.nan
        assert found[i] == pytest.approx(expected, nan_ok=True)


def test_too_many_images_leave_windows_out_evenly_and_each_keeps_the_value_before(
    reviewed, monkeypatch
):
    times, ids, states = reviewed
    exact = supervised.pooled("ap_50", times, ids, states, WINDOWS, classes=3)
    monkeypatch.setattr(supervised, "MOST_POOLED", 100)
    found = supervised.pooled("ap_50", times, ids, states, WINDOWS, classes=3)
    same = np.isclose(found, exact, equal_nan=True)
    assert same[0]
    assert 3 < same.sum() < WINDOWS.count
    assert set(found[~np.isnan(found)]) <= set(exact)


def test_without_reviews_no_window_has_a_value():
    nothing = np.zeros(0)
    pooled = supervised.pooled("ap_50_95", nothing, [], [], WINDOWS, classes=0)
    counted = supervised.counted("f1", nothing, [], WINDOWS, classes=0, threshold=0.5)
    macro = supervised.macro_f1(nothing, [], WINDOWS)
    assert np.isnan([pooled, counted, macro]).all()


def test_what_reviews_say_is_among_the_metrics_of_a_rule():
    detector = metrics_of(["car"], ["car"], detection=True)
    for name in ("f1", "precision", "recall", "ap", "ap_50_95", "ap_50", "ar_75", "ap_small"):
        assert f"quality.champion.{name}" in detector
        assert f"quality.shadow.{name}" in detector
    classifier = metrics_of(["car"], ["car"], detection=False)
    assert "quality.champion.macro_f1" in classifier
    assert "quality.champion.ap_50" not in classifier
