"""The estimate before any label: right where scores mean what they meant, and off where not."""

import numpy as np
import pytest
from scipy.optimize import isotonic_regression

from services.metrics.core.content import Side
from services.metrics.core.supervised import label_free
from services.metrics.core.supervised.predicted import Image, Predicted, Truth, predicted

AT = np.array([0.5])


def world(seed, images, *, hardness=0.0, shift=0.0, uniform=True):
    """Boxes whose chance of being right is a bent function of the score; some things are missed.

    `hardness` lowers scores and with them chances (what is drawn is odder); `shift` lowers chances
    at unchanged scores: concept shift.
    """
    rng = np.random.default_rng(seed)
    count = rng.poisson(5, images)
    image = np.repeat(np.arange(images), count)
    odd = rng.random(images)
    score = np.clip(rng.beta(4, 2, len(image)) - hardness - 0.3 * odd[image], 0.01, 1)
    label = rng.integers(0, 3, len(image))
    chance = score**1.5 * np.array([1.0, 0.9, 0.6])[label]
    hits = rng.random(len(image)) < chance * (1 - shift)
    missed = rng.poisson(0.3 + 1.5 * odd)
    wanted = np.bincount(image, hits, minlength=images) + missed
    boxes = Predicted.of(
        image=image, label=label, score=score, outlier=odd, disagrees=np.full(images, np.nan)
    )
    pi = np.ones(images) if uniform else np.clip(odd, 0.1, 1)
    return boxes, Truth(hits, wanted.astype(float), 1 / pi)


def test_the_estimate_meets_what_reviews_then_say_although_images_became_harder():
    model = label_free.fit(*world(1, 3000))
    boxes, truth = world(2, 3000, hardness=0.15)
    said = label_free.estimate(model, boxes, truth.weights, AT)[0]
    seen = label_free.realised(boxes, truth, AT)[0]
    before = label_free.realised(*world(1, 3000), AT)[0]
    assert np.abs(said - seen).max() < 0.03
    assert abs(before[2] - seen[2]) > 0.1


def test_odd_images_reviewed_first_do_not_bend_it():
    boxes, truth = world(3, 20_000)
    pi = np.clip(boxes.features[:, 2] ** 3, 0.02, 1)
    drawn = np.flatnonzero(np.random.default_rng(0).random(boxes.images) < pi)
    at = np.full(boxes.images, -1)
    at[drawn] = np.arange(len(drawn))
    rows = at[boxes.image] >= 0
    some = Predicted.of(
        image=at[boxes.image][rows],
        label=boxes.label[rows],
        score=boxes.score[rows],
        outlier=boxes.features[drawn, 2],
        disagrees=boxes.features[drawn, 3],
    )
    model = label_free.fit(some, Truth(truth.hits[rows], truth.wanted[drawn], 1 / pi[drawn]))
    said = label_free.estimate(model, boxes, np.ones(boxes.images), AT)[0]
    seen = label_free.realised(boxes, truth, AT)[0]
    assert np.abs(said - seen).max() < 0.03


def test_chances_are_the_weighted_isotonic_fit_and_rare_classes_share_one():
    boxes, truth = world(4, 400, uniform=False)
    rare = np.where(np.arange(len(boxes.label)) < 20, 9, boxes.label)
    boxes = Predicted(boxes.images, boxes.image, rare, boxes.score, boxes.features)
    model = label_free.fit(boxes, truth)
    assert sorted(model.of_label) == [0, 1, 2]
    mine = np.flatnonzero(rare == 1)
    order = mine[np.argsort(boxes.score[mine])]
    wanted = isotonic_regression(
        truth.hits[order].astype(float), weights=truth.weights[boxes.image[order]]
    ).x
    clear = np.flatnonzero(np.diff(boxes.score[order]) > 0)
    found = model.chances(boxes)[order]
    np.testing.assert_allclose(found[clear], wanted[clear], atol=1e-12)
    of_rare = np.flatnonzero(rare == 9)
    np.testing.assert_array_equal(
        model.chances(boxes)[of_rare], model.everything.at(boxes.score[of_rare])
    )


