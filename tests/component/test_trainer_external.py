"""An experiment that runs elsewhere: begun, logged, given files, ended, by a user's own script."""

import hashlib
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from libs.schemas.events import ExperimentFinished, ExperimentLogged, ExperimentStatus
from tests.component import trainer_world as world
from tests.component.trainer_world import API
from tests.support.services import Run, RunningServices
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


async def begin(running: RunningServices, **asked: Any) -> dict[str, Any]:
    project = await world.add_project(running.http, f"project {uuid4()}")
    answer = await running.http.post(
        f"{API}/projects/{project}/experiments/external", json={"name": "mine"} | asked
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_script_logs_keeps_files_and_ends(service_runner: Run) -> None:
    async with service_runner("trainer") as running:
        dataset = await world.add_dataset(running)
        base = await world.add_model_version(running, {"model-latest": b"x"}, labels=["bolt"])
        made = await begin(
            running,
            datasets=[{"alias": "train", "dataset_version": str(dataset.dataset_version)}],
            parameters={"rate": 0.1},
            base_version=str(base),
        )
        assert (made["status"], made["external"], made["type"]) == (
            "PENDING", True, "OBJECT_DETECTION",
        )  # fmt: skip
        assert made["labels"] == ["bolt"]
        assert [one["alias"] for one in made["datasets"]] == ["train"]
        path = f"{API}/experiments/{made['id']}"

        async def say(status: int = 204, **body: Any) -> Any:
            answer = await running.http.post(f"{path}/logs", json=body)
            assert answer.status_code == status, answer.text
            return answer.json() if status != 204 else None

        await say(
            logs=[
                {"name": "loss", "type": "LINE", "data": 0.5},
                {"name": "loss", "type": "LINE", "data": [0.25, None]},
                {"name": "map", "type": "LINE", "data": {"steps": [10], "values": [0.7]}},
                {"name": "map", "type": "LINE", "data": {"steps": [10], "values": [0.8]}},
                {"name": "rates", "type": "LINE", "data": {"head": [1], "body": [2, 3]}},
                {"name": "confusion", "type": "HEATMAP", "data": {"values": [[1, 0], [0, 1]]}},
            ],
            lines=["epoch 1", "epoch 2"],
        )
        running_now = await world.get(running, made["id"])
        assert running_now["status"] == "RUNNING"
        assert running_now["started"] is not None
        metrics = (await running.http.get(f"{path}/metrics")).json()["series"]
        assert metrics["loss"] == {"steps": [0, 1, 2], "values": [0.5, 0.25, None]}
        assert metrics["map"] == {"steps": [10], "values": [0.8]}
        logs = {
            one["name"]: one for one in (await running.http.get(f"{path}/logs")).json()["items"]
        }
        assert logs["loss"]["data"] == metrics["loss"]
        assert logs["rates"]["data"] == {
            "head": {"steps": [0], "values": [1]},
            "body": {"steps": [0, 1], "values": [2, 3]},
        }
        assert logs["parameters"]["data"] == {"rate": 0.1}
        assert logs["labelmap"]["data"] == {"0": "bolt"}
        assert logs["confusion"]["type"] == "HEATMAP"
        assert await world.log_of(running, made["id"]) == ["epoch 1", "epoch 2"]

        # All or nothing, and the sentence says what is wrong.
        wrong = await say(
            422,
            logs=[
                {"name": "loss", "type": "LINE", "data": 9},
                {"name": "map", "type": "LINE", "data": "high"},
            ],
        )
        assert "'high' is no number" in wrong["detail"]
        await say(422, logs=[{"name": "loss", "type": "TABLE", "data": {}}])
        assert (await running.http.get(f"{path}/metrics")).json()["series"] == metrics

        content = b"weights" * 1000
        for number in range(2):  # the second one in place of the first
            answer = await running.http.post(
                f"{path}/artifacts",
                data={"name": "model-latest"},
                files={"file": ("best.onnx", content + bytes([number]))},
            )
            assert answer.status_code == 201, answer.text
        (artifact,) = (await world.get(running, made["id"]))["artifacts"]
        assert artifact["filename"] == "best.onnx"
        assert artifact["sha256"] == hashlib.sha256(content + b"\x01").hexdigest()
        page = await running.context.blobs.list(f"trainer/{running.organization}/experiments/")
        assert [entry.key for entry in page.entries] == [artifact["key"]]
        fetched = await running.http.get(f"{path}/artifacts/model-latest")
        assert fetched.content == content + b"\x01"

        for _ in range(2):  # said twice it is told once
            ended = await running.http.post(f"{path}/status", json={"status": "SUCCESS"})
            assert ended.status_code == 200, ended.text
        assert ended.json()["metrics"] == {
            "map": 0.8, "rates/body": 3.0, "rates/head": 1.0,
        }  # fmt: skip
        await say(409, lines=["too late"])
        assert (
            await running.http.post(f"{path}/status", json={"status": "FAILED"})
        ).status_code == 409
        (told,) = await running.wait_for(ExperimentFinished)
        assert told.status is ExperimentStatus.SUCCESS
        assert told.labels == ["bolt"]
        assert [one.name for one in told.artifacts] == ["model-latest"]
        assert [one.dataset_version for one in told.trained_on] == [dataset.dataset_version]

        async def series() -> set[str]:
            return {n for one in running.emitted(ExperimentLogged) for n in one.metrics}

        wanted = {"loss", "map", "rates/body", "rates/head"}
        assert await eventually(series, lambda told: told == wanted) == wanted


async def test_one_that_runs_here_is_not_written_by_a_script(
    service_runner: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.install_recipe(tmp_path / "plug-in", monkeypatch)
    async with service_runner("trainer") as running:
        dataset = await world.add_dataset(running, labels=("bolt",))
        made = await world.add_experiment(running, dataset, parameters={"recipe": "patient"})
        path = f"{API}/experiments/{made['id']}"
        for call, body in (
            ("logs", {"lines": ["x"]}),
            ("status", {"status": "SUCCESS"}),
        ):
            answer = await running.http.post(f"{path}/{call}", json=body)
            assert answer.status_code == 409, answer.text
            assert "runs on the platform" in answer.json()["detail"]


async def test_one_that_is_cancelled_ends_at_once_and_keeps_what_it_has(
    service_runner: Run,
) -> None:
    async with service_runner("trainer") as running:
        made = await begin(running, labels=["a", "b"])
        path = f"{API}/experiments/{made['id']}"
        logs = [{"name": "loss", "type": "LINE", "data": 0.5}]
        await running.http.post(f"{path}/logs", json={"logs": logs})
        answer = await running.http.post(f"{path}/cancel")
        assert answer.json()["status"] == "CANCELED"
        assert answer.json()["metrics"] == {"loss": 0.5}
        assert (await running.http.delete(f"{path}/artifacts/none")).status_code == 404
