"""The vendor's two tutorials and the traps of the protocol, by the published client."""

import json
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from picsellia import Client
from picsellia.exceptions import (
    ForbiddenError,
    MonitorError,
    ResourceNotFoundError,
    UnauthorizedError,
)
from picsellia.sdk.predicted_asset import PredictedAsset
from picsellia.types.schemas_prediction import (
    ClassificationPredictionFormat,
    DetectionPredictionFormat,
)

from sightloop.demo.api import until
from tests.compat.conftest import Made
from tests.compat.lines import shows
from tests.support.platform import Platform

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

# The tutorial's own boxes: top, left, bottom, right, two of them inverted.
BOXES = [[190, 100, 50, 90], [145, 50, 24, 76], [10, 20, 60, 90]]


def detections() -> DetectionPredictionFormat:
    return DetectionPredictionFormat(
        detection_classes=[0, 1, 0], detection_scores=[0.9, 0.8, 0.3], detection_boxes=BOXES
    )


def classes() -> ClassificationPredictionFormat:
    return ClassificationPredictionFormat(detection_classes=[1], detection_scores=[0.75])


def logged(native: httpx.Client, made: Made, prediction: object) -> dict[str, Any]:
    """A prediction as our own API shows it."""
    path = f"/api/review/v1/deployments/{made.deployment.id}/predictions/{prediction}"

    def look() -> dict[str, Any]:
        answer = native.get(path)
        return dict(answer.json()) if answer.status_code == 200 else {}

    return until(look, bool, what=f"prediction {prediction} is there", within=60)


@shows("Client.sync", "Client.get_deployment", "Deployment.monitor")
def test_the_detection_tutorial(
    platform: Platform, native: httpx.Client, detector: Made, picture: Path
) -> None:
    client = Client(api_token=platform.token, organization_name="sightloop", host=platform.url)
    deployment = client.get_deployment(detector.deployment.name)
    answer = deployment.monitor(
        image_path=picture, latency=0.021, height=128, width=192, prediction=detections()
    )
    found = logged(native, detector, answer["id"])
    assert found["champion"]["shapes"]["classes"] == [0, 1, 0]
    assert found["champion"]["latency"] == 0.021
    assert (found["width"], found["height"], found["filename"]) == (192, 128, picture.name)
    assert found["shadow"] is None
    # Inverted boxes are turned and those beyond the picture clipped, and both are told.
    assert set(found["flags"]) == {"inverted_boxes", "clipped_boxes"}
    assert found["champion"]["shapes"]["boxes"][1] == [50.0, 24.0, 26.0, 104.0]


def test_the_detection_tutorial_with_a_shadow_and_every_optional_field(
    native: httpx.Client, detector: Made, picture: Path
) -> None:
    when = time.time() - 3600
    answer = detector.deployment.monitor(
        image_path=str(picture),
        latency=0.02,
        height=128,
        width=192,
        prediction=detections(),
        shadow_latency=0.04,
        shadow_raw_predictions=detections(),
        source="camera 3",
        tags=["night", "rain"],
        timestamp=when,
        metadata={"latitude": 48.85},
        custom_metadata={"truck": "B-12"},
        custom_metrics={"blur": 0.25},
        upload_dir="belts",
    )
    found = logged(native, detector, answer["id"])
    assert found["shadow"]["latency"] == 0.04
    assert found["shadow"]["version"] == str(detector.other)
    assert (found["source"], found["tags"]) == ("camera 3", ["night", "rain"])
    assert found["metadata"] == {"latitude": 48.85}
    assert found["time"].startswith(time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(int(when))))


def test_the_classification_tutorial(native: httpx.Client, classifier: Made, picture: Path) -> None:
    answer = classifier.deployment.monitor(
        image_path=picture, latency=0.5, height=128, width=192, prediction=classes()
    )
    found = logged(native, classifier, answer["id"])
    assert found["champion"]["shapes"]["classes"] == [1]
    assert found["champion"]["shapes"]["scores"] == [0.75]


@shows("Deployment.monitor_bytes")
def test_a_picture_may_be_bytes(native: httpx.Client, classifier: Made, picture: Path) -> None:
    answer = classifier.deployment.monitor_bytes(
        picture.read_bytes(), "image/png", "from-memory.png", 0.1, 128, 192, classes()
    )
    assert logged(native, classifier, answer["id"])["has_picture"]


