"""A training script of one's own, by the published client: experiments, logs, files, models."""

from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from picsellia import Client
from picsellia.exceptions import (
    BadRequestError,
    NoBaseExperimentError,
    NoBaseModelVersionError,
    ResourceConflictError,
    ResourceNotFoundError,
)
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia.sdk.experiment import Experiment
from picsellia.types.enums import ExperimentStatus, Framework, InferenceType, JobStatus, LogType

from sightloop.demo.api import until
from tests.compat.conftest import everywhere
from tests.compat.lines import shows
from tests.component.serving_world import LABELS, tiny_detector

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
_LABELMAP = {str(number): label for number, label in enumerate(LABELS)}
# The client sends what is larger than 25 MiB in parts.
_IN_PARTS = 26 * 2**20


@pytest.fixture(scope="session")
def experiment(client: Client) -> Experiment:
    """An experiment of the client's; each test logs under names of its own."""
    project = client.create_project(f"own-{uuid4().hex[:8]}")
    return project.create_experiment("first", description="belts", parameters={"rate": 0.1})


def learned(client: Client) -> DatasetVersion:
    """A dataset version of detections."""
    version = client.create_dataset(uuid4().hex).create_version("first", type="OBJECT_DETECTION")
    version.create_label("a")
    return version


def attached(experiment: Experiment, version: DatasetVersion, name: str) -> None:
    """Attach a dataset version once it has settled."""

    def done() -> bool:
        try:
            experiment.attach_dataset(name, version)
        except (ResourceConflictError, BadRequestError):
            return False
        return True

    until(done, bool, what="the dataset version has settled", within=120)


@shows("Experiment.log", "Experiment.get_log", "Experiment.list_logs", "Log.sync", "Log.append")
def test_every_kind_of_log_is_kept(experiment: Experiment, picture: Path) -> None:
    line = experiment.log("loss", 0.5, LogType.LINE)
    experiment.log("loss", [0.4, float("nan")], LogType.LINE)
    line.append({"steps": [10], "values": [0.2]})
    assert line.data == {"steps": [0, 1, 2, 10], "values": [0.5, 0.4, None, 0.2]}
    rates = experiment.log("rates", {"head": [1.0], "body": [2.0]}, LogType.LINE)
    assert rates.data["body"] == {"steps": [0], "values": [2.0]}
    kept = {
        "value": (3, LogType.VALUE),
        "bar": ({"x": ["a", "b"], "y": [1, 2]}, LogType.BAR),
        "table": ({"rate": 0.1, "by": "AdamW"}, LogType.TABLE),
        "heat": ({"categories": ["a"], "values": [[1]]}, LogType.HEATMAP),
        "evaluation": ({"map": 0.5}, LogType.EVALUATION),
        "labelmap": (_LABELMAP, LogType.LABELMAP),
    }
    for name, (data, kind) in kept.items():
        experiment.log(name, data, kind)
    image = experiment.log("seen", str(picture), LogType.IMAGE)
    for name, (data, kind) in kept.items():
        found = experiment.get_log(name)
        assert (found.data, found.type) == (data, kind)
    assert image.data["filename"] == picture.name
    url = experiment.connection.init_download(image.data["object_name"])
    assert httpx.get(url).content == picture.read_bytes()
    assert {*kept, "loss", "rates", "seen"} <= {log.name for log in experiment.list_logs()}
    assert experiment.get_log("loss").sync()["data"] == line.data
    experiment.sync()
    assert experiment.status is ExperimentStatus.RUNNING
    with pytest.raises(ResourceConflictError):
        experiment.log("table", {}, LogType.TABLE, replace=False)
    with pytest.raises(BadRequestError, match="is no number"):
        experiment.log("loss", "high", LogType.LINE)
    with pytest.raises(ResourceNotFoundError):
        experiment.get_log("none")


@shows("Log.update", "Log.delete", "Experiment.delete_all_logs", "Experiment.log_parameters")
def test_logs_are_changed_and_deleted(client: Client) -> None:
    project = client.create_project(f"own-{uuid4().hex[:8]}")
    experiment = project.create_experiment("logs", parameters={"rate": 0.1})
    assert experiment.get_log("parameters").data == {"rate": 0.1}
    experiment.log_parameters({"rate": 0.2})
    assert experiment.sync()["parameters"] == {"rate": 0.2}
    line = experiment.log("loss", [1, 2], LogType.LINE)
    line.update(name="cost", data=[3])
    assert experiment.get_log("cost").data == {"steps": [0], "values": [3]}
    with pytest.raises(ResourceConflictError):
        line.update(name="parameters")
    line.delete()
    assert experiment.log("cost", 1, LogType.LINE).data == {"steps": [0], "values": [1]}
    experiment.delete_all_logs()
    assert experiment.list_logs() == []


