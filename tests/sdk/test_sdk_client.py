"""The client's calls: what is sent, what is tried again, and errors that say what to do."""

import os
import sys
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import pytest

import sightloop_sdk
from sightloop.dev.process import free_port
from sightloop_sdk import (
    AsyncClient,
    BadToken,
    Busy,
    Client,
    Invalid,
    InvalidPrediction,
    MissingExtra,
    MissingScope,
    NotConfigured,
    NotFound,
    NotThere,
    Prediction,
    Record,
    Retry,
    ServerFault,
    SightloopError,
    Unreachable,
    classification,
    detections,
)
from sightloop_sdk.errors import error_of
from sightloop_sdk.ids import uuid7
from tests.sdk.stub import DEPLOYMENT, INFO, Stub, serving

ANSWER = detections([[1, 2, 3, 4]], [0.5], [1])
QUICK = Retry(attempts=4, first=0.01, most=0.02)


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving(Stub()) as running:
        yield running


@pytest.fixture
def client(stub: Stub) -> Iterator[Client]:
    with Client(stub.url, "secret token", retry=QUICK) as made:
        yield made


def test_the_call_of_the_vendors_client_works_by_position(stub: Stub, client: Client) -> None:
    deployment = client.deployment(DEPLOYMENT)
    logged = deployment.monitor(
        None, 0.02, 48, 64, ANSWER, source="dock", tags=["a"], timestamp=1_700_000_000.5,
        shadow_latency=0.03, shadow_raw_predictions=ANSWER, metadata={"n": 1}, sample=False,
    )  # fmt: skip
    sent = stub.stored[str(logged.id)]
    assert sent["prediction"] == sent["shadow_prediction"]
    assert sent == {
        "prediction_id": str(logged.id), "filename": f"{logged.id}.jpg",
        "content_type": "image/jpeg", "height": 48, "width": 64, "latency": 0.02,
        "prediction": sent["prediction"], "source": "dock", "tags": ["a"],
        "timestamp": 1_700_000_000.5, "shadow_latency": 0.03,
        "shadow_prediction": sent["shadow_prediction"], "metadata": {"n": 1}, "sample": False,
    }  # fmt: skip
    assert stub.requests == [("POST", f"/api/ingest/v1/deployments/{DEPLOYMENT}/predictions")]


def test_a_list_is_fetched_a_page_at_a_time(stub: Stub, client: Client) -> None:
    def page(path: str) -> dict[str, Any]:
        first = "cursor=2" not in path
        return {"items": [INFO] * 2, "next_cursor": "2" if first else None}

    stub.document = page
    listing = client.deployments()
    assert listing.first() is not None
    assert len(stub.requests) == 1
    rows = listing.to_rows()
    assert [row["name"] for row in rows] == ["belt"] * 4
    assert len(stub.requests) == 3


def test_a_list_becomes_a_table_of_pandas(stub: Stub, client: Client) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed: an extra")
    stub.document = {"items": [INFO] * 2, "next_cursor": None}
    assert list(client.deployments().to_pandas()["name"]) == ["belt", "belt"]


def test_changes_go_on_where_the_connection_broke_off(stub: Stub, client: Client) -> None:
    data = b'{"subject": "s", "time": "2026-11-21T10:00:00Z"}'
    whole = b"retry: 2000\n\nid: a-1\nevent: prediction.reviewed\ndata: " + data + b"\n\n: here\n\n"
    pieces = [whole, b"id: a-2\nevent: reset\ndata: {}\n\nid: a-3\nevent: torn"]
    stub.document = lambda _: pieces[min(len(stub.resumed), 2) - 1]
    changes = client.watch(DEPLOYMENT)
    first, second, third = (next(changes) for _ in range(3))
    assert (first.kind, first.subject) == ("prediction.reviewed", "s")
    assert first.time is not None
    assert [one.kind for one in (second, third)] == ["reset", "reset"]
    assert stub.resumed == [None, "a-1", "a-2"]
    changes.close()  # type: ignore[attr-defined]


def test_a_name_is_looked_up_and_a_wrong_one_names_the_right_ones(
    stub: Stub, client: Client
) -> None:
    stub.document = {"items": [INFO], "next_cursor": None}
    assert client.deployment("belt").id == DEPLOYMENT
    with pytest.raises(NotThere, match="no deployment 'dock'; there is: 'belt'"):
        client.deployment("dock")


