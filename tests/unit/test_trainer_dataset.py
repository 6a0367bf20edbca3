"""What is trained on, decided from manifests."""

from collections.abc import Sequence
from uuid import uuid4

import pytest

from libs.schemas.manifest import Annotation, Manifest, ManifestAsset, read_manifest, write_manifest
from libs.schemas.values import TaskType
from services.trainer.core.dataset import Plan, Use, label_order, plan
from services.trainer.core.job import LONGEST_LINE, loggable
from services.trainer.core.parameters import check, split
from services.trainer.errors import ExperimentRefused, TrainingFailed


def asset(
    number: int,
    labels: Sequence[str] | None = ("bolt",),
    *,
    crowd: Sequence[int] = (),
    block: str | None = None,
) -> ManifestAsset:
    annotation = None
    if labels is not None:
        boxes = [(1.0, 2.0, 3.0, 4.0 + i) for i in range(len(labels))]
        annotation = Annotation(labels=list(labels), boxes=boxes, crowd=list(crowd))
    return ManifestAsset(
        data=uuid4(),
        filename=f"{number}.png",
        picture=f"feedback/{number}.png",
        sha256=f"{number:064x}",
        width=64,
        height=64,
        block=block,
        annotation=annotation,
    )


def manifest(
    assets: Sequence[ManifestAsset],
    labels: Sequence[str] = ("bolt", "nut"),
    kind: TaskType = TaskType.OBJECT_DETECTION,
) -> Manifest:
    _, content = write_manifest(uuid4(), assets, type=kind, labels=list(labels))
    return read_manifest(content)


def planned(*datasets: tuple[str, bool, Manifest], share: float = 0.1, base: str = "") -> Plan:
    return plan(datasets, base_labels=base.split(), keep_base_labels=False, validation_share=share)


def uses(made: Plan) -> dict[Use, int]:
    return {use: sum(one.use is use for one in made.wanted) for use in Use}


def test_the_base_models_labels_come_first_and_in_its_order() -> None:
    base = ["c", "gone", "b"]
    assert label_order([["a", "b"], ["c", "b"]], base, keep_base=False) == ["c", "b", "a"]
    assert label_order([["a", "b"]], [], keep_base=False) == ["a", "b"]


def test_a_model_that_is_to_replace_its_base_keeps_all_its_labels() -> None:
    assert label_order([["a", "b"]], ["b", "gone"], keep_base=True) == ["b", "gone", "a"]


def test_classes_are_indices_into_the_plans_labels() -> None:
    made = planned(("new", False, manifest([asset(1, ["nut", "bolt"])])), base="nut bolt")
    assert made.labels == ["nut", "bolt"]
    assert made.wanted[0].classes == [0, 1]
    assert made.wanted[0].boxes == [(1, 2, 3, 4), (1, 2, 3, 5)]


def test_each_alias_has_its_use() -> None:
    one = manifest([asset(1)])
    made = planned(("new", False, one), ("old", True, one), ("Validation", True, one))
    assert [wanted.use for wanted in made.wanted] == [Use.TRAIN, Use.OLD, Use.VALIDATION]


def test_pictures_nobody_annotated_are_left_out_and_empty_ones_are_kept() -> None:
    made = planned(("new", False, manifest([asset(1, None), asset(2, [])])))
    assert [wanted.filename for wanted in made.wanted] == ["2.png"]
    assert any("nobody has annotated" in note for note in made.notes)


def test_shapes_that_stand_for_a_crowd_are_left_out() -> None:
    made = planned(("new", False, manifest([asset(1, ["bolt", "nut"], crowd=[0])])))
    assert made.wanted[0].classes == [1]
    assert made.wanted[0].boxes == [(1, 2, 3, 5)]


def test_a_classified_picture_has_exactly_one_label() -> None:
    assets = [asset(1), asset(2, []), asset(3, ["bolt", "nut"])]
    made = planned(("new", False, manifest(assets, kind=TaskType.CLASSIFICATION)))
    assert [wanted.filename for wanted in made.wanted] == ["1.png"]
    assert any("2 pictures left out" in note for note in made.notes)


def test_a_share_of_many_pictures_is_held_out_the_same_one_each_time() -> None:
    many = manifest([asset(n) for n in range(1, 401)])
    first, second = planned(("new", False, many)), planned(("new", False, many))
    assert first == second
    assert 20 <= uses(first)[Use.VALIDATION] <= 65
    assert uses(first)[Use.TRAIN] + uses(first)[Use.VALIDATION] == 400


def test_nothing_is_held_out_of_few_pictures_nor_beside_validation_data_nor_when_not_asked() -> (
    None
):
    few = manifest([asset(n) for n in range(1, 50)])
    many = manifest([asset(n) for n in range(1, 400)])
    validation = manifest([asset(1000)])
    assert uses(planned(("new", False, few)))[Use.VALIDATION] == 0
    beside = planned(("new", False, many), ("val", False, validation))
    assert uses(beside)[Use.VALIDATION] == 1
    assert uses(planned(("new", False, many), share=0))[Use.VALIDATION] == 0


def test_blocks_are_held_out_as_a_whole_and_never_most_of_the_pictures() -> None:
    blocks = manifest([asset(n, block=f"day {n // 20}") for n in range(1, 401)])
    made = planned(("new", False, blocks), share=0.3)
    held = {int(w.sha256, 16) // 20 for w in made.wanted if w.use is Use.VALIDATION}
    kept = {int(w.sha256, 16) // 20 for w in made.wanted if w.use is Use.TRAIN}
    assert held
    assert not held & kept
    for day in range(20):
        single = manifest([asset(n, block=f"day {day}") for n in range(1, 101)])
        assert uses(planned(("new", False, single), share=0.5))[Use.TRAIN] == 100


def test_datasets_of_two_types_are_refused_with_a_sentence() -> None:
    detection = manifest([asset(1)])
    classes = manifest([asset(1)], kind=TaskType.CLASSIFICATION)
    with pytest.raises(TrainingFailed, match=r"different types: a \(OBJECT_DETECTION\), b"):
        planned(("a", False, detection), ("b", False, classes))


def test_a_label_that_its_version_does_not_have_is_named() -> None:
    with pytest.raises(TrainingFailed, match="has labels the version has not: screw"):
        planned(("new", False, manifest([asset(1, ["screw"])])))


def test_a_log_line_is_one_line_of_bounded_length() -> None:
    assert loggable("a\nb\x00\r\n") == "a b\N{REPLACEMENT CHARACTER}"
    assert len(loggable("x" * 10_000)) == LONGEST_LINE


def test_parameters_are_divided_between_run_and_recipe() -> None:
    divided = split({"recipe": "detection", "steps": 5})
    assert divided.run.recipe == "detection"
    assert divided.recipe == {"steps": 5}


def test_wrong_parameters_are_named() -> None:
    with pytest.raises(ExperimentRefused) as refused:
        check({"steps": "many", "batch": 0}, TaskType.OBJECT_DETECTION)
    assert [where for where, _ in refused.value.errors] == ["parameters.steps", "parameters.batch"]
    with pytest.raises(ExperimentRefused) as refused:
        check({}, TaskType.SEGMENTATION)
    assert [where for where, _ in refused.value.errors] == ["parameters.recipe"]
