"""Models, versions, projects and experiments, by the published client."""

import json
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from picsellia import Client
from picsellia.exceptions import BadRequestError, ResourceConflictError, ResourceNotFoundError
from picsellia.types.enums import ExperimentStatus, InferenceType

from sightloop.demo.api import until
from tests.compat.conftest import Made, everywhere
from tests.compat.lines import refuses, shows
from tests.compat.test_compat_monitor import classes, logged
from tests.component.serving_world import LABELS, tiny_detector

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@shows(
    "Client.create_model",
    "Model.create_version",
    differs="a version needs its type and labels; images, flags and links are not kept",
)
def test_a_model_is_made_and_deployed_and_logged_to(
    client: Client, native: httpx.Client, picture: Path
) -> None:
    name = f"made-{uuid4().hex[:8]}"
    model = client.create_model(name, description="belts")
    with pytest.raises(ResourceConflictError):
        client.create_model(name)
    with pytest.raises(BadRequestError, match="needs its type"):
        model.create_version(labels={"0": "empty", "1": "full"})
    version = model.create_version(
        labels={"0": "empty", "1": "full"},
        type=InferenceType.CLASSIFICATION,
        base_parameters={"rate": 0.1},
    )
    assert (version.version, version.labels) == (1, {"0": "empty", "1": "full"})
    with pytest.raises(ResourceConflictError, match="another type"):
        model.create_version(labels={"0": "a"}, type=InferenceType.OBJECT_DETECTION)
    with pytest.raises(BadRequestError, match="not numbered"):
        model.create_version(labels={"1": "a"}, type=InferenceType.CLASSIFICATION)
    assert version.get_context().parameters == {"rate": 0.1}
    deployment = client.create_deployment(version, name=name)
    everywhere(native, deployment.id)
    answer = deployment.monitor(picture, 0.1, 128, 192, classes())
    made = Made("CLASSIFICATION", model.id, version.id, version.id, deployment)
    assert logged(native, made, answer["id"])["champion"]["shapes"]["classes"] == [1]


@shows("ModelVersion.list_files", "ModelVersion.get_file", "ModelFile.download")
def test_the_file_of_a_version_is_fetched(
    client: Client, native: httpx.Client, tmp_path: Path
) -> None:
    body = {"name": f"filed-{uuid4().hex[:8]}", "type": "OBJECT_DETECTION"}
    model = native.post("/api/deployer/v1/models", json=body).raise_for_status().json()["id"]
    content = tiny_detector(3)
    made = native.post(
        f"/api/deployer/v1/models/{model}/versions",
        files={
            "version": (None, json.dumps({"labels": LABELS}), "application/json"),
            "model": ("model.onnx", content, "application/octet-stream"),
        },
    )
    version = client.get_model_version_by_id(made.raise_for_status().json()["id"])
    (file,) = version.list_files()
    assert file.name == "model-latest"
    version.get_file("model-latest").download(str(tmp_path))
    assert (tmp_path / file.filename).read_bytes() == content
    with pytest.raises(ResourceNotFoundError):
        version.get_file("config")


@refuses(
    "ModelVersion.delete",
    "Model.delete",
    why="what was measured refers to them: they stay",
)
def test_models_and_versions_stay(client: Client, detector: Made) -> None:
    version = client.get_model_version_by_id(detector.version)
    model = client.get_model_by_id(detector.model)
    for call in (version.delete, model.delete):
        with pytest.raises(ResourceNotFoundError, match="Sightloop does not offer"):
            call()


@shows(
    "Client.create_project",
    "Client.get_project",
    "Client.get_project_by_id",
    "Client.list_projects",
    "Project.sync",
)
def test_projects_are_made_and_found(client: Client) -> None:
    name = f"project-{uuid4().hex[:8]}"
    project = client.create_project(name, description="belts")
    with pytest.raises(ResourceConflictError):
        client.create_project(name)
    assert client.get_project(name).id == project.id
    assert client.get_project_by_id(project.id).sync()["name"] == name
    assert project.id in [one.id for one in client.list_projects()]
    assert project.list_experiments() == []
    with pytest.raises(ResourceNotFoundError):
        client.get_project(f"no {uuid4()}")


@shows(
    "Client.get_experiment_by_id",
    "Project.get_experiment",
    "Project.get_experiment_by_id",
    "Project.list_experiments",
    "Experiment.sync",
)
def test_experiments_of_ours_are_found(client: Client, native: httpx.Client) -> None:
    project = client.create_project(f"project-{uuid4().hex[:8]}")
    version = client.create_dataset(uuid4().hex).create_version("first", type="CLASSIFICATION")
    version.create_label("disc")
    path = f"/api/trainer/v1/projects/{project.id}/experiments"
    body = {"name": "one", "datasets": [{"alias": "train", "dataset_version": str(version.id)}]}

    def asked() -> str | None:
        answer = native.post(path, json=body)
        return str(answer.json()["id"]) if answer.status_code == 201 else None

    made = until(asked, bool, what="the experiment is accepted", within=120)
    native.post(f"/api/trainer/v1/experiments/{made}/cancel")

    def ended() -> ExperimentStatus:
        return client.get_experiment_by_id(made).status

    until(
        ended,
        lambda status: status in (ExperimentStatus.CANCELED, ExperimentStatus.FAILED),
        what="the experiment has ended",
        within=120,
    )
    experiment = project.get_experiment("one")
    assert str(experiment.id) == made
    assert experiment.sync()["project_id"] == str(project.id)
    assert project.get_experiment_by_id(made).name == "one"
    assert [str(one.id) for one in project.list_experiments()] == [made]
    with pytest.raises(ResourceNotFoundError):
        project.get_experiment("two")
