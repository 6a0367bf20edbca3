"""Experiments: asked for by hand and by event, run, logged, measured, kept."""

import hashlib
from pathlib import Path
from uuid import uuid4

import pytest

from libs.api.scopes import Scope
from libs.schemas.events import (
    ExperimentChanged,
    ExperimentFinished,
    ExperimentLogged,
    ExperimentStatus,
)
from libs.schemas.values import TaskType, TrainedOn
from libs.store.schema import differences
from services.trainer.parts import Trainer
from services.trainer.service import SCHEMA
from tests.component import trainer_world as world
from tests.component.trainer_world import API
from tests.support.services import Run
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.install_recipe(tmp_path / "plug-in", monkeypatch)


async def test_the_migrations_make_what_the_tables_say(service_runner: Run) -> None:
    async with service_runner("trainer") as running:
        engine = running.parts(Trainer).database.engine
        async with engine.connect() as connection:
            assert await connection.run_sync(differences, SCHEMA) == []


async def test_an_experiment_runs_logs_measures_and_leaves_its_files(service_runner: Run) -> None:
    async with service_runner("trainer") as running:
        dataset = await world.add_dataset(running, labels=("bolt", "nut"))
        made = await world.add_experiment(
            running, dataset, parameters={"recipe": "patient", "steps": 4}
        )
        assert made["status"] == "PENDING"
        experiment = await world.ended(running, made["id"])
        assert experiment["status"] == "SUCCESS", experiment
        assert (experiment["done"], experiment["total"], experiment["attempt"]) == (4, 4, 1)
        assert experiment["metrics"] == {"map": 0.5}
        assert experiment["started"] <= experiment["finished"]
        artifacts = {one["name"]: one for one in experiment["artifacts"]}
        assert set(artifacts) == {"model-latest", "checkpoint", "metrics.json"}

        file = await running.http.get(f"{API}/experiments/{made['id']}/artifacts/model-latest")
        assert file.content == b"onnx of 6 pictures"
        model = artifacts["model-latest"]
        assert model["sha256"] == hashlib.sha256(file.content).hexdigest()
        assert model["key"].startswith(f"trainer/{running.organization}/")
        document = await running.http.get(f"{API}/experiments/{made['id']}/artifacts/metrics.json")
        assert document.json()["recipe_version"] == "7"
        none = await running.http.get(f"{API}/experiments/{made['id']}/artifacts/secret")
        assert none.status_code == 404

        series = (await running.http.get(f"{API}/experiments/{made['id']}/metrics")).json()[
            "series"
        ]
        assert series["loss"] == {"steps": [1, 2, 3, 4], "values": [1, 0.5, 1 / 3, 0.25]}
        assert series["val_map"] == {"steps": [4], "values": [0.5]}
        texts = await world.log_of(running, made["id"])
        assert {"6 0 0", "start False", "printed by the recipe", "done"} <= set(texts)
        assert "secrets" in texts, "a recipe sees no setting of the platform"

        (finished,) = await running.wait_for(ExperimentFinished)
        assert finished.status is ExperimentStatus.SUCCESS
        assert finished.labels == ["bolt", "nut"]
        assert [one.name for one in finished.artifacts] == list(artifacts)
        assert finished.trained_on == [
            TrainedOn(
                alias="new",
                dataset_version=dataset.dataset_version,
                digest=dataset.digest,
                manifest=dataset.manifest,
            )
        ]
        assert (finished.deployment, finished.target_model) == (None, None)
        changes = await eventually(
            lambda: _seen(running), lambda seen: seen[-1].status is ExperimentStatus.SUCCESS
        )
        assert [c.revision for c in changes] == list(range(1, len(changes) + 1))
        assert (changes[-1].done, changes[-1].total) == (4, 4)

        async def lines() -> int:
            return sum(event.lines for event in running.emitted(ExperimentLogged))

        await eventually(lines, lambda count: count == len(texts))


async def _seen(running: object) -> list[ExperimentChanged]:
    seen: list[ExperimentChanged] = running.emitted(ExperimentChanged)  # type: ignore[attr-defined]
    return seen


