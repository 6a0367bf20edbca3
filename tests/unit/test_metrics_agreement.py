"""Champion and shadow: when they differ, and how sure the share of it is."""

import math

import numpy as np
import pytest

from services.metrics.core.agreement import confidence_sequence, disagree
from services.metrics.core.content import Side

BOX, NEAR, FAR = (0.0, 0.0, 20.0, 20.0), (1.0, 1.0, 20.0, 20.0), (50.0, 50.0, 9.0, 9.0)


def side(*found):
    return Side(0.1, [f[0] for f in found], [f[1] for f in found], [f[2] for f in found])


@pytest.mark.parametrize(
    ("champion", "shadow", "differ"),
    [
        (side((0, 0.9, BOX)), side((0, 0.6, NEAR)), False),
        (side((0, 0.9, BOX)), side((1, 0.9, BOX)), True),
        (side((0, 0.9, BOX)), side((0, 0.9, FAR)), True),
        (side((0, 0.9, BOX)), side((0, 0.3, BOX)), True),
        (side((0, 0.9, BOX), (1, 0.4, FAR)), side((0, 0.9, BOX)), False),
        (side(), side((2, 0.1, BOX)), False),
        (side(), side((2, 0.9, BOX)), True),
        (Side(0.1, [1], [0.9]), Side(0.1, [1], [0.4]), False),
        (Side(0.1, [1], [0.9]), Side(0.1, [2], [0.9]), True),
        (Side(0.1, [1], [0.9]), Side(0.1, [], []), True),
    ],
)
def test_answers_differ_in_a_label_or_a_box_that_is_shown(champion, shadow, differ):
    assert disagree(champion, shadow, thresholds=(0.5, 0.5), size=(64, 64)) is differ


def test_each_model_is_read_at_its_own_threshold():
    champion, shadow = side((0, 0.6, BOX)), side((0, 0.4, BOX))
    assert not disagree(champion, shadow, thresholds=(0.5, 0.3), size=(64, 64))
    assert disagree(champion, shadow, thresholds=(0.7, 0.3), size=(64, 64))


def test_polygons_are_compared_by_their_masks_and_not_by_their_boxes():
    upper, lower = [(0, 0), (40, 0), (0, 40)], [(40, 40), (40, 0), (0, 40)]
    one, same, other = (
        Side(0.1, [0], [0.9], [(0, 0, 40, 40)], [ring])
        for ring in (upper, [(0, 0), (41, 0), (0, 40)], lower)
    )
    options = {"thresholds": (0.5, 0.5), "size": (64, 64)}
    assert not disagree(one, same, **options)
    assert disagree(one, other, **options)


@pytest.mark.parametrize(("s", "n"), [(0, 1), (1, 1), (0, 50), (3, 40), (500, 1000), (1000, 1000)])
def test_the_ends_are_where_the_mixture_reaches_its_bound(s, n):
    (low,), (high,) = confidence_sequence([s], [n])
    p = np.linspace(1e-6, 1 - 1e-6, 200_001)
    mixture = (
        math.lgamma(0.5 + s) + math.lgamma(0.5 + n - s) - math.lgamma(1 + n) - math.log(math.pi)
    )
    inside = p[mixture < s * np.log(p) + (n - s) * np.log1p(-p) - math.log(0.05)]
    assert low == pytest.approx(inside[0], abs=2e-5)
    assert high == pytest.approx(inside[-1], abs=2e-5)


def test_it_covers_at_all_times_at_once():
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(200):
        s = (rng.random(400) < 0.1).cumsum()
        low, high = confidence_sequence(s, np.arange(1, 401))
        missed += bool(((low > 0.1) | (high < 0.1)).any())
    assert missed <= 0.05 * 200


def test_nothing_compared_says_nothing():
    low, high = confidence_sequence([0], [0])
    assert (low.tolist(), high.tolist()) == ([0.0], [1.0])
