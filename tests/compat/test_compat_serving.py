"""Predictions of a served model, by the published client."""

import json
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from picsellia import Client
from picsellia.exceptions import PredictionError
from picsellia.sdk.deployment import Deployment

from sightloop.demo.api import until
from tests.compat.lines import refuses, shows
from tests.component.serving_world import LABELS, tiny_detector

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def served(client: Client, native: httpx.Client) -> Deployment:
    """A deployment whose champion runs with us, and is loaded."""
    name = f"served-{uuid4().hex[:8]}"
    body = {"name": name, "type": "OBJECT_DETECTION"}
    model = native.post("/api/deployer/v1/models", json=body).raise_for_status().json()["id"]
    version = native.post(
        f"/api/deployer/v1/models/{model}/versions",
        files={
            "version": (None, json.dumps({"labels": LABELS}), "application/json"),
            "model": ("model.onnx", tiny_detector(1), "application/octet-stream"),
        },
    )
    deployment = client.create_deployment(
        client.get_model_version_by_id(version.raise_for_status().json()["id"]), name=name
    )

    def loaded() -> bool:
        answer = native.get(f"/api/serving/v1/deployments/{deployment.id}")
        return answer.status_code == 200 and answer.json()["champion"]["state"] == "loaded"

    until(loaded, bool, what="the champion is loaded", within=120)
    return deployment


@shows("Deployment.predict", "Deployment.predict_bytes")
def test_a_picture_is_predicted_and_logged(
    native: httpx.Client, served: Deployment, picture: Path
) -> None:
    answer = served.predict(picture, tags=["line 3"], source="camera 1")
    path = f"/api/review/v1/deployments/{served.id}/predictions/{answer['prediction_id']}"

    def logged() -> dict[str, object]:
        found = native.get(path)
        return found.json() if found.status_code == 200 else {}

    found = until(logged, bool, what="the prediction is logged", within=120)
    assert (found["source"], found["tags"]) == ("camera 1", ["line 3"])
    assert answer["prediction"]["detection_classes"] == found["champion"]["shapes"]["classes"]
    silent = served.predict_bytes("a.png", picture.read_bytes(), monitor=False)
    assert silent["prediction_id"] is None


@shows("Deployment.predict_data", "Deployment.predict_cloud_image")
def test_an_image_of_the_datalake_is_predicted(
    client: Client, served: Deployment, picture: Path
) -> None:
    data = client.get_datalake().upload_data(picture)
    answer = served.predict_data(data, monitor=False)
    assert "detection_boxes" in answer["prediction"]
    again = served.predict_cloud_image(data.object_name, monitor=False)
    assert again["prediction"] == answer["prediction"]


def test_what_cannot_be_predicted_says_why(served: Deployment, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(PredictionError, match="the picture is refused"):
        served.predict(broken)
    with pytest.raises(PredictionError, match="metadata cannot be logged"):
        served.predict(broken, metadata={"latitude": 1.0})


@refuses(
    "Deployment.predict_shadow",
    why="a shadow that runs with us is asked with its champion, by itself",
)
def test_a_shadow_is_not_asked_alone(served: Deployment, picture: Path) -> None:
    from types import SimpleNamespace

    asset = SimpleNamespace(oracle_prediction_id=uuid4(), object_name="x")
    with pytest.raises(PredictionError, match="Sightloop does not offer"):
        Deployment.predict_shadow.__wrapped__(served, asset)