async def test_a_training_told_twice_is_one_experiment_that_knows_its_cause(
    service_runner: Run,
) -> None:
    async with service_runner("trainer") as running:
        project = await world.add_project(running.http)
        dataset = await world.add_dataset(running)
        asked = world.triggered(project, dataset)
        await running.publish(asked, asked)
        await running.publish(asked)
        (finished,) = await running.wait_for(ExperimentFinished)
        assert finished.status is ExperimentStatus.SUCCESS
        assert finished.experiment == asked.experiment
        assert finished.deployment == asked.deployment
        assert finished.target_model == asked.target_model
        assert finished.base_version == asked.base_version
        page = (await running.http.get(f"{API}/experiments?deployment={asked.deployment}")).json()
        (shown,) = page["items"]
        assert shown["why"] == asked.why
        assert shown["attempt"] == 1
        texts = await world.log_of(running, asked.experiment)
        assert any("base version" in text and "from scratch" in text for text in texts)
        (job,) = await world.jobs_settled(running)
        assert job["state"] == "SUCCEEDED"
        assert len(running.emitted(ExperimentFinished)) == 1


async def test_replayed_data_goes_to_the_recipe_as_old_and_validation_data_is_only_measured_on(
    service_runner: Run,
) -> None:
    async with service_runner("trainer") as running:
        new = await world.add_dataset(running, seeds=range(4))
        old = await world.add_dataset(running, seeds=range(10, 13))
        validation = await world.add_dataset(running, seeds=range(20, 22))
        made = await world.add_experiment(
            running,
            new,
            datasets=[
                {"alias": "new", "dataset_version": str(new.dataset_version)},
                {"alias": "history", "dataset_version": str(old.dataset_version)},
                {"alias": "validation", "dataset_version": str(validation.dataset_version)},
            ],
            replay=["history"],
            parameters={"recipe": "patient"},
        )
        assert (await world.ended(running, made["id"]))["status"] == "SUCCESS"
        assert "4 2 3" in await world.log_of(running, made["id"])


async def test_what_cannot_be_trained_is_refused_naming_the_field(service_runner: Run) -> None:
    async with service_runner("trainer") as running:
        project = await world.add_project(running.http)
        dataset = await world.add_dataset(running)
        polygons = await world.add_dataset(running, kind=TaskType.SEGMENTATION)
        stranger = await world.add_dataset(running, organization=uuid4())

        async def refused(**asked: object) -> tuple[int, list[str]]:
            body = {
                "name": "x",
                "datasets": [{"alias": "a", "dataset_version": str(dataset.dataset_version)}],
            }
            answer = await running.http.post(
                f"{API}/projects/{project}/experiments", json=body | asked
            )
            return answer.status_code, [e["where"] for e in answer.json().get("errors", [])]

        def of(version: object) -> list[dict[str, str]]:
            return [{"alias": "a", "dataset_version": str(version)}]

        assert await refused(parameters={"steps": 0}) == (422, ["parameters.steps"])
        assert await refused(parameters={"stepz": 5}) == (422, ["parameters.stepz"])
        assert await refused(parameters={"recipe": "alchemy"}) == (422, ["parameters.recipe"])
        assert await refused(parameters={"recipe": "classification"}) == (
            422,
            ["parameters.recipe"],
        )
        assert await refused(parameters={"validation_share": 2}) == (
            422,
            ["parameters.validation_share"],
        )
        assert await refused(parameters={"x": "\x00"}) == (422, ["parameters"])
        assert await refused(parameters={"x": ["y" * 40_000]}) == (422, ["parameters"])
        surrogate = await running.http.post(
            f"{API}/projects/{project}/experiments",
            content=b'{"name": "x", "datasets": [{"alias": "a", "dataset_version": "%s"}], '
            b'"parameters": {"x": "\\ud800"}}' % str(dataset.dataset_version).encode(),
            headers={"Content-Type": "application/json"},
        )
        assert surrogate.status_code in (400, 422), surrogate.text
        assert await refused(datasets=of(uuid4())) == (422, ["datasets[0].dataset_version"])
        assert await refused(datasets=of(stranger.dataset_version)) == (
            422,
            ["datasets[0].dataset_version"],
        )
        assert await refused(datasets=of(polygons.dataset_version)) == (422, ["parameters.recipe"])
        assert await refused(datasets=of(dataset.dataset_version) * 2) == (
            422,
            ["datasets[1].alias"],
        )
        assert await refused(replay=["b"]) == (422, ["replay[0]"])
        assert await refused(replay=["a"]) == (422, ["datasets"])
        assert await refused(base_version=str(uuid4())) == (422, ["base_version"])
        assert (await running.http.get(f"{API}/experiments")).json()["items"] == []


async def test_a_dataset_version_that_is_still_filled_is_a_conflict(service_runner: Run) -> None:
    async with service_runner("trainer") as running:
        project = await world.add_project(running.http)
        dataset = await world.add_dataset(running, settled=False)
        answer = await running.http.post(
            f"{API}/projects/{project}/experiments",
            json={
                "name": "x",
                "datasets": [{"alias": "a", "dataset_version": str(dataset.dataset_version)}],
            },
        )
        assert answer.status_code == 409
        assert answer.json()["type"] == "/problems/dataset-version-not-settled"
        assert "still being filled" in answer.json()["detail"]


