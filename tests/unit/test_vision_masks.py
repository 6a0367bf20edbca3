"""Masks, their areas, their IoU and the AP of masks equal pycocotools'."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from libs.vision import ap, masks, matching


def pixels(ends, *, width, height):
    turned = np.zeros(width * height + 1, dtype=np.int64)
    turned[ends] = 1
    return (turned.cumsum()[:-1] % 2).reshape(width, height).T


def run_lengths(ring, *, width, height):
    return coco_mask.merge(
        coco_mask.frPyObjects([np.asarray(ring).ravel().tolist()], height, width)
    )


def star(rng, *, width, height, reach):
    """A polygon around some point, cut at the picture's border; coordinates whole or not."""
    corners = int(rng.integers(3, 20))
    turns = np.sort(rng.uniform(0, 7, corners))
    radii = rng.uniform(0, reach, corners)
    middle = rng.random(2) * [width, height]
    ring = middle + radii[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    return np.round(np.clip(ring, 0, [width, height]), int(rng.choice([0, 1, 9])))


# pycocotools hands numpy an array in the manner of numpy 1.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 70), st.integers(1, 70), st.booleans())
def test_a_mask_is_that_of_pycocotools_pixel_by_pixel(seed, width, height, tangled):
    rng = np.random.default_rng(seed)
    ring = star(rng, width=width, height=height, reach=60)
    if tangled:
        ring = rng.permutation(ring)
    (ends,) = masks.masks([ring], width=width, height=height)
    reference = coco_mask.decode(run_lengths(ring, width=width, height=height))
    np.testing.assert_array_equal(pixels(ends, width=width, height=height), reference)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_iou_and_areas_are_those_of_pycocotools_bit_for_bit(seed):
    rng = np.random.default_rng(seed)
    size = {"width": int(rng.integers(40, 900)), "height": int(rng.integers(40, 900))}
    found, truths = ([star(rng, **size, reach=150) for _ in range(8)] for _ in range(2))
    a, b = ([run_lengths(ring, **size) for ring in rings] for rings in (found, truths))
    ours = masks.compared(found, truths, **size)
    np.testing.assert_array_equal(ours.overlap, coco_mask.iou(a, b, [0] * len(b)))
    np.testing.assert_array_equal(ours.areas, coco_mask.area(a))
    np.testing.assert_array_equal(ours.true_areas, coco_mask.area(b))


SIZE = {"width": 320, "height": 240}


def scenes(seed, *, images, classes):
    """(found rings, classes, scores, true rings, true classes) of each image; scores are tied."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(images):
        truths = [star(rng, **SIZE, reach=rng.choice([20, 60, 140])) for _ in range(6)]
        near = [np.clip(ring + rng.normal(0, 3, ring.shape), 0, [320, 240]) for ring in truths]
        found = [*near, *near[:2], *(star(rng, **SIZE, reach=60) for _ in range(3))]
        wanted = rng.integers(0, classes, len(truths))
        said = np.concatenate([wanted, wanted[:2], rng.integers(0, classes, 3)])
        made.append((found, said, rng.random(len(found)).round(1), truths, wanted))
    return made


def coco_segm(made, *, classes):
    truths, results = [], []
    for image, (found, said, scores, rings, wanted) in enumerate(made, start=1):
        for ring, c in zip(rings, wanted, strict=True):
            code = run_lengths(ring, **SIZE)
            truths.append(
                {
                    "id": len(truths) + 1, "image_id": image, "category_id": int(c),
                    "segmentation": code, "area": float(coco_mask.area(code)), "iscrowd": 0,
                }
            )  # fmt: skip
        results += [
            {
                "image_id": image, "category_id": int(c), "score": float(score),
                "segmentation": run_lengths(ring, **SIZE),
            }
            for ring, c, score in zip(found, said, scores, strict=True)
        ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = {
            "images": [{"id": i + 1, **SIZE} for i in range(len(made))],
            "annotations": truths,
            "categories": [{"id": c} for c in range(classes)],
        }
        gt.createIndex()
        run = COCOeval(gt, gt.loadRes(results), "segm")
        run.evaluate()
        run.accumulate()
    return run.eval["precision"][..., -1], run.eval["recall"][..., -1]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_tensors_of_mask_ap_equal_pycocotools(seed):
    made = scenes(seed, images=25, classes=3)
    states = [
        matching.match_masks(masks.compared(found, truths, **SIZE), said, scores, wanted).pack()
        for found, said, scores, truths, wanted in made
    ]
    quality = ap.pooled(states, classes=3)
    precision, recall = coco_segm(made, classes=3)
    np.testing.assert_array_equal(quality.precision, precision)
    np.testing.assert_array_equal(quality.recall, recall)


def test_polygons_that_nothing_meets_or_that_are_lines_overlap_nothing():
    square, line = [(0, 0), (9, 0), (9, 9), (0, 9)], [(2, 2), (7, 2), (2, 2)]
    far = [(30, 30), (39, 30), (39, 39)]
    found = masks.compared([square, line], [square, far, line], width=40, height=40)
    np.testing.assert_array_equal(found.overlap, [[1, 0, 0], [0, 0, 0]])
    assert found.areas.tolist() == [81, 0]
    assert masks.compared([], [], width=4, height=4).overlap.shape == (0, 0)


def test_a_polygon_that_would_take_minutes_is_drawn_smaller():
    rows = np.linspace(0, 1e6, 20_000)
    zigzag = np.stack([np.where(np.arange(20_000) % 2, 1e6, 0.0), rows], axis=1)
    found = masks.compared([zigzag], [zigzag], width=1_000_000, height=1_000_000)
    assert found.overlap[0, 0] == 1.0