@shows("Deployment.find_predicted_asset", "PredictedAsset.sync")
def test_an_asset_is_found_right_after_it_was_logged(detector: Made, picture: Path) -> None:
    for _ in range(5):
        answer = detector.deployment.monitor(picture, 0.02, 128, 192, detections(), tags=["fresh"])
        asset = detector.deployment.find_predicted_asset(oracle_prediction_id=answer["id"])
        assert str(asset.oracle_prediction_id) == answer["id"]
        assert (asset.width, asset.height) == (192, 128)
    by_data = detector.deployment.find_predicted_asset(data_id=asset.data_id)
    assert by_data.id == asset.id
    whole = asset.sync()
    assert [one["is_shadow"] for one in whole["predictions"]] == [False]
    assert asset.get_champion_prediction()["rectangles"][0]["label"]["name"] == "disc"


def test_what_was_not_sampled_counts_and_is_no_asset(
    native: httpx.Client, classifier: Made, picture: Path
) -> None:
    answer = classifier.deployment.monitor(picture, 0.1, 128, 192, classes(), sample=False)
    assert not logged(native, classifier, answer["id"])["has_picture"]
    with pytest.raises(ResourceNotFoundError):
        classifier.deployment.find_predicted_asset(oracle_prediction_id=answer["id"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"detection_scores": [1.8, 0.8, 0.3]}, "raw_predictions.detection_scores[0]"),
        ({"detection_scores": [float("nan"), 0.8, 0.3]}, "raw_predictions.detection_scores[0]"),
        ({"detection_classes": [0, 7, 0]}, "raw_predictions.detection_classes[1]"),
        ({"detection_classes": [0, -1, 0]}, "raw_predictions.detection_classes[1]"),
        ({"detection_boxes": [[1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4]]}, "detection_boxes[0]"),
    ],
)
def test_a_wrong_element_is_named(
    detector: Made, picture: Path, wrong: dict[str, Any], said: str
) -> None:
    right = {
        "detection_classes": [0, 1, 0],
        "detection_scores": [0.9, 0.8, 0.3],
        "detection_boxes": BOXES,
    }
    prediction = DetectionPredictionFormat(**(right | wrong))
    with pytest.raises(MonitorError, match="422") as refused:
        detector.deployment.monitor(picture, 0.02, 128, 192, prediction)
    assert said in str(refused.value)


def test_a_picture_of_the_largest_size_passes(
    platform: Platform, detector: Made, tmp_path: Path
) -> None:
    """Base64 in JSON is a third larger than the picture."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(1).integers(0, 256, (2400, 4000, 3), dtype=np.uint8)
    path = tmp_path / "large.png"
    Image.fromarray(noise).save(path, compress_level=0)
    assert 27 * 2**20 < path.stat().st_size < 32 * 2**20
    answer = detector.deployment.monitor(path, 0.02, 2400, 4000, detections())
    assert UUID(answer["id"])


@shows("Deployment.retrieve_information")
def test_one_path_leads_to_two_services_by_the_token(client: Client, detector: Made) -> None:
    """`GET /api/deployment/{id}` is the platform's, and monitoring's to a login's token."""
    deployment = detector.deployment
    of_platform = deployment.sync()
    of_monitoring = deployment.retrieve_information()
    assert of_platform["oracle_host"] == client.connection.host
    assert "oracle_host" not in of_monitoring
    assert of_monitoring["shadow_model_version_id"] == str(detector.other)
    assert [label["name"] for label in of_monitoring["labels"]] == ["disc", "square"]


def test_a_token_that_is_good_no_more_is_replaced_by_itself(detector: Made, picture: Path) -> None:
    connection = detector.deployment.oracle_connection
    connection._jwt = "no.token.atall"
    answer = detector.deployment.monitor(picture, 0.02, 128, 192, detections())
    assert UUID(answer["id"])
    assert connection._jwt != "no.token.atall"