def test_the_back_test_sees_no_window_in_advance_and_gives_the_interval():
    boxes, truth = world(5, 2500)
    found = label_free.tested(boxes, truth, 0.5)
    assert found.ends.tolist() == list(range(299, 2500, 100))
    assert len(found.errors(2)) == 23
    assert found.half_width(2) == np.sort(found.errors(2))[22]
    first = label_free.fit(boxes.part(slice(0, 200)), truth.part(slice(0, 200), boxes))
    now = slice(200, 300)
    weights = truth.weights[now]
    expected = label_free.estimate(first, boxes.part(now), weights, AT)[0]
    np.testing.assert_array_equal(found.said[0], expected)
    short = label_free.tested(boxes.part(slice(0, 2000)), truth.part(slice(0, 2000), boxes), 0.5)
    assert len(short.errors(2)) == 18
    assert short.half_width(2) is None


@pytest.mark.slow
def test_the_interval_covers_the_next_window_as_often_as_it_says():
    covered = []
    for seed in range(40):
        boxes, truth = world(100 + seed, 2200)
        found = label_free.tested(boxes, truth, 0.5)
        earlier = label_free.Tested(found.ends[:-1], found.said[:-1], found.seen[:-1])
        covered.append(found.errors(2)[-1] <= earlier.half_width(2))
    assert np.mean(covered) >= 0.85


def test_concept_shift_is_not_seen_until_reviews_show_it_and_then_the_error_is_large():
    (old, was), (new, has) = world(6, 1000), world(7, 1000, shift=0.4)
    image = np.concatenate([old.image, new.image + 1000])
    boxes = Predicted(
        2000,
        image,
        np.concatenate([old.label, new.label]),
        np.concatenate([old.score, new.score]),
        np.concatenate([old.features, new.features]),
    )
    truth = Truth(
        np.concatenate([was.hits, has.hits]),
        np.concatenate([was.wanted, has.wanted]),
        np.concatenate([was.weights, has.weights]),
    )
    blind = label_free.estimate(label_free.fit(old, was), new, has.weights, AT)[0]
    assert blind[0] - label_free.realised(new, has, AT)[0, 0] > 0.15
    half = slice(0, 1500)
    found = label_free.tested(boxes.part(half), truth.part(half, boxes), 0.5)
    assert found.latest(0) > label_free.LIMIT
    before = slice(0, 1000)
    calm = label_free.tested(boxes.part(before), truth.part(before, boxes), 0.5)
    assert calm.latest(0) < label_free.LIMIT


def test_nothing_predicted_has_no_precision_and_zero_recall():
    model = label_free.fit(*world(8, 300))
    silent = predicted([Image(side=Side(0.1, [], []), outlier=None, disagrees=None)] * 3)
    precision, recall, f1 = label_free.estimate(model, silent, np.ones(3), AT)[0]
    assert np.isnan(precision)
    assert (recall, f1) == (0.0, 0.0)
    assert (
        label_free.tested(silent, Truth(np.zeros(0, bool), np.ones(3), np.ones(3)), 0.5).latest(0)
        is None
    )


def test_columns_are_those_of_the_images():
    sides = [Side(0.1, [1, 0], [0.9, 0.5]), Side(0.1, [], []), Side(0.1, [2], [0.25])]
    found = predicted(
        [
            Image(side=one, outlier=o, disagrees=d)
            for one, o, d in zip(sides, [0.5, None, 0.1], [True, False, None], strict=True)
        ]
    )
    assert found.image.tolist() == [0, 0, 2]
    assert found.label.tolist() == [1, 0, 2]
    np.testing.assert_array_equal(
        found.features,
        [[2, 0.7, 0.5, 1], [0, np.nan, np.nan, 0], [1, 0.25, 0.1, np.nan]],
    )
    last = found.part(slice(1, 3))
    assert (last.images, last.image.tolist()) == (2, [1])
    assert last.score.tolist() == pytest.approx([0.25])
