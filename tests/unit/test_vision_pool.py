"""A pool that images enter and leave says what pooling all of them says."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.vision import ap, matching
from libs.vision.pool import Pool
from tests.unit.test_vision_ap import coco_accumulate, random_images


def same_as_pooled(pool, held, *, classes):
    """Equal to pooling what is held, in the order of the keys; to the last bit."""
    states = [held[key] for key in sorted(held)]
    expected, found = ap.pooled(states, classes=classes), pool.quality(classes=classes)
    np.testing.assert_array_equal(found.precision, expected.precision)
    np.testing.assert_array_equal(found.recall, expected.recall)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32 - 1),
    first=st.integers(0, 6),
    steps=st.lists(
        st.tuples(st.sampled_from(["put", "correct", "discard"]), st.integers(0, 10)), max_size=15
    ),
    ties=st.booleans(),
    crowds=st.booleans(),
)
def test_images_may_come_change_and_go_in_any_order(seed, first, steps, ties, crowds):
    made = random_images(seed, images=12, classes=3, ties=ties, crowds=crowds)
    states = [matching.match(**image).pack() for image in made]
    order = np.random.default_rng(seed).permutation(12)
    keys = [bytes([int(k)]) for k in order]
    held = {keys[i]: states[i] for i in range(first)}
    pool = Pool(held)
    for what, i in steps:
        if what == "discard":
            held.pop(keys[i], None)
            pool.discard(keys[i])
        else:
            held[keys[i]] = states[i if what == "put" else i + 1]
            pool.put(keys[i], held[keys[i]])
    assert dict(pool.states) == held
    same_as_pooled(pool, held, classes=3)


def test_after_the_last_image_has_come_it_equals_pycocotools():
    made = random_images(21, images=60, classes=4)
    pool = Pool()
    for i in np.random.default_rng(1).permutation(60).tolist():
        pool.put(bytes([i]), matching.match(**made[i]).pack())
    reference = coco_accumulate(made, classes=4)
    quality = pool.quality(classes=4)
    np.testing.assert_array_equal(quality.precision, reference.eval["precision"][..., -1])
    np.testing.assert_array_equal(quality.recall, reference.eval["recall"][..., -1])


def test_many_detections_of_a_class_and_equal_scores_throughout():
    made = random_images(5, images=4, classes=1, most=120)
    for image in made:
        image["pred_scores"] = np.full(len(image["pred_scores"]), 0.5)
    held = {bytes([9 - i]): matching.match(**one).pack() for i, one in enumerate(made)}
    pool = Pool()
    for key, state in held.items():
        pool.put(key, state)
    same_as_pooled(pool, held, classes=1)
    for key in list(held)[:3]:
        pool.discard(key)
        del held[key]
    same_as_pooled(pool, held, classes=1)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.55, 1.0])
def test_counts_at_a_threshold_are_those_of_all_detections(threshold):
    made = random_images(8, images=30, classes=3)
    states = [matching.match(**image).pack() for image in made]
    pool = Pool({bytes([i]): state for i, state in enumerate(states[:20])})
    for i, state in enumerate(states[20:], start=20):
        pool.put(bytes([i]), state)
    expected = np.zeros((4, 3), dtype=np.int64)
    for state in states:
        one = matching.MatchState.unpack(state)
        for row in one.detections:
            if row["score"] >= threshold and not row["ignored"][0] & 1:
                expected[row["class"]] += [row["tp"][0] & 1, 1, 0]
        for row, count in zip(one.truths, one.truth_counts(), strict=True):
            expected[row["class"], 2] += count[0]
    assert pool.counts(threshold, classes=4).tolist() == expected.tolist()


def test_an_empty_pool_has_no_precision_and_an_emptied_one_neither():
    pool = Pool()
    assert set(pool.quality(classes=2).ap().values()) == {None}
    pool.put(b"a", matching.match([[0, 0, 9, 9]], [1], [0.9], [[0, 0, 9, 9]], [1]).pack())
    assert pool.quality(classes=2).ap()["50"] == pytest.approx(1.0)
    pool.put(b"a", matching.match([], [], [], [], []).pack())
    assert set(pool.quality(classes=2).ap().values()) == {None}
    pool.discard(b"a")
    assert len(pool) == 0
    assert set(pool.quality(classes=2).ar().values()) == {None}


def test_a_class_that_the_label_map_lacks_is_refused():
    pool = Pool({b"a": matching.match([[0, 0, 9, 9]], [4], [0.9], [], []).pack()})
    with pytest.raises(ap.ClassBeyondLabelMap, match="class 4"):
        pool.quality(classes=4)
