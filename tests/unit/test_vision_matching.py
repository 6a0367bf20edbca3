"""Match states, and the bounded loss of one image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.vision import matching, state
from libs.vision.state import MatchState

A, B = [0, 0, 10, 10], [100, 100, 20, 20]


def test_a_state_of_a_hundred_detections_is_about_two_kilobytes_and_survives_packing():
    rng = np.random.default_rng(1)
    made = matching.match(
        rng.uniform(0, 100, (100, 4)),
        rng.integers(0, 3, 100),
        rng.random(100),
        rng.uniform(0, 100, (20, 4)),
        rng.integers(0, 3, 20),
    )
    packed = made.pack()
    assert len(packed) < 2200
    back = MatchState.unpack(packed)
    np.testing.assert_array_equal(back.detections, made.detections)
    np.testing.assert_array_equal(back.truths, made.truths)
    assert back.truth_counts().sum(axis=0)[0] == 20


@pytest.mark.parametrize("data", [b"x", b"\x07" + bytes(20)])
def test_bytes_that_are_no_state_are_refused(data):
    with pytest.raises(state.NotAMatchState):
        MatchState.unpack(data)


def test_class_indices_beyond_sixteen_bits_are_refused():
    with pytest.raises(matching.ClassOutOfRange):
        matching.match([A], [70_000], [0.5], [], [])
    with pytest.raises(matching.ClassOutOfRange):
        matching.match([A], [-1], [0.5], [], [])


def f1(pred, truth, **options):
    boxes, classes, scores = zip(*pred, strict=True) if pred else ((), (), ())
    truths, wanted = zip(*truth, strict=True) if truth else ((), ())
    options = {"threshold": 0.5, **options}
    return matching.f1_at(boxes, classes, scores, truths, wanted, **options)


def test_f1_counts_hits_misses_and_false_alarms():
    assert f1([(A, 0, 0.9)], [(A, 0)]) == 1.0
    assert f1([(A, 0, 0.9)], [(A, 0), (B, 1)]) == pytest.approx(2 / 3)
    assert f1([(A, 1, 0.9)], [(A, 0)]) == 0.0
    assert f1([(A, 0, 0.9), (A, 0, 0.8)], [(A, 0)]) == pytest.approx(2 / 3)


def test_f1_applies_the_threshold_before_it_counts():
    assert f1([(A, 0, 0.5)], [(A, 0)]) == 1.0
    assert f1([(A, 0, 0.49)], [(A, 0)]) == 0.0
    assert f1([(A, 0, 0.49)], []) == 1.0


def test_the_best_score_chooses_first_and_then_the_next_best_truth_is_taken():
    near = [1, 0, 10, 10]
    assert f1([(near, 0, 0.9), (A, 0, 0.8)], [(A, 0), ([2, 0, 10, 10], 0)]) == 1.0


def test_loss_of_silence_is_zero_where_nothing_is_and_one_where_no_answer_came():
    nothing = ([], [], [], [], [])
    assert matching.loss(*nothing, threshold=0.5) == 0.0
    assert matching.loss(None, [], [], [], [], threshold=0.5) == 1.0
    assert matching.loss([A], [0], [0.9], [], [], threshold=0.5) == 1.0
    assert matching.loss([], [], [], [A], [0], threshold=0.5) == 1.0


def test_classification_loss_is_zero_or_one():
    assert matching.classification_loss(2, 2) == 0.0
    assert matching.classification_loss(1, 2) == 1.0
    assert matching.classification_loss(None, 2) == 1.0


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2), st.floats(0, 1)), max_size=12))
def test_loss_stays_in_the_unit_interval_and_is_zero_against_itself(rows):
    boxes = [[x * 20, 0, 10, 10] for x, _, _ in rows]
    classes, scores = [c for _, c, _ in rows], [s for _, _, s in rows]
    assert matching.loss(boxes, classes, scores, boxes, classes, threshold=0.0) == 0.0
    assert 0 <= matching.loss(boxes, classes, scores, [A], [0], threshold=0.5) <= 1
