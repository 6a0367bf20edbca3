"""The detection recipe, trained for real on few steps."""

import io
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from libs.vision.onnx_models import Layout, inspect
from services.serving.core.model import load
from services.trainer.recipes.base import (
    Artifacts,
    Dataset,
    Item,
    TrainingCancelled,
    TrainingRefused,
)
from services.trainer.recipes.checkpoint import digest, unpack
from services.trainer.recipes.detection import recipe
from services.trainer.recipes.registry import (
    UnknownRecipe,
    load_recipe,
    recipe_for,
    recipe_names,
)
from sightloop.demo.scenes import LABELS, Split, scenes

SMALL = {
    "input_width": 64,
    "input_height": 64,
    "batch": 2,
    "steps": 3,
    "flips": False,
    "quarter_turns": False,
}


class Recorded:
    """A report that remembers, and asks to stop after `stop_after` questions."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.steps: list[int] = []
        self.losses: list[float] = []
        self.validations: list[Mapping[str, float]] = []
        self.lines: list[str] = []
        self.asked = 0
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
        assert 0 < step <= total
        assert rate > 0
        assert seconds_left >= 0
        self.steps.append(step)
        self.losses.append(loss)
        if val is not None:
            self.validations.append(val)

    def log(self, line: str) -> None:
        self.lines.append(line)

    def cancelled(self) -> bool:
        self.asked += 1
        return self._stop_after is not None and self.asked > self._stop_after


def items(count: int, *, first: int = 0, split: Split = Split.TRAINING) -> list[Item]:
    return [
        Item(scene.jpeg(), scene.classes, scene.boxes.astype(np.float32))
        for scene in scenes(count, seed=9, split=split, first=first)
    ]


def fitted(dataset: Dataset, start: bytes | None = None, **parameters: Any) -> Artifacts:
    return recipe.fit(dataset, {**SMALL, **parameters}, start=start, report=Recorded())


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return Dataset(LABELS, items(4), items(2, first=4))


def test_an_empty_data_set_is_refused_with_a_sentence() -> None:
    with pytest.raises(TrainingRefused, match="has no picture to train on"):
        fitted(Dataset(LABELS, []))


def test_a_data_set_without_boxes_is_refused_with_a_sentence(dataset: Dataset) -> None:
    bare = Item(dataset.train[0].picture, np.zeros(0, np.int64))
    with pytest.raises(TrainingRefused, match="has no box to train on"):
        fitted(Dataset(LABELS, [bare]))


def test_a_class_without_a_label_is_refused(dataset: Dataset) -> None:
    stray = replace(dataset.train[0], classes=dataset.train[0].classes + 50)
    with pytest.raises(TrainingRefused, match="there are 10 labels"):
        fitted(Dataset(LABELS, [stray]))


def test_wrong_parameters_are_named() -> None:
    with pytest.raises(TrainingRefused, match=r"steps: .*greater than"):
        fitted(Dataset(LABELS, []), steps=0)
    with pytest.raises(TrainingRefused, match="epochs: "):
        fitted(Dataset(LABELS, []), epochs=3)


def test_the_input_size_is_rounded_to_what_the_network_can_take() -> None:
    assert recipe.parameters(input_width=250, input_height=40).size == (256, 32)


def test_every_parameter_has_a_description() -> None:
    for name in recipe_names():
        for field, info in load_recipe(name).parameters.model_fields.items():
            assert info.description, f"{name}.{field}"


def test_recipes_are_found_by_name_and_by_task() -> None:
    assert {"classification", "detection"} <= set(recipe_names())
    assert recipe_for("OBJECT_DETECTION").name == "detection"
    assert recipe_for("CLASSIFICATION").name == "classification"
    with pytest.raises(UnknownRecipe, match="there are: classification, detection"):
        load_recipe("segmentation")


def test_a_checkpoint_of_another_recipe_is_refused(dataset: Dataset) -> None:
    with pytest.raises(TrainingRefused, match="no checkpoint of the recipe detection"):
        fitted(dataset, start=b"PK nonsense")
    packed = io.BytesIO()
    np.savez(packed, meta=np.array('{"recipe": "classification", "labels": []}'))
    with pytest.raises(TrainingRefused, match="trained by the recipe classification"):
        fitted(dataset, start=packed.getvalue())


def test_cancelling_before_the_first_step_trains_nothing(dataset: Dataset) -> None:
    report = Recorded(stop_after=0)
    with pytest.raises(TrainingCancelled):
        recipe.fit(dataset, SMALL, start=None, report=report)
    assert report.steps == []


@pytest.mark.slow
def test_a_run_reports_validates_and_makes_a_model_that_serves(dataset: Dataset) -> None:
    report = Recorded()
    made = recipe.fit(
        dataset, {**SMALL, "steps": 24, "validate_every": 10}, start=None, report=report
    )
    assert report.steps == [10, 20, 24]
    assert [set(val) for val in report.validations] == [{"map", "map50", "f1", "threshold"}] * 2
    assert report.losses[-1] < report.losses[0]
    assert made.labelmap == LABELS
    description = inspect(made.onnx)
    assert description.layout is Layout.SIGHTLOOP_DETECTOR
    assert (description.labels, description.input_size) == (LABELS, (64, 64))
    picture = next(scenes(1, seed=1, split=Split.TRAFFIC)).rgb
    found = load(made.onnx).predict(picture, threshold=0.0)
    assert len(found.boxes) == len(found.classes) == len(found.scores) > 0


@pytest.mark.slow
def test_cancelling_stops_within_one_step(dataset: Dataset) -> None:
    report = Recorded(stop_after=12)
    with pytest.raises(TrainingCancelled):
        recipe.fit(dataset, {**SMALL, "steps": 1000}, start=None, report=report)
    assert report.steps == [10]
    assert report.asked == 13


@pytest.mark.slow
def test_a_retraining_starts_where_the_model_was_and_learns_a_new_label(
    dataset: Dataset,
) -> None:
    first = fitted(dataset)
    before = unpack(first.checkpoint, "detection")
    wider = Dataset((*LABELS[::-1], "x"), dataset.train, old=dataset.train)
    measured = replace(before, threshold=0.42).pack()
    again = fitted(wider, start=measured, learning_rate=1e-9, steps=1)
    after = unpack(again.checkpoint, "detection")
    assert after.labels == (*LABELS[::-1], "x")
    np.testing.assert_allclose(after.arrays["stem/w"], before.arrays["stem/w"], atol=1e-6)
    np.testing.assert_allclose(
        after.arrays["cls/w"][..., :10], before.arrays["cls/w"][..., ::-1], atol=1e-6
    )
    assert again.not_learned == ("x",)
    assert again.metrics == {}
    assert (inspect(first.onnx).threshold, inspect(again.onnx).threshold) == (0.3, 0.42)


@pytest.mark.slow
def test_pictures_and_labels_without_boxes_are_trained_through(dataset: Dataset) -> None:
    bare = Item(dataset.train[0].picture, np.zeros(0, np.int64))
    one = dataset.train[1]
    kept = one.classes == one.classes[0]
    single = replace(one, classes=one.classes[kept], boxes=one.boxes[kept])
    made = fitted(Dataset(LABELS, [bare, single]))
    assert set(made.not_learned) == set(LABELS) - {LABELS[one.classes[0]]}
    empty = fitted(Dataset(LABELS, [bare], old=[single]), steps=1)
    assert empty.not_learned == made.not_learned


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_same_seed_gives_the_same_weights_in_another_process(tmp_path: Path) -> None:
    program = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests/unit"]
from pathlib import Path
import test_recipes_detection as this
dataset = this.Dataset(this.LABELS, this.items(3))
made = this.recipe.fit(dataset, {**this.SMALL, "steps": 12, "seed": int(sys.argv[2])},
    start=None, report=this.Recorded(), cache=Path(sys.argv[3]))
print(this.digest(this.unpack(made.checkpoint, "detection").arrays))
"""
    root = str(Path(__file__).resolve().parents[2])

    def run(seed: str) -> str:
        command = [sys.executable, "-c", program, root, seed, str(tmp_path)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    first, second, other = run("4"), run("4"), run("5")
    assert first == second != other
    assert len(first) == len(digest({}))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_two_hundred_steps_find_digits() -> None:
    """A floor, not a target: seeds 0, 1, 2 gave .13 to .15 at this size and budget."""
    made = recipe.fit(
        Dataset(LABELS, items(60), items(30, first=60)),
        {**SMALL, "steps": 200, "batch": 4, "input_width": 128, "input_height": 96},
        start=None,
        report=Recorded(),
    )
    assert made.metrics["map50"] > 0.1
