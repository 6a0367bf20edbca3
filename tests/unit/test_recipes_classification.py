"""The classification recipe on scikit-learn's real digits."""

import io
from collections.abc import Mapping

import numpy as np
import pytest
from PIL import Image

from libs.vision.onnx_models import Layout, inspect
from services.serving.core.model import load
from services.trainer.recipes.base import (
    Dataset,
    Item,
    TrainingCancelled,
    TrainingRefused,
    checked,
)
from services.trainer.recipes.classification import recipe
from services.trainer.recipes.classification.export import FEATURES, filters
from services.trainer.recipes.classification.head import fit_head, sample_weights

LABELS = ("0", "1", "2")


class Silent:
    def __init__(self, stop_after: int | None = None) -> None:
        self.steps: list[int] = []
        self._stop_after = stop_after

    def progress(
        self,
        step: int,
        total: int,
        *,
        loss: float,
        rate: float,
        val: Mapping[str, float] | None = None,
        seconds_left: float,
    ) -> None:
        assert np.isfinite([loss, rate, seconds_left]).all()
        assert total > 0
        assert val is None
        self.steps.append(step)

    def log(self, line: str) -> None:
        assert line

    def cancelled(self) -> bool:
        return self._stop_after is not None and len(self.steps) >= self._stop_after


def png(pixels: np.ndarray) -> bytes:
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, "PNG")
    return packed.getvalue()


@pytest.fixture(scope="module")
def digits() -> list[Item]:
    from sklearn.datasets import load_digits

    bundle = load_digits(n_class=3)
    pixels = (bundle.images * 15.9).astype(np.uint8)
    chosen = np.random.default_rng(0).permutation(len(pixels))[:90]
    return [Item(png(pixels[i]), np.array([bundle.target[i]])) for i in chosen]


def test_sixty_digits_teach_a_model_that_serves(digits: list[Item]) -> None:
    report = Silent()
    made = recipe.fit(Dataset(LABELS, digits[:60], digits[60:]), {}, start=None, report=report)
    assert made.metrics["accuracy"] >= 0.95
    assert report.steps == list(range(1, len(report.steps) + 1))
    description = inspect(made.onnx)
    assert description.layout is Layout.SIGHTLOOP_CLASSIFIER
    assert description.labels == made.labelmap == LABELS
    model = load(made.onnx)
    right = 0
    for item in digits[60:]:
        assert isinstance(item.picture, bytes)
        with Image.open(io.BytesIO(item.picture)) as opened:
            rgb = np.asarray(opened.convert("RGB"))
        found = model.predict(rgb)
        assert found.scores.sum() == pytest.approx(1, abs=1e-5)
        right += int(found.classes[0] == item.classes[0])
    assert right / 30 == pytest.approx(made.metrics["accuracy"])


def test_the_same_data_gives_the_same_bytes(digits: list[Item]) -> None:
    data = Dataset(LABELS, digits[:20])
    first, second = (recipe.fit(data, {}, start=None, report=Silent()) for _ in range(2))
    assert first.onnx == second.onnx
    assert first.checkpoint == second.checkpoint


def test_a_retraining_with_the_old_data_settles_at_once(digits: list[Item]) -> None:
    fresh, warm = Silent(), Silent()
    data = Dataset(LABELS, digits[:60])
    made = recipe.fit(data, {}, start=None, report=fresh)
    recipe.fit(data, {}, start=made.checkpoint, report=warm)
    assert len(warm.steps) < len(fresh.steps) / 2


def test_a_label_without_pictures_is_reported_and_never_guessed(digits: list[Item]) -> None:
    made = recipe.fit(Dataset((*LABELS, "x"), digits[:30]), {}, start=None, report=Silent())
    assert made.not_learned == ("x",)
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    found = load(made.onnx).predict(picture)
    assert dict(zip(found.classes, found.scores, strict=True))[3] < 1e-6


def test_cancelling_stops_within_one_step(digits: list[Item]) -> None:
    report = Silent(stop_after=2)
    with pytest.raises(TrainingCancelled):
        recipe.fit(Dataset(LABELS, digits[:20]), {}, start=None, report=report)
    assert len(report.steps) <= 2


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [([[0], [0]], "the same label"), ([[0], [0, 1]], "exactly one"), ([], "no picture")],
)
def test_what_cannot_be_learned_is_refused_with_a_sentence(
    classes: list[list[int]], sentence: str
) -> None:
    blank = png(np.zeros((8, 8, 3), np.uint8))
    data = Dataset(LABELS, [Item(blank, np.array(indices)) for indices in classes])
    with pytest.raises(TrainingRefused, match=sentence):
        recipe.fit(data, {}, start=None, report=Silent())


def test_wrong_parameters_are_named() -> None:
    with pytest.raises(TrainingRefused, match="l2: "):
        checked(recipe.parameters, {"l2": -1})


def test_filters_have_no_mean_and_unit_norm() -> None:
    kernels = filters()
    np.testing.assert_allclose(kernels.mean((1, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose((kernels**2).sum((1, 2, 3)), 1, atol=1e-5)
    assert FEATURES == 1728


def test_classes_weigh_the_same_and_old_data_its_share() -> None:
    classes = np.array([0, 0, 0, 1, 1, 1])
    old = np.array([True, True, False, True, False, False])
    weights = sample_weights(classes, old, share=0.5)
    assert weights.sum() == pytest.approx(1)
    assert weights[classes == 0].sum() == pytest.approx(0.5)
    assert weights[old & (classes == 0)].sum() == pytest.approx(0.25)


def test_the_head_minimises_the_penalised_loss() -> None:
    """Against scikit-learn: C = 1/(n·l2) is the same objective on standardised features."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    features = rng.normal(3, 2, (80, 6)).astype(np.float32)
    classes = rng.integers(0, 3, 80)
    weights = np.full(80, 1 / 80)
    head = fit_head(
        features, classes, weights, labels=3, l2=0.1, steps=500, start=None, each=lambda *_: None
    )
    standard = (features - features.mean(0)) / features.std(0)
    reference = LogisticRegression(C=1 / (80 * 0.1), tol=1e-8, max_iter=1000)
    reference.fit(standard, classes)
    np.testing.assert_allclose(head.weights.T, reference.coef_, atol=2e-3)
    folded, bias = head.folded()
    expected = reference.decision_function(standard)
    logits = features @ folded + bias
    # Both are free up to a constant for each row.
    difference = logits - expected
    spread = difference - difference.mean(1, keepdims=True)
    np.testing.assert_allclose(spread, 0, atol=5e-3)
