"""Paired losses and labelmaps."""

from uuid import UUID

import pytest

from libs.schemas.values import Output, ReviewShapes, Shapes, TaskType
from libs.vision.onnx_models import Layout, ModelDescription
from services.deployer.core.labelmap import (
    LabelmapRefused,
    check_candidate,
    check_file,
    check_labels,
)
from services.deployer.core.losses import Reader, paired

DETECTION, CLASSIFICATION = TaskType.OBJECT_DETECTION, TaskType.CLASSIFICATION
BOX = (10.0, 10.0, 40.0, 40.0)
SIZE = (640, 480)
AWAY = (100.0, 100.0, 40.0, 40.0)


def output(classes: list[int], scores: list[float], boxes: list[tuple[float, ...]]) -> Output:
    shapes = Shapes(classes=classes, scores=scores, boxes=boxes)  # type: ignore[arg-type]
    return Output(version=UUID(int=1), shapes=shapes, latency=0.1)


def test_each_model_is_read_at_its_own_threshold() -> None:
    said = output([0, 0], [0.9, 0.4], [BOX, AWAY])
    strict, loose = Reader(labels=["car"], threshold=0.5), Reader(labels=["car"], threshold=0.3)
    review = ReviewShapes(labels=["car"], boxes=[BOX])
    losses = paired((strict, said), (loose, said), review=review, task=DETECTION, size=SIZE)
    assert losses == pytest.approx((0.0, 1 / 3))


def test_two_models_may_order_the_labels_differently() -> None:
    one, other = (Reader(labels=names, threshold=0) for names in (["car", "dog"], ["dog", "car"]))
    review = ReviewShapes(labels=["dog"], boxes=[BOX])
    losses = paired(
        (one, output([1], [0.9], [BOX])), (other, output([0], [0.9], [BOX])),
        review=review, task=DETECTION, size=SIZE,
    )  # fmt: skip
    assert losses == (0.0, 0.0)


def test_nothing_there_and_nothing_said_costs_nothing() -> None:
    reader = Reader(labels=["car"], threshold=0.5)
    nothing, ghost = output([], [], []), output([0], [0.9], [BOX])
    empty = ReviewShapes(labels=[])
    losses = paired((reader, nothing), (reader, ghost), review=empty, task=DETECTION, size=SIZE)
    assert losses == (0.0, 1.0)


def test_a_label_that_no_model_knows_is_missed_by_both() -> None:
    reader = Reader(labels=["car"], threshold=0.5)
    said = output([0], [0.9], [BOX])
    review = ReviewShapes(labels=["zebra", "lion"], boxes=[BOX, AWAY])
    assert paired((reader, said), (reader, said), review=review, task=DETECTION, size=SIZE) == (
        1.0,
        1.0,
    )


def test_polygons_are_compared_by_their_masks() -> None:
    reader = Reader(labels=["car"], threshold=0.5)
    upper = [(10.0, 10.0), (50.0, 10.0), (10.0, 50.0)]
    lower = [(50.0, 50.0), (50.0, 10.0), (10.0, 50.0)]
    shapes = Shapes(
        classes=[0, 0], scores=[0.9, 0.1], boxes=[BOX, BOX], polygons=[upper, lower]
    )  # fmt: skip
    said = Output(version=UUID(int=1), shapes=shapes, latency=0.1)
    for ring, loss in ((upper, 0.0), (lower, 1.0)):
        review = ReviewShapes(labels=["car"], boxes=[BOX], polygons=[ring])
        losses = paired(
            (reader, said), (Reader(labels=["car"], threshold=0.0), said),
            review=review, task=TaskType.SEGMENTATION, size=SIZE,
        )  # fmt: skip
        assert losses == pytest.approx((loss, 1 / 3))


def test_classification_costs_zero_or_one() -> None:
    reader = Reader(labels=["cat", "dog"], threshold=0.5)
    cat, dog = output([0, 1], [0.4, 0.3], []), output([1, 0], [0.9, 0.1], [])
    review = ReviewShapes(labels=["cat"])
    assert paired((reader, cat), (reader, dog), review=review, task=CLASSIFICATION, size=SIZE) == (
        0.0,
        1.0,
    )
    silent = output([], [], [])
    losses = paired((reader, silent), (reader, cat), review=review, task=CLASSIFICATION, size=SIZE)
    assert losses == (1.0, 0.0)


def described(
    labels: tuple[str, ...] | None, *, classes: int | None = None, task: TaskType = DETECTION
) -> ModelDescription:
    return ModelDescription(
        Layout.SIGHTLOOP_DETECTOR, task, labels, classes, (256, 192), 0.3, "RGB", (), ()
    )


def test_a_labelmap_that_fits_its_file_passes() -> None:
    check_file(described(("a", "b"), classes=2), ["a", "b"], task=DETECTION)
    check_file(described(None, classes=2), ["x", "y"], task=DETECTION)
    check_file(described(None), ["x"], task=DETECTION)


@pytest.mark.parametrize(
    ("labels", "word"),
    [(["a"], "'b'"), (["a", "b", "c"], "'c'"), (["b", "a"], "class 0 is 'a'")],
)
def test_a_labelmap_that_does_not_fit_is_refused_and_the_labels_named(
    labels: list[str], word: str
) -> None:
    with pytest.raises(LabelmapRefused, match=word):
        check_file(described(("a", "b"), classes=2), labels, task=DETECTION)


def test_a_wrong_number_of_classes_and_a_wrong_type_are_told_together() -> None:
    with pytest.raises(LabelmapRefused) as refused:
        check_file(described(None, classes=3), ["a"], task=CLASSIFICATION)
    assert [where for where, _ in refused.value.errors] == ["type", "labels"]


def test_labels_have_names_and_none_twice() -> None:
    check_labels(["a", "b"])
    for labels in ([], ["a", " "], ["a", "a"]):
        with pytest.raises(LabelmapRefused):
            check_labels(labels)


def test_a_candidate_knows_the_champions_labels_in_any_order_and_may_know_more() -> None:
    check_candidate(["b", "a", "new"], ["a", "b"], types=(DETECTION, DETECTION))
    with pytest.raises(LabelmapRefused, match="'b'"):
        check_candidate(["a"], ["a", "b"], types=(DETECTION, DETECTION))
    with pytest.raises(LabelmapRefused, match="CLASSIFICATION"):
        check_candidate(["a"], ["a"], types=(CLASSIFICATION, DETECTION))
