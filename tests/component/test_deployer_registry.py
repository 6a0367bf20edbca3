"""Models and versions: what fits is kept whole, what does not is refused with its reason."""

import json
from uuid import UUID, uuid4

import httpx
import pytest

from libs.schemas.events import DatasetVersionChanged, ModelVersionChanged, State
from libs.schemas.values import TaskType, TrainedOn
from libs.store import schema
from services.deployer.parts import Deployer
from services.deployer.service import SCHEMA
from tests.component.deployer_world import API, World, a_world, finished, onnx_model
from tests.support.services import Run, RunningServices


async def blob_keys(running: RunningServices) -> list[str]:
    found = await running.context.blobs.list("deployer/")
    return [entry.key for entry in found.entries]


async def test_the_migration_makes_what_the_tables_say(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        engine = running.parts(Deployer).database.engine
        async with engine.connect() as connection:
            assert await connection.run_sync(schema.differences, SCHEMA) == []


async def test_an_uploaded_version_is_told_and_its_file_comes_back(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        version = await world.call("GET", f"/versions/{world.champion}")
        assert (version["number"], version["name"], version["framework"]) == (1, "dock", "ONNX")
        assert version["labels"] == ["car", "dog"]
        answer = await running.http.get(f"{API}/versions/{world.champion}/files/model-latest")
        assert answer.content == onnx_model(["car", "dog"])
        told = {one.model_version: one for one in await running.wait_for(ModelVersionChanged, 2)}
        assert told[UUID(world.champion)].files[0].key.startswith("deployer/")
        listed = await world.call("GET", f"/models/{world.model}/versions")
        assert [v["number"] for v in listed["items"]] == [2, 1]


@pytest.mark.parametrize(
    ("content", "labels", "word"),
    [
        (b"not onnx at all", ["car"], "ONNX"),
        (onnx_model(["car", "dog"])[:50], ["car", "dog"], "ONNX"),
        (onnx_model(["car", "dog"]), ["car"], "'dog'"),
        (onnx_model(["car", "dog"]), ["dog", "car"], "class 0 is 'car'"),
    ],
)
async def test_a_file_that_is_no_onnx_or_does_not_fit_is_refused_and_leaves_nothing(
    service_runner: Run, content: bytes, labels: list[str], word: str
) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        before = await blob_keys(running)
        problem = await world.call(
            "POST", f"/models/{world.model}/versions", 422,
            files={"model": ("m.onnx", content)}, data={"version": json.dumps({"labels": labels})},
        )  # fmt: skip
        assert any(word in error["what"] for error in problem["errors"])
        assert await blob_keys(running) == before
        listed = await world.call("GET", f"/models/{world.model}/versions")
        assert len(listed["items"]) == 2


@pytest.mark.parametrize(
    ("part", "document", "where"),
    [
        ("other", "{}", "version"),
        ("version", "{", "version"),
        ("version", '{"labels": 3}', "version.labels"),
        ("version", '{"labels": ["a", "a"]}', "labels[1]"),
        ("version", '{"labels": []}', "labels"),
        ("version", '{"labels": ["a"], "parameters": {"rate": NaN}}', "version"),
        ("version", '{"labels": ["a"], "parameters": {"a": "\\u0000"}}', "version"),
    ],
)
async def test_a_wrong_form_is_refused_by_its_part(
    service_runner: Run, part: str, document: str, where: str
) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        form = {part: (None, document)}
        problem = await world.call("POST", f"/models/{world.model}/versions", 422, files=form)
        assert where in {error["where"] for error in problem["errors"]}


async def test_a_version_without_a_file_runs_at_the_clients(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        form = {"version": (None, json.dumps({"labels": ["a"], "threshold": 0.3}))}
        version = await world.call("POST", f"/models/{world.model}/versions", 201, files=form)
        assert version["files"] == []
        assert version["framework"] == "NOT_CONFIGURED"
        assert version["threshold"] == 0.3


async def test_training_data_are_named_with_their_content(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        settled, unsettled = uuid4(), uuid4()
        for version, manifest in ((settled, "feedback/m"), (unsettled, None)):
            await running.publish(
                DatasetVersionChanged(
                    dataset_version=version, dataset=uuid4(), revision=1, name="d", version="one",
                    type=TaskType.OBJECT_DETECTION, state=State.ACTIVE, labels=["car"],
                    digest="0" * 64 if manifest else None, manifest=manifest,
                )
            )  # fmt: skip
        made = await world.upload(trained_on=[{"alias": "train", "dataset_version": str(settled)}])
        version = await world.call("GET", f"/versions/{made}")
        assert version["trained_on"][0]["digest"] == "0" * 64
        body = {
            "labels": ["car"],
            "trained_on": [
                {"alias": "a", "dataset_version": str(unsettled)},
                {"alias": "b", "dataset_version": str(uuid4())},
            ],
        }
        form = {"version": (None, json.dumps(body))}
        problem = await world.call("POST", f"/models/{world.model}/versions", 422, files=form)
        assert "settled" in problem["errors"][0]["what"]
        assert "no dataset version" in problem["errors"][1]["what"]


async def test_two_models_of_one_name_are_a_conflict(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        body = {"name": "dock", "type": "CLASSIFICATION"}
        problem = await world.call("POST", "/models", 409, json=body)
        assert problem["type"] == "/problems/name-taken"


async def test_an_experiment_is_published_once_with_the_callers_token(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_DEPLOYER_EVENT_WAIT", "60")
    async with service_runner("deployer") as running:
        world = await a_world(running)
        trained = TrainedOn(alias="a", dataset_version=uuid4(), digest="0" * 64, manifest="f/m")
        done = await finished(
            world, ["car", "dog"], deployment=None, target_model=None,
            parameters={"steps": 300}, trained_on=[trained],
        )  # fmt: skip
        await running.publish(done)
        asked: list[httpx.Request] = []

        def trainer(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            if str(done.experiment) not in request.url.path:
                return httpx.Response(404)
            return httpx.Response(200, json={"id": str(done.experiment), "status": "SUCCESS"})

        client = httpx.AsyncClient(transport=httpx.MockTransport(trainer))
        monkeypatch.setattr(running.context.http, "get", client.get)
        path = f"/models/{world.model}/versions/from-experiment"
        body = {"experiment": str(done.experiment)}
        first = await world.call("POST", path, 201, json=body)
        again = await world.call("POST", path, 201, json=body)
        assert first["id"] == again["id"]
        assert first["labels"] == ["car", "dog"]
        assert first["parameters"] == {"steps": 300}
        assert first["trained_on"][0]["digest"] == "0" * 64
        assert asked[0].headers["authorization"] == running.http.headers["authorization"]
        await world.call("POST", path, 404, json={"experiment": str(uuid4())})
        await client.aclose()


async def test_a_model_of_another_organisation_does_not_exist(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world: World = await a_world(running)
        for path in (f"/models/{world.model}", f"/versions/{world.champion}"):
            assert (await running.stranger.get(f"{API}{path}")).status_code == 404
