"""Deployments, their models and what becomes of retrained ones, by the published client."""

from uuid import UUID, uuid4

import httpx
import pytest
from picsellia import Client
from picsellia.exceptions import BadRequestError, NoShadowModel, ResourceNotFoundError
from picsellia.types.enums import InferenceType

from tests.compat.conftest import Made, made
from tests.compat.lines import shows

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@shows(
    "Client.get_model",
    "Client.get_model_by_id",
    "Client.list_models",
    "Client.get_model_version_by_id",
    "Model.sync",
    "Model.get_version",
    "Model.list_versions",
    "ModelVersion.sync",
)
def test_models_and_versions_are_found(client: Client, detector: Made) -> None:
    model = client.get_model_by_id(detector.model)
    assert client.get_model(model.name).id == detector.model
    assert detector.model in [one.id for one in client.list_models()]
    assert model.sync()["name"] == model.name
    versions = model.list_versions()
    assert [one.version for one in versions] == [2, 1]
    assert [one.version for one in model.list_versions(limit=1, offset=1)] == [1]
    first = model.get_version(1)
    assert first.id == detector.version
    assert model.get_version(first.name).version == 2
    again = client.get_model_version_by_id(first.id)
    assert again.sync()["labels"] == {"0": "disc", "1": "square"}
    assert again.type is InferenceType.OBJECT_DETECTION
    with pytest.raises(ResourceNotFoundError):
        client.get_model(f"no {uuid4()}")
    with pytest.raises(ResourceNotFoundError):
        model.get_version(7)


@shows("ModelVersion.get_context")
def test_a_version_says_what_it_was_made_of(client: Client, detector: Made) -> None:
    context = client.get_model_version_by_id(detector.version).get_context()
    assert context.experiment_id is None
    assert (context.datasets, context.parameters) == ([], {})


@shows(
    "Client.create_deployment",
    "Client.list_deployments",
    "Deployment.sync",
    "Deployment.refresh",
    "Deployment.delete",
    "Deployment.get_model_version",
    "Deployment.get_shadow_model",
    "Deployment.set_model",
    "Deployment.set_shadow_model",
)
def test_a_deployment_lives_and_changes_its_models(client: Client, detector: Made) -> None:
    champion = client.get_model_version_by_id(detector.version)
    other = client.get_model_version_by_id(detector.other)
    name = f"lives-{uuid4().hex[:8]}"
    deployment = client.create_deployment(champion, name=name, min_threshold=0.25)
    assert (deployment.name, deployment.type) == (name, InferenceType.OBJECT_DETECTION)
    assert deployment.sync()["min_threshold"] == 0.25
    assert deployment.get_model_version().id == champion.id
    with pytest.raises(NoShadowModel):
        deployment.get_shadow_model()
    deployment.set_shadow_model(other)
    assert deployment.get_shadow_model().id == other.id
    deployment.set_model(other)
    assert deployment.get_model_version().id == other.id
    assert name in [one.name for one in client.list_deployments(limit=1)]
    ascending = [one.name for one in client.list_deployments(order_by=["name"])]
    assert ascending == sorted(ascending)
    deployment.delete()
    with pytest.raises(ResourceNotFoundError):
        client.get_deployment(name)


def test_a_deployment_may_have_its_shadow_from_the_start(client: Client, detector: Made) -> None:
    champion = client.get_model_version_by_id(detector.version)
    other = client.get_model_version_by_id(detector.other)
    deployment = client.create_deployment(
        champion, shadow_model_version=other, disable_serving=True
    )
    assert deployment.get_shadow_model().id == other.id
    deployment.delete()


@shows("ModelVersion.deploy")
def test_a_version_deploys_itself(client: Client, classifier: Made) -> None:
    version = client.get_model_version_by_id(classifier.version)
    deployment = version.deploy(name=f"itself-{uuid4().hex[:8]}", min_threshold=0.5)
    assert deployment.type is InferenceType.CLASSIFICATION
    deployment.delete(force_delete=True)


@shows("Deployment.update", "Deployment.list_labels")
def test_a_deployment_is_renamed_and_has_labels(client: Client, native: httpx.Client) -> None:
    deployment = made(client, native, "CLASSIFICATION", shadow=False).deployment
    renamed = f"renamed-{uuid4().hex[:8]}"
    deployment.update(name=renamed, min_threshold=0.75, sample_rate=0.5)
    said = client.get_deployment(renamed).sync()
    assert (said["min_threshold"], said["sample_rate"]) == (0.75, 0.5)
    labels = deployment.list_labels()
    assert [label.name for label in labels] == ["disc", "square"]
    assert all(isinstance(label.id, UUID) for label in labels)
    with pytest.raises(BadRequestError, match="sample_rate"):
        deployment.update(sample_rate=1.5)


@shows("Deployment.setup_continuous_deployment", "Deployment.toggle_continuous_deployment")
def test_continuous_deployment_is_set_and_switched(native: httpx.Client, classifier: Made) -> None:
    deployment = classifier.deployment
    path = f"/api/deployer/v1/deployments/{deployment.id}/delivery"
    for policy in ("DEPLOY_SHADOW", "DEPLOY_CHAMPION", "DEPLOY_MANUAL"):
        deployment.setup_continuous_deployment(policy)
        said = native.get(path).json()
        assert (said["active"], said["policy"]) == (True, policy)
    deployment.toggle_continuous_deployment(False)
    assert native.get(path).json()["active"] is False
