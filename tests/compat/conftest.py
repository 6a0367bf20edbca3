"""The published client, and the platform in both modes."""

import base64
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from sightloop.demo.api import until
from tests.support.marks import shot
from tests.support.platform import Platform

with warnings.catch_warnings():
    # It imports a name of beartype that will go.
    warnings.simplefilter("ignore", DeprecationWarning)
    from picsellia import Client
    from picsellia.sdk.deployment import Deployment

LABELS = ["disc", "square"]


@pytest.fixture(scope="session")
def client(platform: Platform) -> Client:
    """The client as a team has it: nothing but the host differs."""
    return Client(api_token=platform.token, organization_name="sightloop", host=platform.url)


@pytest.fixture(scope="session")
def native(platform: Platform) -> Iterator[httpx.Client]:
    """Our own API, for what the client does not do."""
    with platform.client() as http:
        yield http


@dataclass(frozen=True)
class Made:
    """Something that the tests of a type share."""

    type: str
    model: UUID
    version: UUID
    other: UUID
    deployment: Deployment


def everywhere(native: httpx.Client, deployment: object) -> None:
    """Return when every service has heard of a deployment: on a slow machine that takes a while."""
    paths = [
        f"/api/ingest/v1/deployments/{deployment}/ledger",
        f"/api/review/v1/deployments/{deployment}/counts",
        f"/api/metrics/v1/deployments/{deployment}/dashboard",
        f"/api/feedback/v1/deployments/{deployment}/feedback-loop",
    ]

    def known() -> bool:
        return all(native.get(path).status_code == 200 for path in paths)

    until(known, bool, what="the deployment is known everywhere", within=300)


def version_of(native: httpx.Client, model: str, labels: list[str]) -> UUID:
    document = json.dumps({"labels": labels})
    answer = native.post(
        f"/api/deployer/v1/models/{model}/versions",
        files={"version": (None, document, "application/json")},
    )
    return UUID(answer.raise_for_status().json()["id"])


def made(client: Client, native: httpx.Client, task: str, *, shadow: bool) -> Made:
    """A deployment of a model that runs at the client's, and another version of the model."""
    name = f"{task.lower()}-{uuid4().hex[:8]}"
    answer = native.post("/api/deployer/v1/models", json={"name": name, "type": task})
    model = answer.raise_for_status().json()["id"]
    version, other = version_of(native, model, LABELS), version_of(native, model, LABELS)
    body: dict[str, Any] = {"name": name, "model_version": str(version)}
    if shadow:
        body["shadow_model_version"] = str(other)
    answer = native.post("/api/deployer/v1/deployments", json=body)
    everywhere(native, answer.raise_for_status().json()["id"])
    return Made(task, UUID(model), version, other, client.get_deployment(name))


@pytest.fixture(scope="session")
def detector(client: Client, native: httpx.Client) -> Made:
    """A detector that has a shadow."""
    return made(client, native, "OBJECT_DETECTION", shadow=True)


@pytest.fixture(scope="session")
def classifier(client: Client, native: httpx.Client) -> Made:
    """A classifier without a shadow."""
    return made(client, native, "CLASSIFICATION", shadow=False)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A PNG of 192 × 128 pixels that is in no other test."""
    number = uuid4().int % 1_000_000
    path = tmp_path / f"belt-{number}.png"
    path.write_bytes(shot(number, changed=False, name=path.name).content)
    return path


@pytest.fixture
def encoded(picture: Path) -> str:
    return base64.b64encode(picture.read_bytes()).decode()
