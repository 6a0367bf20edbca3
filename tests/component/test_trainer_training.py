"""The built-in recipes, trained for real on few steps, from the manifest to the files."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from libs.schemas.values import TaskType
from libs.vision.ort import session
from tests.component import trainer_world as world
from tests.component.trainer_world import API
from tests.support.services import Run, RunningServices

pytestmark = pytest.mark.slow
TINY = {
    "input_width": 64, "input_height": 64, "batch": 2, "steps": 12, "flips": False,
    "quarter_turns": False,
}  # fmt: skip


async def _artifact(running: RunningServices, experiment: str, name: str) -> bytes:
    answer = await running.http.get(f"{API}/experiments/{experiment}/artifacts/{name}")
    assert answer.status_code == 200
    return answer.content


async def _trained(running: RunningServices, made: dict[str, Any]) -> list[str]:
    experiment = await world.ended(running, made["id"], within=280)
    texts = await world.log_of(running, made["id"])
    assert experiment["status"] == "SUCCESS", (experiment["error"], texts)
    return texts


@pytest.mark.timeout(600)  # it compiles twice
async def test_a_detector_is_trained_and_retrained_from_its_checkpoint(
    service_runner: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_TRAINER_CACHE", str(tmp_path / "cache"))
    async with service_runner("trainer") as running:
        labels = ("bolt", "nut")
        dataset = await world.add_dataset(running, seeds=range(8), labels=labels)
        validation = await world.add_dataset(running, seeds=range(20, 24), labels=labels)
        datasets = [
            {"alias": "new", "dataset_version": str(dataset.dataset_version)},
            {"alias": "validation", "dataset_version": str(validation.dataset_version)},
        ]
        first = await world.add_experiment(running, dataset, datasets=datasets, parameters=TINY)
        texts = await _trained(running, first)
        assert "recipe detection, version 1" in texts
        assert (await world.get(running, first["id"]))["metrics"].keys() >= {"map", "map50"}
        series = (await running.http.get(f"{API}/experiments/{first['id']}/metrics")).json()
        assert series["series"]["loss"]["steps"] == [10, 12]

        model = session(await _artifact(running, first["id"], "model-latest"))
        pictures = np.zeros((1, 64, 64, 3), np.uint8)
        assert model.run(["boxes"], {"images": pictures})[0].shape[1] == 4
        checkpoint = await _artifact(running, first["id"], "checkpoint")
        assert "meta" in np.load(io.BytesIO(checkpoint))

        base = await world.add_model_version(running, {"checkpoint": checkpoint}, labels=labels)
        new = await world.add_dataset(running, seeds=range(40, 44), labels=labels[::-1])
        again = await world.add_experiment(
            running,
            new,
            datasets=[
                {"alias": "new", "dataset_version": str(new.dataset_version)},
                {"alias": "old", "dataset_version": str(dataset.dataset_version)},
            ],
            replay=["old"],
            base_version=str(base),
            parameters=TINY,
        )
        texts = await _trained(running, again)
        assert "starts from the checkpoint of the base version" in texts
        assert "4 pictures, 8 old ones drawn again, 0 to validate; 12 steps of 2" in texts
        assert any((tmp_path / "cache").iterdir())


async def test_a_classifier_is_trained_from_scratch_where_the_checkpoint_is_anothers(
    service_runner: Run,
) -> None:
    async with service_runner("trainer") as running:
        dataset = await world.add_dataset(
            running, labels=("bolt", "nut"), seeds=range(8), kind=TaskType.CLASSIFICATION
        )
        base = await world.add_model_version(
            running,
            {"checkpoint": b"no npz"},
            labels=("nut", "bolt"),
            kind=TaskType.CLASSIFICATION,
        )
        made = await world.add_experiment(
            running, dataset, base_version=str(base), parameters={"steps": 5}
        )
        texts = await _trained(running, made)
        assert any("starts from scratch" in text for text in texts)
        model = session(await _artifact(running, made["id"], "model-latest"))
        scores = model.run(["scores"], {"images": np.zeros((3, 64, 64, 3), np.uint8)})[0]
        assert scores.shape == (3, 2)
