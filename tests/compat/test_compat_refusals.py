"""What is not offered ends in a clear error of the client, at once."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from picsellia import Client
from picsellia.exceptions import PicselliaError, ResourceNotFoundError
from picsellia.types.enums import ProcessingTargetType

from tests.compat.conftest import Made
from tests.compat.lines import refuses, shows

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
_SAYS = "Sightloop does not offer"


def all_refuse(calls: list[Callable[[], Any]]) -> None:
    for call in calls:
        with pytest.raises(ResourceNotFoundError, match=_SAYS):
            call()


@refuses(
    "Client.create_processing",
    "Client.list_processings",
    "Client.get_processing",
    "Client.get_public_processing",
    "Client.get_compute_connector",
    why="work is done by jobs of ours, not by images of the client's",
)
def test_there_are_no_processings(client: Client) -> None:
    all_refuse(
        [
            lambda: client.create_processing(
                "x", ProcessingTargetType.DATALAKE, 1, 0, {}, "image", "tag"
            ),
            client.list_processings,
            lambda: client.get_processing("x"),
            lambda: client.get_public_processing("x"),
            lambda: client.get_compute_connector(name="x"),
        ]
    )


@refuses(
    "Client.get_public_model",
    "Client.list_public_models",
    why="models are an organisation's own",
)
def test_there_are_no_public_models(client: Client) -> None:
    all_refuse([lambda: client.get_public_model("x"), client.list_public_models])


@refuses(
    "Client.list_annotation_campaigns",
    "Client.list_review_campaigns",
    "Deployment.create_campaign",
    why="there are no campaigns yet; the review queue serves every image once",
)
def test_there_are_no_campaigns(client: Client, detector: Made) -> None:
    all_refuse(
        [
            client.list_annotation_campaigns,
            client.list_review_campaigns,
            lambda: detector.deployment.create_campaign(description="x"),
        ]
    )


@shows("Deployment.get_campaign", differs="there is never one: NoDataError, as the client has it")
def test_no_campaign_is_found(detector: Made) -> None:
    from picsellia.exceptions import NoDataError

    with pytest.raises(NoDataError):
        detector.deployment.get_campaign()


@refuses(
    "Datalake.embeddings_computation_status",
    "Datalake.count_embeddings",
    "Datalake.list_charts",
    "Datalake.get_custom_metadata_schema",
    why="there is no visual search, no chart and no schema of metadata",
)
def test_there_is_no_visual_search(client: Client) -> None:
    datalake = client.get_datalake()
    all_refuse(
        [
            datalake.embeddings_computation_status,
            datalake.count_embeddings,
            datalake.list_charts,
            datalake.get_custom_metadata_schema,
        ]
    )


@refuses("Deployment.list_users", "Deployment.add_user", why="rights are the organisation's")
def test_a_deployment_has_no_users_of_its_own(client: Client, detector: Made) -> None:
    from types import SimpleNamespace

    all_refuse([detector.deployment.list_users])
    body = SimpleNamespace(id=uuid4())
    path = f"/api/access/deployment/{detector.deployment.id}/users"
    with pytest.raises(ResourceNotFoundError, match=_SAYS):
        client.connection.post(path, data=f'{{"user_id": "{body.id}"}}')


@shows("Client.list_users")
def test_users_are_the_organisations(client: Client, native: httpx.Client) -> None:
    name = f"ann-{uuid4().hex[:6]}"
    native.post(
        "/api/gateway/v1/users",
        json={"name": name, "email": f"{name}@example.com", "role": "reviewer"},
    ).raise_for_status()
    assert name in [user.username for user in client.list_users()]
    assert [user.username for user in client.list_users(username=name)] == [name]


def test_no_path_of_the_client_ends_in_a_fault(client: Client) -> None:
    """Whatever is asked for: a 4xx that says so, in the client's own shape."""
    for method in ("get", "xget", "post", "put", "patch", "delete"):
        for path in (
            "/api/nothing",
            f"/api/deployment/{uuid4()}/nothing",
            "/api/v2/nothing/at/all",
        ):
            with pytest.raises(PicselliaError, match=_SAYS):
                getattr(client.connection, method)(path)
