"""Average precision and recall equal pycocotools', the whole tensors included."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from libs.vision import ap, groups, matching


def coco_accumulate(images, *, classes):
    """pycocotools' precision, recall and stats of `images`, lists of (pred, truth) dicts."""
    annotations, results = [], []
    for i, image in enumerate(images, start=1):
        for box, c, size, crowd in zip(
            image["truth_boxes"],
            image["truth_classes"],
            image["truth_areas"],
            image["crowd"],
            strict=True,
        ):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": i,
                    "category_id": int(c),
                    "bbox": [float(v) for v in box],
                    "area": float(size),
                    "iscrowd": int(crowd),
                }
            )
        for box, c, score in zip(
            image["pred_boxes"], image["pred_classes"], image["pred_scores"], strict=True
        ):
            results.append(
                {
                    "image_id": i,
                    "category_id": int(c),
                    "bbox": [float(v) for v in box],
                    "score": float(score),
                }
            )
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": i + 1} for i in range(len(images))],
            "categories": [{"id": c} for c in range(classes)],
            "annotations": annotations,
        }
        truth.createIndex()
        found = truth.loadRes(results) if results else COCO()
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.params.imgIds = list(range(1, len(images) + 1))
        evaluation.params.catIds = list(range(classes))
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def random_images(seed, *, images, classes, most=12, ties=True, crowds=True):
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(images):
        n = int(rng.integers(0, most))
        truth = np.concatenate(
            [rng.uniform(0, 300, (n, 2)), rng.choice([12.0, 32, 50, 96, 130], (n, 2))], axis=1
        )
        copies = np.concatenate([truth, truth[rng.random(n) < 0.5]])
        moved = copies + rng.normal(0, 1, copies.shape) * rng.choice([0, 1, 6], (len(copies), 1))
        extra = np.concatenate([rng.uniform(0, 300, (n, 2)), rng.uniform(1, 150, (n, 2))], axis=1)
        pred = np.concatenate([moved, extra])
        pred[:, 2:] = np.maximum(pred[:, 2:], 0)
        truth_classes = rng.integers(0, classes, n)
        pred_classes = np.concatenate(
            [rng.integers(0, classes, len(pred) - n), rng.integers(0, classes, n)]
        )
        pred_classes[:n] = truth_classes
        scores = rng.random(len(pred))
        areas = truth[:, 2] * truth[:, 3] * rng.choice([1.0, 0.7], n)
        made.append(
            {
                "pred_boxes": pred,
                "pred_classes": pred_classes,
                "pred_scores": np.round(scores, 1) if ties else scores,
                "truth_boxes": truth,
                "truth_classes": truth_classes,
                "truth_areas": areas,
                "crowd": (rng.random(n) < 0.15) & crowds,
            }
        )
    return made


def packed(images):
    return [matching.match(**image).pack() for image in images]


def same_as_coco(images, *, classes):
    reference = coco_accumulate(images, classes=classes)
    quality = ap.pooled(packed(images), classes=classes)
    np.testing.assert_array_equal(quality.precision, reference.eval["precision"][..., -1])
    np.testing.assert_array_equal(quality.recall, reference.eval["recall"][..., -1])
    expected = [None if v == -1 else v for v in reference.stats[:6]]
    assert list(quality.ap().values()) == expected
    for name, v in zip(["50_95", *list(ap.SERIES)[3:]], reference.stats[8:], strict=True):
        assert quality.ar()[name] == (None if v == -1 else v)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32 - 1),
    images=st.integers(1, 8),
    classes=st.integers(1, 4),
    ties=st.booleans(),
    crowds=st.booleans(),
)
def test_every_tensor_equals_pycocotools_with_ties_crowds_and_all_areas(
    seed, images, classes, ties, crowds
):
    same_as_coco(
        random_images(seed, images=images, classes=classes, ties=ties, crowds=crowds),
        classes=classes,
    )


def test_more_than_a_hundred_detections_of_a_class_are_cut_as_pycocotools_cuts_them():
    same_as_coco(random_images(5, images=3, classes=1, most=120), classes=1)


@pytest.mark.parametrize("images", [3, 200])
def test_scores_that_differ_in_their_last_bits_only_are_told_apart(images):
    made = random_images(11, images=images, classes=5, ties=False)
    rng = np.random.default_rng(0)
    for image in made:
        last_bits = rng.integers(0, 4, len(image["pred_scores"])) * np.spacing(0.7)
        image["pred_scores"] = 0.7 + last_bits
    same_as_coco(made, classes=5)


@pytest.mark.slow
def test_a_set_of_a_thousand_images_equals_pycocotools():
    same_as_coco(random_images(7, images=1000, classes=6), classes=6)


def test_no_ground_truth_is_null_and_not_zero():
    state = matching.match([[0, 0, 9, 9]], [0], [0.9], [], []).pack()
    assert ap.average_precision(state, classes=1) is None
    assert set(ap.pooled([], classes=3).ap().values()) == {None}
    assert set(ap.pooled([state], classes=1).ar().values()) == {None}


def test_ground_truth_without_any_detection_is_zero():
    quality = ap.pooled([matching.match([], [], [], [[0, 0, 9, 9]], [1]).pack()], classes=2)
    assert quality.ap()["50_95"] == 0.0
    assert quality.ar()["50"] == 0.0
    assert quality.ap_of_classes() == [None, 0.0]


def test_a_perfect_prediction_scores_one_on_its_own_image():
    state = matching.match([[0, 0, 9, 9]], [0], [0.9], [[0, 0, 9, 9]], [0]).pack()
    assert ap.average_precision(state, classes=1) == pytest.approx(1.0)


def test_a_class_that_the_label_map_lacks_is_refused():
    state = matching.match([[0, 0, 9, 9]], [4], [0.9], [], []).pack()
    with pytest.raises(ap.ClassBeyondLabelMap, match="class 4"):
        ap.pooled([state], classes=4)


@pytest.mark.parametrize("series", ap.SERIES)
@pytest.mark.parametrize("kind", ["ap", "ar"])
def test_many_groups_at_once_say_what_each_says_alone(series, kind, monkeypatch):
    states = packed(random_images(31, images=40, classes=3))
    rng = np.random.default_rng(0)
    chosen = [np.sort(rng.permutation(40)[: int(n)]) for n in rng.integers(0, 15, 25)]
    for most in (10_000_000, 3000):
        monkeypatch.setattr(groups, "_MOST_BYTES", most)
        found = groups.of_groups(states, chosen, classes=3, kind=kind, series=series)
        for value, group in zip(found.tolist(), chosen, strict=True):
            quality = ap.pooled([states[i] for i in group], classes=3)
            alone = (quality.ap() if kind == "ap" else quality.ar())[series]
            assert value == pytest.approx(alone if alone is not None else np.nan, nan_ok=True)
