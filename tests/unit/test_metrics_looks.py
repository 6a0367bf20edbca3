"""Looks are taken at every twentieth of a window, and never before a window is full."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import ks_2samp

from services.metrics.core import looks
from services.metrics.core.basis import IMAGE_FEATURES, Basis, BoxFacts
from services.metrics.core.outlier import EMBEDDING_SIZE, TooFewImages

START = datetime(2026, 3, 1, tzinfo=UTC)
RNG = np.random.default_rng(0)


def embeddings(count: int) -> np.ndarray:
    return RNG.normal(0, 1, (count, EMBEDDING_SIZE)).astype(np.float32)


@pytest.fixture(scope="module")
def basis() -> Basis:
    return Basis.fit(
        embeddings(120), blocks=[str(i) for i in range(120)], boxes=None, window=40
    ).calibrated(block=1, streams=19)


@pytest.fixture(scope="module")
def features(basis) -> list[bytes]:
    return [basis.score(e, BoxFacts(0, float("nan"))).packed() for e in embeddings(90)]


TIMES = [START + timedelta(seconds=i) for i in range(90)]


def test_the_sample_is_of_images_that_the_fit_has_not_seen(basis):
    assert basis.sample.shape == (60, len(IMAGE_FEATURES))
    assert (basis.window, basis.names) == (40, IMAGE_FEATURES)


def test_the_first_look_is_at_the_first_full_window(basis, features):
    assert looks.taken(basis, TIMES[:39], features[:39], after=None) == []
    found = looks.taken(basis, TIMES, features, after=None)
    assert [look.time for look in found] == TIMES[39::2]


def test_later_looks_go_on_from_the_last(basis, features):
    found = looks.taken(basis, TIMES, features, after=TIMES[80])
    assert [look.time for look in found] == TIMES[82::2]
    assert looks.taken(basis, TIMES, features, after=TIMES[88]) == []


def test_the_distance_of_each_feature_is_scipys(basis, features):
    last = looks.taken(basis, TIMES, features, after=None)[-1]
    live = looks.live_values(features)[50:90]
    for at in range(len(basis.names)):
        wanted = ks_2samp(basis.sample[:, at], live[:, at], method="asymp")
        assert last.d[at] == pytest.approx(wanted.statistic)
        assert last.p[at] == pytest.approx(wanted.pvalue, abs=1e-6)


def test_a_basis_survives_its_bytes(basis, features):
    again = Basis.from_bytes(basis.to_bytes())
    assert (again.names, again.window, again.threshold) == (
        basis.names, basis.window, basis.threshold,
    )  # fmt: skip
    assert looks.taken(again, TIMES, features, after=None)[-1].alarm is False


def test_box_features_are_there_only_with_annotations():
    facts = [BoxFacts.of([100.0, 300.0], image=1000.0)] * 20 + [BoxFacts.of([], image=1.0)] * 20
    found = Basis.fit(embeddings(40), blocks=[str(i) for i in range(40)], boxes=facts, window=100)
    assert found.names[-2:] == ("box count", "box area")
    assert found.window == 20
    assert set(found.sample[:, -2]) <= {0.0, 2.0}
    assert np.isnan(found.sample[:, -1]).any()


def test_too_few_images_make_no_reference():
    with pytest.raises(TooFewImages):
        Basis.fit(embeddings(3), blocks=["a", "b", "c"], boxes=None, window=10)
