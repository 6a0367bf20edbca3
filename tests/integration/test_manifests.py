"""The manifests before a real Kubernetes API server: a field that does not exist is refused, and
so is a pod below the `restricted` standard."""

import os
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from libs.api.tokens import read_public_key
from libs.runtime.settings import PREFIX, Platform, load, names, refuse_unknown
from sightloop.dev.kubernetes import KubernetesApi
from sightloop.dev.kustomize import Kustomize
from sightloop.dev.part import Missing, PartFailed
from sightloop.keys import Keys
from sightloop.targets import SERVICES, settings_of
from tests.support import parts
from tests.support.manifests import (
    MANIFESTS,
    Document,
    copy_manifests,
    environment_of,
    named,
    pod_of,
    rendered,
    with_component,
)

COMPONENTS = tuple(sorted(path.name for path in (MANIFESTS / "components").iterdir()))
NAMESPACE = "sightloop"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
STORES = ("kafka", "postgres", "s3")

pytestmark = [pytest.mark.k8s, pytest.mark.slow]


@dataclass(frozen=True)
class Cluster:
    """The API server, and where it keeps each kind (path, whether in a namespace)."""

    client: httpx.Client
    paths: dict[tuple[str, str], tuple[str, bool]]

    def apply(self, document: Document) -> httpx.Response:
        """Apply as `kubectl apply --server-side --dry-run=server --validate=strict` does."""
        path, namespaced = self.paths[document["apiVersion"], document["kind"]]
        group, _, resource = path.rpartition("/")
        scope = f"/namespaces/{NAMESPACE}" if namespaced else ""
        return self.client.patch(
            f"{group}{scope}/{resource}/{document['metadata']['name']}",
            params={"dryRun": "All", "fieldValidation": "Strict", "fieldManager": "tests"},
            headers={"Content-Type": "application/apply-patch+yaml"},
            content=yaml.safe_dump(document),
        )

    def admit(self, pod: Document) -> httpx.Response:
        """Ask whether a pod would be let in."""
        parameters = {"dryRun": "All", "fieldValidation": "Strict"}
        return self.client.post(PODS, params=parameters, json=pod)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """An API server with our namespace under the strictest standard for pods."""
    if isinstance(found := KubernetesApi.available(), Missing):
        pytest.skip(found.reason)
    with parts.scratch_folder("k8s") as folder:
        api = KubernetesApi(folder)
        parts.run_now(api.start())
        try:
            with httpx.Client(
                base_url=api.url,
                verify=api.tls,
                headers={"Authorization": f"Bearer {api.token}"},
                timeout=240,
                trust_env=False,
            ) as client:
                prepare(client)
                yield Cluster(client, discovered(client))
        finally:
            parts.run_now(api.stop())


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Path:
    """A copy of the folder, with the secrets that a user would have written."""
    if isinstance(found := Kustomize.available(), Missing):
        pytest.skip(found.reason)
    passwords = {"POSTGRES_PASSWORD": "fromTheTest1", "S3_SECRET_KEY": "fromTheTest2"}
    folder = tmp_path_factory.mktemp("manifests") / "k8s"
    return copy_manifests(folder, keys.environment() | passwords)


def prepare(client: httpx.Client) -> None:
    """Make the trial's own namespace, and the account that a controller would make in it."""
    namespace = yaml.safe_load((MANIFESTS / "overlays/trial/namespace.yaml").read_text())
    client.post("/api/v1/namespaces", json=namespace).raise_for_status()
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
    client.post(path, json=account).raise_for_status()


def discovered(client: httpx.Client) -> dict[tuple[str, str], tuple[str, bool]]:
    """Path and scope of every kind, by version and kind."""
    groups = client.get("/apis").raise_for_status().json()["groups"]
    versions = {
        version["groupVersion"]: f"/apis/{version['groupVersion']}"
        for group in groups
        for version in group["versions"]
    }
    return {
        (version, item["kind"]): (f"{path}/{item['name']}", item["namespaced"])
        for version, path in {"v1": "/api/v1", **versions}.items()
        for item in client.get(path).raise_for_status().json()["resources"]
        if "/" not in item["name"]
    }


def refusals(cluster: Cluster, documents: list[Document]) -> list[str]:
    answers = [(document, cluster.apply(document)) for document in documents]
    return [
        f"{document['kind']} {document['metadata']['name']}: {answer.text}"
        for document, answer in answers
        if answer.status_code not in {200, 201}
    ]


