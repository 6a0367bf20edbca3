"""The outlier score: deterministic embeddings, a sound distance, an honest alarm."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from sklearn.covariance import LedoitWolf

from services.metrics.core import outlier
from services.metrics.core.outlier import Reference, network

BCCD = Path(__file__).parents[3] / "shared" / "data" / "bccd" / "images"


def scene(seed, *, size=(120, 160), level=0.5):
    """Blobs on a tilted background, as one camera sees them."""
    rng = np.random.default_rng(seed)
    h, w = size
    y, x = np.mgrid[0:h, 0:w] / max(size)
    picture = np.stack([level + 0.2 * x, level + 0.1 * y, 0.4 + 0 * x], axis=2)
    for _ in range(int(rng.integers(2, 6))):
        cy, cx, r = rng.uniform(0, 0.75), rng.uniform(0, 1), rng.uniform(0.03, 0.1)
        picture[np.hypot(y - cy, x - cx) < r] = rng.uniform(0.1, 0.9, 3)
    picture += rng.normal(0, 0.02, picture.shape)
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def reference():
    return Reference.fit([outlier.embed(scene(i)) for i in range(120)])


def vectors(n, seed=0, *, size=20):
    return np.random.default_rng(seed).normal(size=(n, size))


def test_an_embedding_is_576_finite_numbers_and_the_same_twice():
    first, second = outlier.embed(scene(1)), outlier.embed(scene(1))
    assert first.shape == (outlier.EMBEDDING_SIZE,) == (576,)
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (9, 9), (700, 5)])
@pytest.mark.parametrize("fill", [0, 255])
def test_odd_sizes_and_flat_pictures_embed_to_finite_numbers(size, fill):
    assert np.isfinite(outlier.embed(np.full((*size, 3), fill, dtype=np.uint8))).all()


def test_the_net_is_the_same_bytes_everywhere():
    fresh = network.model_bytes.__wrapped__()
    assert fresh == network.model_bytes()
    assert network.features(np.zeros((128, 128, 3), np.uint8)).shape == (network.COUNT,)


def test_tone_reads_brightness_contrast_and_sharpness_off_the_embedding():
    picture = scene(3)
    found = outlier.tone(outlier.embed(picture))
    assert found.brightness == pytest.approx(picture.mean() / 255, abs=0.01)
    small = np.asarray(Image.fromarray(picture).resize((128, 128), Image.Resampling.BILINEAR))
    assert found.contrast == pytest.approx((small / 255).std(axis=(0, 1)).mean(), abs=0.01)
    blurred = np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(3)))
    assert outlier.tone(outlier.embed(blurred)).sharpness < found.sharpness - 1


@pytest.mark.parametrize("shape", [(30, 8), (40, 100), (500, 20), (3, 1)])
def test_the_shrunk_covariance_equals_scikit_learns(shape):
    rng = np.random.default_rng(1)
    x = rng.normal(size=shape) @ rng.normal(size=(shape[1], shape[1]))
    x -= x.mean(axis=0)
    expected = LedoitWolf(assume_centered=True).fit(x)
    covariance, shrinkage = outlier.ledoit_wolf(x)
    np.testing.assert_allclose(covariance, expected.covariance_, rtol=1e-9)
    assert shrinkage == pytest.approx(expected.shrinkage_, rel=1e-9)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda p: p // 2,
        lambda p: np.clip(p.astype(int) + 60, 0, 255).astype(np.uint8),
        lambda p: np.asarray(Image.fromarray(p).filter(ImageFilter.GaussianBlur(3))),
        lambda p: (p * 0.3 + 90).astype(np.uint8),
        lambda p: p[..., ::-1],
    ],
    ids=["dark", "bright", "blurred", "low contrast", "channels swapped"],
)
def test_a_spoiled_image_lies_farther_out_than_every_ordinary_one(reference, spoil):
    ordinary = [reference.distance(outlier.embed(scene(i))) for i in range(500, 520)]
    odd = [reference.distance(outlier.embed(spoil(scene(i)))) for i in range(520, 525)]
    assert min(odd) > max(ordinary)


def test_scores_of_ordinary_images_spread_over_the_unit_interval(reference):
    scores = [reference.score(outlier.embed(scene(i))) for i in range(600, 660)]
    assert 0.3 < np.mean(scores) < 0.7
    assert 0 <= min(scores) <= max(scores) < 1


def test_one_image_has_both_scores_and_its_distance(reference):
    embedding = outlier.embed(scene(900, level=0.1))
    found = reference.outlier(embedding)
    assert found.score == reference.score(embedding)
    assert found.distance == reference.distance(embedding)
    ordinary = reference.outlier(outlier.embed(scene(901)))
    assert found.reconstruction > ordinary.reconstruction >= 0


def test_with_fewer_than_ninety_nine_images_held_out_the_alarm_never_rings(reference):
    assert len(reference.held_out) == 60
    found = reference.outlier(outlier.embed(np.zeros((9, 9, 3), np.uint8)))
    assert found.score == pytest.approx(1 - 1 / 61)
    assert not found.alarm


def test_the_alarm_rings_falsely_for_about_one_image_in_a_hundred():
    rates = []
    for seed in range(5):
        drawn = Reference.fit(vectors(1000, seed), seed=seed)
        assert len(drawn.held_out) == 400
        rates.append(np.mean([drawn.outlier(v).alarm for v in vectors(1000, seed + 100)]))
    assert 0.003 <= np.mean(rates) <= 0.018
    assert drawn.outlier(np.full(20, 9.0)).alarm


def test_images_of_a_burst_are_held_out_together():
    bursts = np.repeat(np.arange(50), 4)
    x = vectors(200)
    found = Reference.fit(x, blocks=bursts)
    distances = np.array([found.distance(v) for v in x])
    held = np.isin(np.round(distances, 9), np.round(found.held_out, 9))
    assert held.sum() == 100
    assert set(np.bincount(bursts[held], minlength=50)) == {0, 4}


def test_leading_components_are_ordered_by_variance_and_uncorrelated():
    x = vectors(400) * np.r_[np.full(2, 1.0), np.full(18, 1.0)] @ vectors(20, 9)
    found = Reference.fit(x)
    leading = np.array([found.leading(v, components=4) for v in x])
    assert leading.shape == (400, 4)
    variances = leading.var(axis=0)
    assert variances[0] > variances[1] > variances[2]
    assert abs(np.corrcoef(leading.T)[0, 1]) < 0.2


def test_a_reference_survives_storage_and_scores_the_same(reference):
    data = reference.to_bytes()
    back = Reference.from_bytes(data)
    embedding = outlier.embed(scene(77))
    assert back.outlier(embedding) == reference.outlier(embedding)
    np.testing.assert_array_equal(back.leading(embedding), reference.leading(embedding))
    assert back.to_bytes() == data


def test_bytes_that_are_no_reference_are_refused_and_never_unpickled(reference):
    pickled = io.BytesIO()
    np.savez(pickled, version=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    other = io.BytesIO()
    np.savez(other, version=np.int64(99))
    for data in (b"", b"junk", reference.to_bytes()[:1000], pickled.getvalue(), other.getvalue()):
        with pytest.raises(outlier.NotAReference):
            Reference.from_bytes(data)


def test_a_handful_of_images_is_no_reference():
    with pytest.raises(outlier.TooFewImages, match="3 images"):
        Reference.fit(vectors(3))


def test_a_reference_of_one_repeated_image_still_gives_finite_scores():
    one = outlier.embed(scene(5))
    found = Reference.fit(np.repeat(one[None], 20, axis=0)).outlier(outlier.embed(scene(6)))
    assert np.isfinite(found.distance)
    assert found.score > 0.8


@pytest.mark.slow
def test_corrupted_photographs_are_told_from_clean_ones():
    if not BCCD.is_dir():
        pytest.skip(f"no photographs at {BCCD}")
    from benchmarks.outlier import measure

    images = [Image.open(p).convert("RGB") for p in sorted(BCCD.glob("*.jpg"))[:150]]
    found = measure(images)
    assert np.mean(list(found.values())) >= 0.90