def test_a_login_is_good_for_its_deployment_and_for_nothing_else(
    platform: Platform, detector: Made, classifier: Made
) -> None:
    token = detector.deployment.oracle_connection.jwt
    with platform.client(token) as http:
        mine = f"/api/deployment/{detector.deployment.id}"
        assert http.get(mine).status_code == 200
        another = http.get(f"/api/deployment/{classifier.deployment.id}")
        assert another.status_code == 403
        assert "only" in another.json()["message"]
        for path in ("/api/home/ping", "/api/gateway/v1/me", f"{mine}/labels"):
            assert http.get(path).status_code == 401, path


def test_a_login_dies_with_the_token_that_logged_in(
    platform: Platform, native: httpx.Client, detector: Made
) -> None:
    made = native.post("/api/gateway/v1/tokens", json={"name": "leaver", "role": "engineer"})
    token = made.raise_for_status().json()
    leaver = Client(api_token=token["token"], host=platform.url)
    connection = leaver.get_deployment(detector.deployment.name).oracle_connection
    path = f"{platform.url}/api/deployment/{detector.deployment.id}"
    assert httpx.get(path, headers=connection.headers, timeout=60).status_code == 200
    native.delete(f"/api/gateway/v1/tokens/{token['id']}").raise_for_status()

    def refused() -> bool:
        return httpx.get(path, headers=connection.headers, timeout=60).status_code == 401

    until(refused, bool, what="the login is refused", within=60)
    with pytest.raises(UnauthorizedError):
        connection.generate_jwt()


def test_nobody_logs_in_to_what_is_not_there(platform: Platform, detector: Made) -> None:
    body = {"api_token": platform.token, "deployment_id": str(uuid4())}
    with httpx.Client(base_url=platform.url, timeout=60) as http:
        absent = http.post("/api/auth/login", content=json.dumps(body))
        assert absent.status_code == 404
        body = {"api_token": "no", "deployment_id": str(detector.deployment.id)}
        refused = http.post("/api/auth/login", content=json.dumps(body))
        assert refused.status_code == 401
        assert set(refused.json()) == {"message", "detail"}


def test_without_a_content_type_a_body_is_json(
    platform: Platform, detector: Made, encoded: str
) -> None:
    body = {
        "filename": "a.png", "content_type": "IMAGE/PNG", "height": 128, "width": 192,
        "latency": 0.1, "raw_predictions": detections().model_dump(), "image": encoded,
    }  # fmt: skip
    token = detector.deployment.oracle_connection.jwt
    with platform.client(token) as http:
        path = f"/api/deployment/{detector.deployment.id}/predictions"
        answer = http.post(path, content=json.dumps(body).encode())
    assert "content-type" not in answer.request.headers
    assert answer.status_code == 201, answer.text


def test_many_deployments_are_listed_with_a_login_each(
    client: Client, detector: Made, classifier: Made
) -> None:
    names = {deployment.name for deployment in client.list_deployments()}
    assert {detector.deployment.name, classifier.deployment.name} <= names


@shows("Client.get_deployment_by_id")
def test_a_deployment_is_found_by_its_id(client: Client, detector: Made) -> None:
    found = client.get_deployment_by_id(detector.deployment.id)
    assert found.name == detector.deployment.name
    with pytest.raises(ResourceNotFoundError):
        client.get_deployment_by_id(uuid4())


def test_a_client_of_another_organisation_sees_nothing(
    platform: Platform, native: httpx.Client, detector: Made
) -> None:
    made = native.post("/api/gateway/v1/tokens", json={"name": "reader", "role": "viewer"}).json()
    reader = Client(api_token=made["token"], host=platform.url)
    deployment = reader.get_deployment(detector.deployment.name)
    with pytest.raises(MonitorError, match="403"):
        deployment.monitor_bytes(b"", "image/png", "a.png", 0.1, 128, 192, detections())
    with pytest.raises(ForbiddenError):
        deployment.delete()


def test_the_whole_asset_is_of_the_clients_own_type(detector: Made, picture: Path) -> None:
    answer = detector.deployment.monitor(picture, 0.02, 128, 192, detections())
    asset = detector.deployment.find_predicted_asset(oracle_prediction_id=answer["id"])
    assert isinstance(asset, PredictedAsset)
    assert asset.filename == picture.name