def test_what_is_busy_is_tried_again_under_one_id(stub: Stub, client: Client) -> None:
    seen: list[str] = []

    def busy_twice(line: dict[str, Any]) -> int | None:
        seen.append(line["prediction_id"])
        return 503 if len(seen) < 3 else None

    stub.line_fault = busy_twice
    logged = client.deployment(DEPLOYMENT).monitor(None, 0.01, 10, 10, ANSWER)
    assert seen == [str(logged.id)] * 3


def test_what_stays_busy_is_told(stub: Stub, client: Client) -> None:
    stub.line_fault = lambda _: 503
    with pytest.raises(Busy, match="try again later"):
        client.deployment(DEPLOYMENT).monitor(None, 0.01, 10, 10, ANSWER)
    assert len(stub.requests) == QUICK.attempts
    bulk = client.deployment(DEPLOYMENT).monitor_many([Record(None, 0.01, 10, 10, ANSWER)])
    assert isinstance(bulk.rejected[0].error, Busy)


def test_a_server_that_is_away_says_where_and_what_to_do() -> None:
    with Client(f"http://127.0.0.1:{free_port()}", "t", retry=QUICK) as client:
        with pytest.raises(Unreachable, match=r"127.0.0.1:\d+ cannot be reached .*Check"):
            client.me()


def test_many_are_logged_and_each_wrong_one_is_told(stub: Stub, client: Client) -> None:
    stub.line_fault = lambda line: 422 if line.get("source") == "wrong" else None
    good, wrong = Record(None, 0.01, 10, 10, ANSWER), Record(None, 0.01, 10, 10, object())
    refused = Record(None, 0.01, 10, 10, ANSWER, source="wrong")
    bulk = client.deployment(DEPLOYMENT).monitor_many([good, wrong, refused, *[good] * 2000])
    assert len(bulk.accepted) == len(stub.stored) == 2001
    assert [one.index for one in bulk.rejected] == [1, 2]
    assert [type(one.error) for one in bulk.rejected] == [InvalidPrediction, Invalid]
    assert max(stub.batches) <= 1000


def test_extras_that_are_missing_say_how_to_install_them(
    stub: Stub, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIL", "rich", "pandas"):
        monkeypatch.setitem(sys.modules, name, None)
    deployment = client.deployment(DEPLOYMENT)
    with pytest.raises(MissingExtra, match=r"sightloop-sdk\[pictures\]"):
        deployment.monitor(np.zeros((4, 4, 3), np.uint8), latency=0.01, prediction=ANSWER)
    with pytest.raises(MissingExtra, match=r"sightloop-sdk\[progress\]"):
        deployment.monitor_many([], progress=True)
    with pytest.raises(MissingExtra, match=r"sightloop-sdk\[pandas\]"):
        deployment.predictions().to_pandas()


def test_a_bar_is_shown_where_it_is_wanted(
    stub: Stub, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [Record(None, 0.01, 10, 10, ANSWER)] * 3
    client.deployment(DEPLOYMENT).monitor_many(records)
    assert capsys.readouterr().out == ""
    client.deployment(DEPLOYMENT).monitor_many(records, progress=True)
    assert "3/3" in capsys.readouterr().out


async def test_the_async_client_does_the_same(stub: Stub) -> None:
    async with AsyncClient(stub.url, "t", retry=QUICK) as client:
        deployment = await client.deployment(DEPLOYMENT)
        logged = await deployment.monitor(None, 0.01, 10, 10, ANSWER)
        bulk = await deployment.monitor_many(Record(None, 0.01, 10, 10, ANSWER) for _ in range(5))
        assert {str(logged.id), *map(str, bulk.accepted)} == set(stub.stored)
        stub.answer = 401
        with pytest.raises(BadToken):
            await deployment.monitor(None, 0.01, 10, 10, ANSWER)


def test_wrong_arguments_are_refused_before_anything_is_sent(stub: Stub, client: Client) -> None:
    deployment = client.deployment(DEPLOYMENT, task="OBJECT_DETECTION", labels=["bolt"])
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("prediction is missing", {}),
        ("latency must be seconds", {"latency": float("nan")}),
        ("latency must be seconds", {"latency": None}),
        ("there is no picture", {"height": None}),
        ("prediction_id must be a UUID", {"prediction_id": "7"}),
        ("no time zone", {"timestamp": datetime(2026, 1, 1)}),  # noqa: DTZ001
        ("cannot be written as JSON", {"metadata": {"a": object()}}),
        ("needs shadow_latency", {"shadow_raw_predictions": ANSWER}),
    ]
    for why, changes in wrong:
        given: dict[str, Any] = {
            "latency": 0.1,
            "height": 5,
            "width": 5,
            "prediction": ANSWER,
        } | changes
        if not changes:
            del given["prediction"]
        with pytest.raises(InvalidPrediction, match=why):
            deployment.monitor(None, **given)
    with pytest.raises(TypeError, match="surce"):
        deployment.monitor(None, 0.1, 5, 5, ANSWER, surce="typing error")  # type: ignore[call-arg]
    assert stub.requests == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, BadToken), (403, MissingScope), (404, NotFound), (422, Invalid), (503, Busy),
     (500, ServerFault)],
)  # fmt: skip
def test_problem_documents_become_errors_by_type(status: int, kind: type[SightloopError]) -> None:
    document = {
        "type": "/problems/a-name", "title": "T", "status": status, "detail": "what is wrong",
        "errors": [{"where": f"boxes[{n}]", "what": "bad"} for n in range(7)], "trace": "ab",
    }  # fmt: skip
    error = error_of(status, msgspec.json.encode(document))
    assert type(error) is kind
    assert (error.name, error.detail, error.trace) == ("a-name", "what is wrong", "ab")
    assert len(error.errors) == 7
    assert "boxes[0]: bad" in str(error)
    assert "and 2 more" in str(error)
    page = error_of(status, b"<html>a proxy's page</html>")
    assert type(page) is kind
    assert f"HTTP {status}" in str(page)


