"""Kinds of errors are TIDE's, computed the slow way; they hold for every threshold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.vision.boxes import iou
from services.metrics.core.supervised.errors import Errors, NotItems, items_of


def tide(boxes, classes, scores, truths, wanted):
    """TIDE's rules one by one, of the detections given: kinds by name, and confusion cells."""
    counts = dict.fromkeys(
        ("classification", "location", "both", "duplicate", "background", "missed"), 0
    )
    cells = []
    overlap = iou(boxes, truths)
    owner, named, near = {}, set(), set()
    order = sorted(range(len(boxes)), key=lambda d: -scores[d])
    hits = {}
    for d in order:
        best = None
        for g in range(len(truths)):
            fits = classes[d] == wanted[g] and g not in owner and overlap[d, g] >= 0.5
            if fits and (best is None or overlap[d, g] >= overlap[d, best]):
                best = g
        if best is not None:
            owner[best] = d
            hits[d] = best
    rank = {d: i for i, d in enumerate(order)}
    for d in order:
        if d in hits:
            cells.append((classes[d], classes[d]))
            continue
        own = max((overlap[d, g] for g in range(len(truths)) if wanted[g] == classes[d]), default=0)
        others = [g for g in range(len(truths)) if wanted[g] != classes[d]]
        other = max(others, key=lambda g: overlap[d, g], default=None)
        twice = any(
            overlap[d, g] >= 0.5 and rank[owner[g]] < rank[d]
            for g in owner
            if wanted[g] == classes[d]
        )
        whole = max((overlap[d, g] for g in range(len(truths))), default=0)
        background = "background"
        if 0.1 <= own < 0.5:
            kind = "location"
            near |= {
                g for g in range(len(truths)) if wanted[g] == classes[d] and overlap[d, g] == own
            }
        elif other is not None and overlap[d, other] >= 0.5:
            kind, background = "classification", wanted[other]
            named.add(other)
        elif twice:
            kind = "duplicate"
        elif whole <= 0.1:
            kind = "background"
        else:
            kind = "both"
        counts[kind] += 1
        cells.append((classes[d], background))
    for g in range(len(truths)):
        if g not in owner and g not in named:
            cells.append(("background", wanted[g]))
            counts["missed"] += g not in near
    return counts, cells


def scene(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 7))
    truths = np.concatenate([rng.uniform(0, 60, (n, 2)), rng.uniform(10, 40, (n, 2))], axis=1)
    copies = np.concatenate([truths, truths, truths[: n // 2]])
    moved = copies + rng.normal(0, 1, copies.shape) * rng.choice([0.3, 4, 12], (len(copies), 1))
    extra = np.concatenate([rng.uniform(0, 90, (3, 2)), rng.uniform(5, 30, (3, 2))], axis=1)
    boxes = np.concatenate([moved, extra])
    boxes[:, 2:] = np.maximum(boxes[:, 2:], 1)
    wanted = rng.integers(0, 3, n).tolist()
    classes = rng.integers(0, 3, len(boxes)).tolist()
    classes[:n] = wanted
    return boxes, classes, rng.permutation(len(boxes)) / len(boxes), truths, wanted


def items_of_scene(seed):
    boxes, classes, scores, truths, wanted = scene(seed)
    return items_of(iou(boxes, truths), classes, scores, wanted)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.6, 0.95]))
def test_kinds_and_confusion_are_those_of_the_detections_above_the_threshold(seed, threshold):
    boxes, classes, scores, truths, wanted = scene(seed)
    errors = Errors.of(items_of(iou(boxes, truths), classes, scores, wanted))
    shown = np.flatnonzero(scores >= threshold)
    counts, cells = tide(boxes[shown], [classes[i] for i in shown], scores[shown], truths, wanted)
    assert errors.counts(threshold) == counts
    table = np.zeros((4, 4), dtype=int)
    for predicted, reviewed in cells:
        at = [3 if one == "background" else one for one in (predicted, reviewed)]
        table[tuple(at)] += 1
    np.testing.assert_array_equal(errors.confusion(threshold, classes=3), table)


def test_items_of_many_images_can_be_joined():
    scenes = [items_of_scene(seed) for seed in range(20)]
    joined = Errors.of(b"".join(scenes))
    apart = [Errors.of(one).confusion(0.5, classes=3) for one in scenes]
    np.testing.assert_array_equal(joined.confusion(0.5, classes=3), sum(apart))


def test_nothing_predicted_and_nothing_there_has_no_items():
    assert items_of(np.zeros((0, 0)), [], [], []) == b""
    assert set(Errors.of(b"").counts(0.5).values()) == {0}
    with pytest.raises(NotItems):
        Errors.of(b"12345")
