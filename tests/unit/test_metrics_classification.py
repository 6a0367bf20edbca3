"""Confusion and its scores equal scikit-learn's where that has an answer."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from services.metrics.core.supervised.classification import Confusion


def test_scores_equal_scikit_learn():
    rng = np.random.default_rng(0)
    truth, said = rng.integers(0, 5, 300), rng.integers(0, 5, 300)
    found = Confusion.of(list(zip(truth.tolist(), said.tolist(), strict=True)))
    assert found.classes == (0, 1, 2, 3, 4)
    np.testing.assert_array_equal(found.counts, confusion_matrix(truth, said).T)
    p, r, f, s = precision_recall_fscore_support(truth, said)
    scores = found.per_label()
    assert [x.precision for x in scores] == pytest.approx(p)
    assert [x.recall for x in scores] == pytest.approx(r)
    assert [x.f1 for x in scores] == pytest.approx(f)
    assert [x.support for x in scores] == s.tolist()
    assert found.accuracy() == pytest.approx((truth == said).mean())
    assert found.macro_f1() == pytest.approx(f.mean())
    assert found.weighted_f1() == pytest.approx(np.average(f, weights=s))


def test_nought_by_nought_is_none_and_counts_nothing_in_the_macro_mean():
    found = Confusion.of([(0, 0), (0, 1)])
    (zero, one) = found.per_label()
    assert (zero.precision, zero.recall, zero.support) == (1.0, 0.5, 2)
    assert (one.precision, one.recall, one.f1, one.support) == (0.0, None, 0.0, 0)
    assert found.macro_f1() == pytest.approx((2 / 3) / 2)


def test_an_image_without_an_answer_is_wrong_but_in_no_column():
    found = Confusion.of([(0, None), (0, 0)])
    assert found.accuracy() == 0.5
    assert found.counts.tolist() == [[1]]
    assert found.support.tolist() == [2]


def test_nothing_reviewed_has_no_scores():
    found = Confusion.of([])
    assert found.accuracy() is None
    assert found.macro_f1() is None
    assert found.weighted_f1() is None