async def test_an_empty_dataset_fails_with_a_sentence(service_runner: Run) -> None:
    async with service_runner("trainer") as running:
        dataset = await world.add_dataset(running, seeds=[])
        made = await world.add_experiment(running, dataset, parameters={"recipe": "patient"})
        experiment = await world.ended(running, made["id"])
        assert experiment["status"] == "FAILED"
        assert experiment["error"] == "The data set has no picture to train on."
        (finished,) = await running.wait_for(ExperimentFinished)
        assert finished.error == experiment["error"]
        (job,) = await world.jobs_settled(running)
        assert (job["state"], job["error"]) == ("FAILED", experiment["error"])


async def test_a_broken_recipe_fails_with_its_last_words_in_the_log(service_runner: Run) -> None:
    async with service_runner("trainer") as running:
        dataset = await world.add_dataset(running)
        made = await world.add_experiment(
            running, dataset, parameters={"recipe": "patient", "crashes": True}
        )
        experiment = await world.ended(running, made["id"])
        assert experiment["status"] == "FAILED"
        assert "RuntimeError: the recipe is broken" in experiment["error"]
        assert any("Traceback" in text for text in await world.log_of(running, made["id"]))


async def test_a_triggered_training_that_cannot_begin_fails_with_a_sentence(
    service_runner: Run,
) -> None:
    async with service_runner("trainer") as running:
        project = await world.add_project(running.http)
        dataset = await world.add_dataset(running)
        nowhere = world.triggered(uuid4(), dataset)
        wrong = world.triggered(project, dataset, parameters={"steps": -1})
        await running.publish(nowhere, wrong)
        first = await world.ended(running, nowhere.experiment)
        assert (first["status"], first["attempt"]) == ("FAILED", 0)
        assert "project" in first["error"]
        second = await world.ended(running, wrong.experiment)
        assert second["status"] == "FAILED"
        assert "steps" in second["error"]
        assert len(await running.wait_for(ExperimentFinished, 2)) == 2


async def test_a_flood_of_lines_is_cut_and_says_so(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_TRAINER_LOG_LIMIT", "200")
    async with service_runner("trainer") as running:
        dataset = await world.add_dataset(running)
        made = await world.add_experiment(
            running, dataset, parameters={"recipe": "patient", "lines": 20_000}
        )
        assert (await world.ended(running, made["id"]))["status"] == "SUCCESS"
        texts = await world.log_of(running, made["id"])
        assert len(texts) == 201
        assert "the log is full" in texts[-1]


async def test_projects_have_names_of_their_own_and_lists_have_pages(service_runner: Run) -> None:
    async with service_runner("trainer") as running:
        names = [f"project {n}" for n in range(3)]
        for name in names:
            await world.add_project(running.http, name)
        again = await running.http.post(f"{API}/projects", json={"name": names[0]})
        assert again.status_code == 409
        first = (await running.http.get(f"{API}/projects?limit=2")).json()
        rest = (
            await running.http.get(
                f"{API}/projects", params={"limit": 2, "cursor": first["next_cursor"]}
            )
        ).json()
        shown = [one["name"] for one in first["items"] + rest["items"]]
        assert shown == names[::-1]
        assert (await running.stranger.get(f"{API}/projects")).json()["items"] == []


async def test_another_organisation_sees_nothing_and_a_viewer_only_looks(
    service_runner: Run,
) -> None:
    async with service_runner("trainer") as running:
        dataset = await world.add_dataset(running)
        made = await world.add_experiment(running, dataset, parameters={"recipe": "patient"})
        await world.ended(running, made["id"])
        path = f"{API}/experiments/{made['id']}"
        for route in ("", "/log", "/metrics", "/artifacts/model-latest"):
            assert (await running.stranger.get(path + route)).status_code == 404, route
        assert (await running.stranger.post(path + "/cancel")).status_code == 404
        theirs = await running.stranger.post(
            f"{API}/projects/{made['project']}/experiments",
            json={
                "name": "x",
                "datasets": [{"alias": "a", "dataset_version": str(dataset.dataset_version)}],
            },
        )
        assert theirs.status_code == 422
        looking = {"Authorization": f"Bearer {running.token(Scope.EXPERIMENTS_READ)}"}
        assert (await running.http.get(path, headers=looking)).status_code == 200
        denied = await running.http.post(path + "/cancel", headers=looking)
        assert denied.status_code == 403
