"""Predicted assets: listing, reviewing, deleting; statistics. By the published client."""

import time
from pathlib import Path

import httpx
import pytest
from picsellia import Client
from picsellia.exceptions import BadRequestError, NoDataError, ResourceNotFoundError
from picsellia.types.enums import ServiceMetrics

from sightloop.demo.api import until
from tests.compat.conftest import Made, made
from tests.compat.lines import shows
from tests.compat.test_compat_monitor import classes, detections, logged

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def filled(client: Client, native: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A detector with five predictions, an hour old, a minute apart; and one without picture."""
    from tests.support.marks import shot

    one = made(client, native, "OBJECT_DETECTION", shadow=True)
    folder = tmp_path_factory.mktemp("filled")
    began = time.time() - 3600
    for number in range(6):
        path = folder / f"image-{number}.png"
        path.write_bytes(shot(900 + number, changed=False, name=path.name).content)
        answer = one.deployment.monitor(
            path, 0.01 * (number + 1), 128, 192, detections(),
            timestamp=began + 60 * number, sample=number < 5,
            tags=["even"] * (number % 2 == 0) + ["late"] * (number > 2) or None,
        )  # fmt: skip
        logged(native, one, answer["id"])
    return one


@shows("Deployment.list_predicted_assets")
def test_assets_are_listed_by_page_and_by_order(filled: Made) -> None:
    deployment = filled.deployment
    names = [f"image-{number}.png" for number in range(5)]
    assert [a.filename for a in deployment.list_predicted_assets()] == names[::-1]
    # The client never trims: what it asked for is what it is given.
    assert [a.filename for a in deployment.list_predicted_assets(limit=2)] == names[:2:-1]
    assert [a.filename for a in deployment.list_predicted_assets(limit=2, offset=3)] == names[1::-1]
    by_name = deployment.list_predicted_assets(order_by=["filename"])
    assert [a.filename for a in by_name] == names
    slowest = deployment.list_predicted_assets(order_by=["-latency"], limit=1)
    assert [a.filename for a in slowest] == ["image-4.png"]
    some = deployment.list_predicted_assets(order_by=["filename"], limit=2, offset=1)
    assert [a.filename for a in some] == names[1:3]
    with pytest.raises(BadRequestError, match="there is no order"):
        deployment.list_predicted_assets(order_by=["colour"])


def test_assets_are_found_by_queries(filled: Made) -> None:
    """`tags.name = "a" and tags.name = "b"` has both."""
    deployment = filled.deployment

    def found(query: str) -> list[str]:
        assets = deployment.list_predicted_assets(q=query, order_by=["filename"])
        return [asset.filename for asset in assets]

    assert found('tags.name = "even" and tags.name = "late"') == ["image-4.png"]
    assert found('tags.name in ("even", "late")') == [
        f"image-{number}.png" for number in (0, 2, 3, 4)
    ]
    assert found('filename = "image-1.png" and boxes >= 3') == ["image-1.png"]
    newest = deployment.list_predicted_assets(q='labels = "disc"', limit=1)
    assert [asset.filename for asset in newest] == ["image-4.png"]
    with pytest.raises(NoDataError):
        found("boxes > 100")
    with pytest.raises(BadRequestError, match="column 1: there is no field colour"):
        found('colour = "red"')


def test_a_cursor_goes_on_where_the_page_ended(native: httpx.Client, filled: Made) -> None:
    path = f"/api/deployment/{filled.deployment.id}/predictedassets"
    seen, cursor = [], None
    while True:
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = native.get(path, params=asked).json()
        seen += [item["data"]["filename"] for item in page["items"]]
        assert page["count"] == 5
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"image-{number}.png" for number in range(4, -1, -1)]


def test_an_empty_list_is_said_to_be_empty(client: Client, native: httpx.Client) -> None:
    deployment = made(client, native, "CLASSIFICATION", shadow=False).deployment
    with pytest.raises(NoDataError):
        deployment.list_predicted_assets()


def test_an_asset_is_found_by_anything(filled: Made) -> None:
    deployment = filled.deployment
    asset = deployment.find_predicted_asset(filename="image-3.png")
    assert deployment.find_predicted_asset(id=asset.id).id == asset.id
    assert deployment.find_predicted_asset(data_id=asset.data_id).id == asset.id
    assert deployment.find_predicted_asset(object_name=asset.object_name).id == asset.id
    with pytest.raises(ResourceNotFoundError):
        deployment.find_predicted_asset(filename="image-9.png")


@shows("PredictedAsset.add_review", "PredictedAsset.get_review")
def test_a_review_is_saved_and_may_be_corrected(native: httpx.Client, filled: Made) -> None:
    deployment = filled.deployment
    disc, square = deployment.list_labels()
    asset = deployment.find_predicted_asset(filename="image-0.png")
    assert asset.get_review() is None
    asset.add_review(rectangles=[(10, 20, 30, 40, disc), (50, 60, 20, 30, square)])
    said = logged(native, filled, asset.id)
    assert said["status"] == "REVIEWED"
    assert said["review"]["shapes"]["labels"] == ["disc", "square"]
    assert said["review"]["shapes"]["boxes"] == [[10, 20, 30, 40], [50, 60, 20, 30]]
    # "Nothing is there" is the body {}.
    asset.add_review()
    assert logged(native, filled, asset.id)["review"]["shapes"]["labels"] == []
    again = deployment.find_predicted_asset(id=asset.id).get_review()
    assert again is not None
    assert (again["revision"], again["rectangles"]) == (2, [])


def test_a_wrong_review_says_what_is_wrong(filled: Made, classifier: Made) -> None:
    disc, _ = filled.deployment.list_labels()
    asset = filled.deployment.find_predicted_asset(filename="image-1.png")
    with pytest.raises(BadRequestError, match="not inside the picture"):
        asset.add_review(rectangles=[(180, 20, 30, 40, disc)])
    with pytest.raises(BadRequestError, match="another type"):
        asset.add_review(classifications=[disc])
    with pytest.raises(BadRequestError, match="another type"):
        asset.add_review(points=[([1, 2], disc)])
    stranger = classifier.deployment.list_labels()[0]
    with pytest.raises(BadRequestError, match="no such label"):
        asset.add_review(rectangles=[(10, 20, 30, 40, stranger)])


def test_a_classification_is_reviewed(
    native: httpx.Client, classifier: Made, picture: Path
) -> None:
    answer = classifier.deployment.monitor(picture, 0.1, 128, 192, classes())
    asset = classifier.deployment.find_predicted_asset(oracle_prediction_id=answer["id"])
    asset.add_review(classifications=[classifier.deployment.list_labels()[1]])
    said = logged(native, classifier, asset.id)
    assert said["review"]["shapes"]["labels"] == ["square"]


@shows("PredictedAsset.delete")
def test_a_deleted_asset_is_gone(detector: Made, picture: Path) -> None:
    answer = detector.deployment.monitor(picture, 0.1, 128, 192, detections())
    asset = detector.deployment.find_predicted_asset(oracle_prediction_id=answer["id"])
    asset.delete()
    with pytest.raises(ResourceNotFoundError):
        detector.deployment.find_predicted_asset(oracle_prediction_id=answer["id"])
    with pytest.raises(ResourceNotFoundError):
        asset.sync()


@shows(
    "Deployment.monitor_shadow",
    "Deployment.monitor_shadow_from_oracle_prediction_id",
    "PredictedAsset.get_champion_prediction",
    "PredictedAsset.get_shadow_prediction",
)
def test_a_shadow_may_answer_later_and_once(detector: Made, picture: Path) -> None:
    from picsellia.exceptions import MonitorError

    deployment = detector.deployment
    answer = deployment.monitor(picture, 0.1, 128, 192, detections())
    asset = deployment.find_predicted_asset(oracle_prediction_id=answer["id"])
    deployment.monitor_shadow(asset, 0.2, detections())

    def answered() -> object:
        return deployment.find_predicted_asset(id=asset.id).get_shadow_prediction()

    shadow = until(answered, bool, what="the shadow's answer", within=60)
    assert shadow["model_version_id"] == str(detector.other)
    assert asset.get_champion_prediction()["model_version_id"] == str(detector.version)
    with pytest.raises(MonitorError, match="already been shadow processed"):
        deployment.monitor_shadow_from_oracle_prediction_id(answer["id"], 0.2, detections())


@shows(
    "Deployment.get_stats",
    differs="the numbers are those of our dashboard, filtered by time only; the vendor's "
    "shape is not published",
)
def test_statistics_are_those_of_the_dashboard(filled: Made) -> None:
    deployment = filled.deployment

    def counted() -> object:
        said = deployment.get_stats(ServiceMetrics.AGGREGATED_PREDICTIONS_DATA, since=7200)
        return said if sum(said["deployment"]["data"]["volume"]) == 6 else None

    said = until(counted, bool, what="six predictions counted", within=60)
    assert said["deployment"]["deployment_id"] == str(deployment.id)
    one_by_one = deployment.get_stats(
        ServiceMetrics.PREDICTIONS_DATA, from_timestamp=time.time() - 7200
    )
    assert len(one_by_one["predictions"]) == 6
    for service in ServiceMetrics:
        assert "deployment" in deployment.get_stats(service, since=7200)
    refused = deployment.get_stats(ServiceMetrics.PREDICTIONS_DATA, tags=["night"])
    assert "by time only" in refused["message"]