@shows(
    "Experiment.store",
    "Experiment.create_artifact",
    "Experiment.get_artifact",
    "Experiment.list_artifacts",
    "Experiment.download_artifacts",
    "Experiment.delete_all_artifacts",
    "Artifact.download",
    "Artifact.update",
    "Artifact.delete",
    "Artifact.sync",
    "Artifact.reset_url",
)
def test_files_are_stored_also_in_parts_and_fetched(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = client.create_project(f"own-{uuid4().hex[:8]}").create_experiment(uuid4().hex)
    small, large = tmp_path / "config.yaml", tmp_path / "best.pt"
    small.write_bytes(b"rate: 1")
    large.write_bytes(bytes(range(256)) * (_IN_PARTS // 256))
    experiment.store("config", small)
    stored = experiment.store("model-latest", large)
    small.write_bytes(b"rate: 2")
    again = experiment.store("config", small)
    assert [one.name for one in experiment.list_artifacts()] == ["config", "model-latest"]
    target = tmp_path / "fetched"
    experiment.get_artifact("model-latest").download(target)
    assert (target / "best.pt").read_bytes() == large.read_bytes()
    monkeypatch.chdir(tmp_path)
    experiment.download_artifacts(with_tree=False)
    assert (tmp_path / experiment.name / "config.yaml").read_bytes() == b"rate: 2"
    again.update(name="settings", filename="settings.yaml")
    assert experiment.get_artifact("settings").sync()["filename"] == "settings.yaml"
    assert again.reset_url().startswith("http")
    with pytest.raises(BadRequestError, match="none that was given out"):
        experiment.create_artifact("x", "x", stored.object_name)
    again.delete()
    with pytest.raises(ResourceNotFoundError):
        experiment.get_artifact("settings")
    experiment.delete_all_artifacts()
    assert experiment.list_artifacts() == []


@shows(
    "Project.create_experiment",
    "Project.attach_dataset",
    "Project.detach_dataset",
    "Project.list_dataset_versions",
    "Experiment.attach_dataset",
    "Experiment.detach_dataset",
    "Experiment.get_dataset",
    "Experiment.get_attached_dataset_versions",
    "Experiment.list_attached_dataset_versions",
)
def test_datasets_are_attached_to_projects_and_experiments(client: Client) -> None:
    project = client.create_project(f"own-{uuid4().hex[:8]}")
    experiment = project.create_experiment("fitted")
    assert experiment.status is ExperimentStatus.WAITING
    version = learned(client)
    attached(experiment, version, "train")
    assert experiment.get_dataset("train").id == version.id
    assert list(experiment.get_attached_dataset_versions()) == ["train"]
    assert [one.id for one in experiment.list_attached_dataset_versions()] == [version.id]
    with pytest.raises(ResourceNotFoundError):
        experiment.get_dataset("test")
    experiment.detach_dataset(version)
    assert experiment.get_attached_dataset_versions() == {}
    project.attach_dataset(version)
    assert [one.version for one in project.list_dataset_versions()] == ["first"]
    project.detach_dataset(version)
    assert project.list_dataset_versions() == []


@shows("Project.update", differs="the name; what describes a project is not kept")
def test_a_project_is_renamed(client: Client) -> None:
    project = client.create_project(f"own-{uuid4().hex[:8]}")
    name = f"renamed-{uuid4().hex[:8]}"
    project.update(name=name, description="belts")
    assert client.get_project(name).id == project.id
    with pytest.raises(ResourceConflictError):
        client.create_project(f"own-{uuid4().hex[:8]}").update(name=name)


@shows("Experiment.update", differs="TERMINATED is CANCELED; what has ended takes no more")
def test_an_experiment_says_how_far_it_is(client: Client) -> None:
    experiment = client.create_project(f"own-{uuid4().hex[:8]}").create_experiment("far")
    experiment.update(name="further", description="belts", status=ExperimentStatus.RUNNING)
    experiment.sync()
    assert (experiment.name, experiment.status) == ("further", ExperimentStatus.RUNNING)
    experiment.update(status=ExperimentStatus.SUCCESS)
    experiment.update(status=ExperimentStatus.SUCCESS)
    with pytest.raises(ResourceConflictError, match="has ended"):
        experiment.log("late", 1, LogType.VALUE)


@shows(
    "Experiment.update_job_status",
    differs="the client's own job is the experiment: its end is the experiment's",
)
def test_a_job_of_the_clients_is_its_experiment(client: Client) -> None:
    experiment = client.create_project(f"own-{uuid4().hex[:8]}").create_experiment("job")
    experiment.update_job_status(JobStatus.RUNNING)
    assert experiment.sync()["status"] == "RUNNING"
    experiment.update_job_status(JobStatus.FAILED)
    assert experiment.sync()["status"] == "FAILED"


@shows(
    "Experiment.send_logging",
    "Experiment.start_logging_chapter",
    "Experiment.start_logging_buffer",
    "Experiment.end_logging_buffer",
    differs="lines come into the experiment's log in their order; parts and numbers are not kept",
)
def test_lines_come_into_the_log(
    client: Client, native: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = client.create_project(f"own-{uuid4().hex[:8]}").create_experiment("lines")
    experiment.start_logging_chapter("train")
    experiment.start_logging_buffer()
    experiment.send_logging("epoch 1", "train")
    experiment.end_logging_buffer()
    experiment.send_logging(["epoch 2", "done"], "train", final=True)
    log = native.get(f"/api/trainer/v1/experiments/{experiment.id}/log").json()["lines"]
    assert [line["text"] for line in log] == ["epoch 1", "epoch 2", "done"]
    capsys.readouterr()


@shows(
    "Experiment.store_logging_file",
    "Experiment.get_logging_file",
    "LoggingFile.sync",
    "LoggingFile.download",
    "LoggingFile.reset_url",
    differs="it is the experiment's file `logging`, under its content's name",
)
def test_the_output_of_a_script_is_kept(client: Client, tmp_path: Path) -> None:
    experiment = client.create_project(f"own-{uuid4().hex[:8]}").create_experiment("output")
    path = tmp_path / "run.log"
    path.write_text("epoch 1")
    made = experiment.store_logging_file(path)
    found = experiment.get_logging_file()
    assert (found.id, found.sync()["id"]) == (made.id, str(made.id))
    found.download(tmp_path)
    assert found.reset_url().startswith("http")
    assert (tmp_path / found.filename).read_text() == "epoch 1"


@shows(
    "Experiment.export_as_model",
    "Experiment.export_in_existing_model",
    "Experiment.set_base_model_version",
    "Experiment.attach_model_version",
    "Experiment.get_base_model_version",
    "Experiment.set_base_experiment",
    "Experiment.get_base_experiment",
    "ModelContext.get_experiment",
    "ModelContext.get_infos",
    "ModelContext.get_dataset_version",
    "ModelContext.retrieve_datasets",
)
def test_what_was_trained_elsewhere_is_published_and_runs_as_shadow(
    client: Client, native: httpx.Client, tmp_path: Path
) -> None:
    project = client.create_project(f"own-{uuid4().hex[:8]}")
    experiment = project.create_experiment("trained")
    with pytest.raises(NoBaseModelVersionError):
        experiment.get_base_model_version()
    with pytest.raises(NoBaseExperimentError):
        experiment.get_base_experiment()
    version = learned(client)
    attached(experiment, version, "train")
    name = f"trained-{uuid4().hex[:8]}"
    with pytest.raises(BadRequestError, match="labels"):
        experiment.export_as_model(name)
    experiment.log("labelmap", _LABELMAP, LogType.LABELMAP)
    path = tmp_path / "best.onnx"
    path.write_bytes(b"no model")
    experiment.store("model-latest", path)
    with pytest.raises(BadRequestError, match="model is refused"):
        experiment.export_as_model(name)
    path.write_bytes(tiny_detector(5))
    experiment.store("model-latest", path)
    experiment.log_parameters({"rate": 0.3})
    champion = experiment.export_as_model(name)
    assert (champion.version, champion.labels) == (1, _LABELMAP)
    assert (champion.framework, champion.type) == (Framework.ONNX, InferenceType.OBJECT_DETECTION)
    context = champion.get_context()
    assert context.get_experiment().id == experiment.id
    assert context.get_dataset_version("train").id == version.id
    assert list(context.retrieve_datasets()) == ["train"]
    assert context.get_infos()["parameters"] == {"rate": 0.3}

    second = project.create_experiment("second", base_experiment=experiment)
    assert second.get_base_experiment().id == experiment.id
    assert second.get_log("labelmap").data == _LABELMAP
    assert [one.name for one in second.list_artifacts()] == ["model-latest"]
    path.write_bytes(tiny_detector(6))
    second.store("model-latest", path)
    second.update(status=ExperimentStatus.SUCCESS)
    model = client.get_model(name)
    shadow = second.export_in_existing_model(model)
    assert second.export_in_existing_model(model).id == shadow.id
    assert shadow.version == 2
    deployment = client.create_deployment(champion, name=name)
    everywhere(native, deployment.id)
    deployment.set_shadow_model(shadow)
    assert deployment.get_shadow_model().id == shadow.id

    third = project.create_experiment("third", base_model_version=champion)
    assert third.get_base_model_version().id == champion.id
    assert [one.name for one in third.list_artifacts()] == ["model-latest"]
    assert third.get_log("parameters").data == {"rate": 0.3}
    third.set_base_model_version(shadow, attach_parameters=True, attach_model_files=True)
    third.attach_model_version(champion)
    third.set_base_experiment(second)
    assert third.get_base_experiment().id == second.id
    weights = tmp_path / "best.pt"
    weights.write_bytes(b"weights")
    third.store("model-latest", weights)
    elsewhere = third.export_in_existing_model(model)
    assert elsewhere.framework is Framework.NOT_CONFIGURED
    elsewhere.get_file("model-latest").download(tmp_path / "back")


@shows("ModelVersion.store", "ModelFile.delete", "ModelFile.sync", "ModelFile.reset_url")
def test_a_version_gets_its_files_and_is_served(client: Client, tmp_path: Path) -> None:
    model = client.create_model(f"stored-{uuid4().hex[:8]}")
    version = model.create_version(labels=_LABELMAP, type=InferenceType.OBJECT_DETECTION)
    path = tmp_path / "best.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(BadRequestError, match="model is refused"):
        version.store("model-latest", path)
    path.write_bytes(tiny_detector(7))
    file = version.store("model-latest", path)
    with pytest.raises(ResourceConflictError, match="delete it"):
        version.store("model-latest", path)
    path.write_bytes(tiny_detector(8))
    version.store("model-latest", path, replace=True)
    version.store("labels", path)
    assert [one.name for one in version.list_files()] == ["model-latest", "labels"]
    assert version.get_file("model-latest").sync()["id"] == str(file.id)
    assert version.get_file("labels").reset_url().startswith("http")
    version.get_file("labels").delete()
    version.sync()
    assert version.framework is Framework.ONNX
    deployment = version.deploy(f"stored-{uuid4().hex[:8]}")
    assert deployment.sync()["serving_host"] is not None
    with pytest.raises(ResourceConflictError, match="another version"):
        version.get_file("model-latest").delete()


@shows(
    "ModelVersion.update",
    "Model.update",
    differs="names, parameters, and labels until it is deployed; nothing else is kept",
)
def test_models_and_versions_are_renamed_and_labelled(client: Client) -> None:
    model = client.create_model(f"changed-{uuid4().hex[:8]}")
    version = model.create_version(labels={"0": "a"}, type=InferenceType.CLASSIFICATION)
    version.update(name="second", labels={"0": "a", "1": "b"}, base_parameters={"rate": 1})
    assert (version.name, version.labels) == ("second", {"0": "a", "1": "b"})
    assert version.get_context().parameters == {"rate": 1}
    assert model.create_version(labels={"0": "a"}).type is InferenceType.CLASSIFICATION
    with pytest.raises(ResourceConflictError):
        version.update(type=InferenceType.OBJECT_DETECTION)
    version.deploy(f"changed-{uuid4().hex[:8]}")
    with pytest.raises(ResourceConflictError, match="do not change"):
        version.update(labels={"0": "b"})
    name = f"renamed-{uuid4().hex[:8]}"
    model.update(name=name, description="belts")
    assert client.get_model(name).id == model.id