def test_an_answer_that_is_not_sightloops_says_so(stub: Stub, client: Client) -> None:
    stub.document = ["something else"]
    with pytest.raises(SightloopError, match="did not answer as Sightloop does"):
        client.me()


def test_the_token_is_shown_nowhere(client: Client) -> None:
    deployment = client.deployment(DEPLOYMENT)
    shown = [repr(client), repr(deployment), repr(client._transport.access), str(vars(deployment))]
    assert not [text for text in shown if "secret token" in text]


def test_address_and_token_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGHTLOOP_URL", raising=False)
    monkeypatch.delenv("SIGHTLOOP_TOKEN", raising=False)
    with pytest.raises(NotConfigured, match="SIGHTLOOP_URL"):
        Client()
    monkeypatch.setenv("SIGHTLOOP_URL", "localhost:8000")
    with pytest.raises(NotConfigured, match="http://"):
        Client(token="t")
    monkeypatch.setenv("SIGHTLOOP_URL", "http://localhost:8000/")
    with pytest.raises(NotConfigured, match="SIGHTLOOP_TOKEN"):
        Client()
    monkeypatch.setenv("SIGHTLOOP_TOKEN", "t")
    assert repr(Client()) == "Client('http://localhost:8000')"


def test_a_forked_child_does_not_speak_on_its_parents_connection(
    stub: Stub, client: Client
) -> None:
    deployment = client.deployment(DEPLOYMENT)
    deployment.monitor(None, 0.01, 10, 10, ANSWER)
    before = client._transport._client()
    child = os.fork()
    if child == 0:
        os._exit(0 if client._transport._client() is not before else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert client._transport._client() is before


def test_ids_sort_by_time_and_are_version_7() -> None:
    made = [uuid7(1_700_000_000 + n) for n in range(5)]
    assert made == sorted(made)
    assert {one.version for one in made} == {7}
    assert {one.variant for one in made} == {UUID(int=made[0].int).variant}
    assert len({uuid7(1.0) for _ in range(1000)}) == 1000


def test_the_surface_is_listed_sorted_and_documented() -> None:
    names = sightloop_sdk.__all__
    assert names == sorted(names)
    for name in names:
        doc = getattr(sightloop_sdk, name).__doc__
        assert doc, name
        assert not doc.startswith(f"{name}("), name


def test_it_is_typed_and_needs_at_most_three_others() -> None:
    root = Path(sightloop_sdk.__file__).parent
    project = tomllib.loads((root.parent / "pyproject.toml").read_text())["project"]
    assert len(project["dependencies"]) <= 3
    assert project["requires-python"] == ">=3.10"
    assert (root / "py.typed").exists()


def test_a_classifiers_answer_has_a_score_for_each_class() -> None:
    made = classification([0.2, 0.8])
    assert made == Prediction(detection_classes=[0, 1], detection_scores=[0.2, 0.8])
    assert len(made) == 2