def test_the_server_refuses_a_field_that_does_not_exist(cluster: Cluster, manifests: Path) -> None:
    deployment = named(rendered(manifests / "base"), "Deployment")["gateway"]
    assert cluster.apply(deployment).status_code == 201
    deployment["spec"]["template"]["spec"]["automountServiceAccountTokens"] = False

    answer = cluster.apply(deployment)

    assert answer.status_code >= 400
    assert "automountServiceAccountTokens" in answer.text


def test_the_server_refuses_a_pod_that_may_become_root(cluster: Cluster, manifests: Path) -> None:
    pod = pod_of(named(rendered(manifests / "base"), "Deployment")["gateway"])
    pod["spec"]["securityContext"]["runAsNonRoot"] = False

    answer = cluster.admit(pod)

    assert answer.status_code == 403
    assert "runAsNonRoot" in answer.text


def test_the_server_refuses_a_stranger(cluster: Cluster) -> None:
    answer = cluster.client.get("/api/v1/secrets", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401


def test_the_base_is_taken(cluster: Cluster, manifests: Path) -> None:
    documents = rendered(manifests / "base")

    assert set(named(documents, "Deployment")) == set(SERVICES)
    assert refusals(cluster, documents) == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_base_with_a_component_is_taken(
    cluster: Cluster, manifests: Path, component: str
) -> None:
    documents = rendered(with_component(manifests, component))

    assert len(documents) > len(rendered(manifests / "base"))
    assert refusals(cluster, documents) == []


def test_the_overlay_of_the_manual_is_taken(cluster: Cluster, manifests: Path) -> None:
    manual = (MANIFESTS.parents[1] / "docs/operations.md").read_text()
    [text] = re.findall(r"^    # kustomization\.yaml\n((?:    .+\n)+)", manual, re.MULTILINE)
    folder = manifests / "overlays/manual"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text(textwrap.dedent(text))
    documents = rendered(folder)
    [rule] = named(documents, "Ingress")["sightloop"]["spec"]["rules"]

    assert rule["host"] == "sightloop.example.com"
    assert refusals(cluster, documents) == []


def test_the_trial_is_taken(cluster: Cluster, manifests: Path) -> None:
    documents = rendered(manifests / "overlays/trial")

    assert set(named(documents, "StatefulSet")) == set(STORES)
    assert refusals(cluster, documents) == []


def test_every_pod_meets_the_strictest_standard(cluster: Cluster, manifests: Path) -> None:
    documents = rendered(manifests / "overlays/trial")
    kinds = ("Deployment", "StatefulSet", "Job")
    pods = [pod_of(owner) for kind in kinds for owner in named(documents, kind).values()]
    answers = {pod["metadata"]["name"]: cluster.admit(pod) for pod in pods}

    assert set(answers) == {*SERVICES, *STORES, "migrate"}
    assert {name: a.text for name, a in answers.items() if a.status_code != 201} == {}


def test_services_and_budgets_choose_the_pods_of_one_deployment_each(manifests: Path) -> None:
    documents = rendered(manifests / "base")
    labels = {
        name: deployment["spec"]["template"]["metadata"]["labels"]
        for name, deployment in named(documents, "Deployment").items()
    }
    for name in SERVICES:
        service = named(documents, "Service")[name]["spec"]["selector"]
        budget = named(documents, "PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"]
        for selector in (service, budget):
            assert [n for n, own in labels.items() if selector.items() <= own.items()] == [name]


@pytest.mark.parametrize("name", SERVICES)
def test_the_trial_gives_every_process_settings_it_can_start_with(
    manifests: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    documents = rendered(manifests / "overlays/trial")
    given = environment_of(named(documents, "Deployment")[name], documents)
    for variable in [v for v in os.environ if v.startswith(PREFIX)]:
        monkeypatch.delenv(variable)
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)

    refuse_unknown(given, names(settings_of()))
    platform, _ = [load(kind) for kind in settings_of([name])]

    assert isinstance(platform, Platform)
    assert "fromTheTest1@postgres" in platform.database_url
    assert "fromTheTest2@s3" in platform.blobs_url
    assert read_public_key(platform.token_public_key.get_secret_value()) == read_public_key(
        keys.public_key
    )


def test_the_signing_key_is_given_to_the_gateway_alone(manifests: Path) -> None:
    documents = rendered(manifests / "overlays/trial")
    holders = [
        name
        for name, deployment in named(documents, "Deployment").items()
        if "SIGHTLOOP_GATEWAY_SIGNING_KEY" in environment_of(deployment, documents)
    ]
    assert holders == ["gateway"]


def test_the_trial_without_secrets_is_not_rendered(manifests: Path, tmp_path: Path) -> None:
    assert manifests.exists()
    without = copy_manifests(tmp_path / "k8s", None)

    with pytest.raises(PartFailed, match=r"secret\.env"):
        Kustomize.build(without / "overlays/trial")
