"""The data pipeline of a deployment, set up by the published client."""

from uuid import uuid4

import httpx
import pytest
from picsellia import Client
from picsellia.exceptions import (
    BadConfigurationContinuousTrainingError,
    BadRequestError,
    ResourceConflictError,
    ResourceNotFoundError,
)
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia.types.enums import InferenceType

from tests.compat.conftest import LABELS, Made
from tests.compat.lines import shows

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def version(client: Client, native: httpx.Client) -> DatasetVersion:
    """A dataset version for detection with the models' labels."""
    dataset = native.post("/api/feedback/v1/datasets", json={"name": uuid4().hex}).json()
    made = native.post(
        f"/api/feedback/v1/datasets/{dataset['id']}/versions",
        json={"version": "first", "type": "OBJECT_DETECTION", "labels": LABELS},
    ).json()
    return client.get_dataset_version_by_id(made["id"])


@shows(
    "Deployment.setup_feedback_loop",
    "Deployment.attach_dataset_version_to_feedback_loop",
    "Deployment.detach_dataset_version_from_feedback_loop",
    "Deployment.list_feedback_loop_datasets",
    "Deployment.toggle_feedback_loop",
)
def test_the_feedback_loop(
    native: httpx.Client, detector: Made, classifier: Made, version: DatasetVersion
) -> None:
    deployment = detector.deployment
    path = f"/api/feedback/v1/deployments/{deployment.id}/feedback-loop"
    deployment.setup_feedback_loop()
    deployment.attach_dataset_version_to_feedback_loop(version)
    deployment.attach_dataset_version_to_feedback_loop(version)
    assert [one.id for one in deployment.list_feedback_loop_datasets()] == [version.id]
    assert native.get(path).json()["active"] is True
    deployment.toggle_feedback_loop(False)
    assert native.get(path).json()["active"] is False
    deployment.detach_dataset_version_from_feedback_loop(version)
    assert deployment.list_feedback_loop_datasets() == []
    with pytest.raises(BadRequestError, match="do not agree"):
        classifier.deployment.attach_dataset_version_to_feedback_loop(version)


@shows(
    "Deployment.setup_continuous_training",
    "Deployment.attach_dataset_version_to_continuous_training",
    "Deployment.detach_dataset_version_from_continuous_training",
    "Deployment.toggle_continuous_training",
)
def test_continuous_training(
    native: httpx.Client, detector: Made, classifier: Made, version: DatasetVersion
) -> None:
    from types import SimpleNamespace

    from picsellia.sdk.project import Project

    deployment = detector.deployment
    made = native.post("/api/trainer/v1/projects", json={"name": uuid4().hex}).json()
    project = Project(deployment.connection, made)
    with pytest.raises(ResourceConflictError, match="set the continuous training up"):
        classifier.deployment.toggle_continuous_training(True)
    with pytest.raises(BadConfigurationContinuousTrainingError):
        deployment.setup_continuous_training(project)
    deployment.setup_continuous_training(
        project, trigger="FEEDBACK_LOOP", threshold=150, experiment_parameters={"epochs": 3}
    )
    deployment.attach_dataset_version_to_continuous_training("train", version)
    path = f"/api/feedback/v1/deployments/{deployment.id}/training"
    said = native.get(path).json()
    assert (said["active"], said["threshold"], said["project"]) == (True, 150, made["id"])
    assert said["parameters"] == {"epochs": 3}
    assert [(one["alias"], one["dataset_version"]) for one in said["datasets"]] == [
        ("train", str(version.id))
    ]
    deployment.toggle_continuous_training(False)
    assert native.get(path).json()["active"] is False
    deployment.detach_dataset_version_from_continuous_training(version)
    assert native.get(path).json()["datasets"] == []
    absent = SimpleNamespace(id=uuid4())
    with pytest.raises(ResourceNotFoundError):
        deployment.connection.post(
            f"/api/deployment/{deployment.id}/ct/datasets",
            data=f'{{"dataset_version_id": "{absent.id}", "name": "x"}}',
        )


@shows(
    "Deployment.set_training_data",
    "Deployment.check_training_data_metrics_status",
    "Deployment.disable_training_data_reference",
)
def test_training_data(
    client: Client, detector: Made, classifier: Made, version: DatasetVersion
) -> None:
    deployment = detector.deployment
    assert deployment.check_training_data_metrics_status() == "none"
    deployment.set_training_data(version)
    assert deployment.check_training_data_metrics_status() != "none"
    deployment.disable_training_data_reference()
    assert deployment.check_training_data_metrics_status() == "none"
    with pytest.raises(BadRequestError):
        classifier.deployment.set_training_data(version)


@shows(
    "Client.create_dataset",
    "Client.get_dataset",
    "Client.get_dataset_by_id",
    "Client.list_datasets",
    "Client.get_dataset_version_by_id",
    "Dataset.sync",
    "Dataset.create_version",
    "Dataset.get_version",
    "Dataset.get_version_by_id",
    "Dataset.list_versions",
    "DatasetVersion.sync",
    "DatasetVersion.update",
    "DatasetVersion.set_type",
)
def test_datasets_and_versions_are_made_and_found(client: Client) -> None:
    name = f"set-{uuid4().hex[:8]}"
    dataset = client.create_dataset(name, description="belts")
    with pytest.raises(ResourceConflictError):
        client.create_dataset(name)
    assert client.get_dataset(name).id == dataset.id
    assert client.get_dataset_by_id(dataset.id).sync()["name"] == name
    assert dataset.id in [one.id for one in client.list_datasets()]
    version = dataset.create_version("first")
    version.set_type(InferenceType.CLASSIFICATION)
    assert dataset.get_version("first").type is InferenceType.CLASSIFICATION
    version.update(version="renamed")
    assert dataset.get_version_by_id(version.id).version == "renamed"
    assert [one.id for one in dataset.list_versions()] == [version.id]
    assert client.get_dataset_version_by_id(version.id).sync()["origin_name"] == name
    with pytest.raises(ResourceNotFoundError):
        dataset.get_version("first")
    with pytest.raises(ResourceConflictError):
        dataset.create_version("renamed")
