"""The monitor endpoint: accepted means durable, twice means once, wrong means a clear answer."""

import asyncio
import base64
import io
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from PIL import Image

from libs.api.scopes import Scope
from libs.schemas.events import DeploymentChanged, PredictionLogged, PredictionShadowLogged, State
from libs.schemas.values import DeployedModel, TaskType
from tests.support.services import Run, RunningServices
from tests.support.waiting import eventually


def deployed(task: TaskType = TaskType.OBJECT_DETECTION, **more: Any) -> DeploymentChanged:
    """A deployment that somebody else has made."""
    champion = DeployedModel(
        version=uuid4(), model=uuid4(), name="m", number=1, threshold=0.4, labels=["a", "b", "c"]
    )
    return DeploymentChanged(
        deployment=uuid4(), revision=1, name="dock", type=task, state=State.ACTIVE,
        champion=champion, **more,
    )  # fmt: skip


def body(**changes: Any) -> dict[str, Any]:
    """A good prediction."""
    return {
        "filename": "a.png",
        "content_type": "image/png",
        "height": 48,
        "width": 64,
        "latency": 0.02,
        "prediction": {
            "detection_classes": [0, 2],
            "detection_scores": [0.9, 0.5],
            "detection_boxes": [[1, 2, 20, 30], [5, 5, 9, 9]],
        },
    } | changes


def png(width: int = 64, height: int = 48) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (40, 90, 140)).save(out, "PNG")
    return out.getvalue()


async def ledger(running: RunningServices, deployment: UUID) -> dict[str, Any]:
    answer = await running.http.get(f"/api/ingest/v1/deployments/{deployment}/ledger")
    found: dict[str, Any] = answer.json()
    return found


async def balance(running: RunningServices, deployment: UUID, **terms: Any) -> None:
    """Return when the books balance with these terms, nothing being under way any more."""
    done = {"in_flight": 0, "missing": 0, "dead_lettered": 0, "balanced": True}
    wanted = done | terms
    await eventually(
        lambda: ledger(running, deployment), lambda books: wanted.items() <= books.items()
    )


async def test_a_prediction_is_logged_once_however_often_it_is_sent(service_runner: Run) -> None:
    async with service_runner("ingest") as running:
        deployment = deployed()
        await running.publish(deployment)
        path = f"/api/ingest/v1/deployments/{deployment.deployment}/predictions"
        picture = base64.b64encode(png()).decode()
        named = body(prediction_id=str(uuid4()), image=picture, tags=["x"])
        first = await running.http.post(path, json=named)
        again = await running.http.post(path, json=named)
        keyed = [
            await running.http.post(path, json=body(), headers={"Idempotency-Key": "frame 7"})
            for _ in range(2)
        ]
        assert [a.status_code for a in (first, again, *keyed)] == [201] * 4
        assert first.json() == again.json()
        assert keyed[0].json() == keyed[1].json()

        await balance(
            running,
            deployment.deployment,
            received=4,
            stored=2,
            duplicate=2,
            rejected=0,
            rejected_by_reason={},
        )
        logged = await running.wait_for(PredictionLogged, 4)
        assert logged[0].logged.champion.assumed
        assert logged[0].logged.champion.shapes.boxes == [(2, 1, 28, 19), (5, 5, 4, 4)]

        data = first.json()["data"]
        shown = await running.http.get(f"/api/ingest/v1/data/{data}")
        assert shown.json()["tags"] == ["x"]
        assert shown.json()["source"] == "serving"
        whole = await running.http.get(f"/api/ingest/v1/data/{data}/picture")
        assert whole.content == png()
        small = await running.http.get(f"/api/ingest/v1/data/{data}/picture?size=32")
        assert Image.open(io.BytesIO(small.content)).size == (32, 24)


async def test_multipart_and_a_batch_say_the_same_as_json(service_runner: Run) -> None:
    async with service_runner("ingest") as running:
        deployment = deployed()
        await running.publish(deployment)
        path = f"/api/ingest/v1/deployments/{deployment.deployment}/predictions"
        parts = {"image": ("a.png", png(), "image/png")}
        multipart = await running.http.post(
            path, data={"prediction": json.dumps(body())}, files=parts
        )
        assert multipart.status_code == 201, multipart.text

        wrong = body(prediction={"detection_classes": [7], "detection_scores": [0.5]})
        lines = [json.dumps(body()), json.dumps(wrong), "{", json.dumps(body())]
        answer = await running.http.post(
            f"{path}/batch",
            content="\n".join(lines),
            headers={"Content-Type": "application/x-ndjson"},
        )
        results = [json.loads(line) for line in answer.text.splitlines()]
        assert [r["status"] for r in results] == [201, 422, 400, 201]
        where = [error["where"] for error in results[1]["problem"]["errors"]]
        assert where == ["prediction.detection_boxes", "prediction.detection_classes[0]"]
        await balance(
            running,
            deployment.deployment,
            received=5,
            stored=3,
            duplicate=0,
            rejected=2,
            rejected_by_reason={"invalid-prediction": 1, "malformed": 1},
        )


async def test_a_shadow_comes_later_and_only_once(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_INGEST_DEPLOYMENT_WAIT", "60")
    async with service_runner("ingest") as running:
        deployment = deployed()
        await running.publish(deployment)
        path = f"/api/ingest/v1/deployments/{deployment.deployment}/predictions"
        prediction = (await running.http.post(path, json=body())).json()["id"]
        shadow = {
            "latency": 0.03,
            "model_version": str(uuid4()),
            "prediction": {
                "detection_classes": [1],
                "detection_scores": [0.8],
                "detection_boxes": [[0, 0, 10, 10]],
            },
        }
        first = await running.http.post(f"{path}/{prediction}/shadow", json=shadow)
        second = await running.http.post(f"{path}/{prediction}/shadow", json=shadow)
        assert first.status_code == 201, first.text
        assert second.status_code == 409
        assert second.json()["type"] == "/problems/shadow-already-logged"
        (told,) = await running.wait_for(PredictionShadowLogged)
        assert told.shadow.shapes.classes == [1]


async def test_wrong_elements_are_named(service_runner: Run) -> None:
    async with service_runner("ingest") as running:
        deployment = deployed()
        await running.publish(deployment)
        path = f"/api/ingest/v1/deployments/{deployment.deployment}/predictions"

        async def refused(sent: Any, status: int = 422) -> list[str]:
            content = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
            answer = await running.http.post(path, content=content)
            assert answer.status_code == status, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            return [error["where"] for error in answer.json()["errors"]]

        good = body()["prediction"]
        assert await refused(b"{nonsense", 400) == ["body"]
        assert await refused(body(latency=-1)) == ["latency"]
        assert await refused(body(filename="a\x00.png")) == ["body"]
        assert await refused(body(metadata={"camera": "\x00"})) == ["body"]
        assert await refused(body(colour="red")) == ["body"]
        assert await refused(body(prediction=good | {"detection_scores": [0.9, 1.8]})) == [
            "prediction.detection_scores[1]"
        ]
        assert await refused(body(prediction=good | {"detection_scores": [0.9, None]})) == [
            "prediction.detection_scores[1]"
        ]
        assert await refused(
            body(prediction=good | {"detection_boxes": [[1, 2, 3], [1, 2, 3, 4]]})
        ) == ["prediction.detection_boxes[0]"]
        lying = base64.b64encode(b"GIF89a" + bytes(100)).decode()
        assert await refused(body(image=lying)) == ["image"]
        half = base64.b64encode(png(640, 480)[:200]).decode()
        assert await refused(body(image=half)) == ["image"]
        assert await refused(body(image="no base64!")) == ["image"]


async def test_inverted_and_outlying_boxes_are_kept_and_flagged(service_runner: Run) -> None:
    async with service_runner("ingest") as running:
        deployment = deployed()
        await running.publish(deployment)
        boxes = {"detection_boxes": [[40, 20, 10, 10], [-5, -5, 100, 100]]}
        sent = body(prediction=body()["prediction"] | boxes)
        path = f"/api/ingest/v1/deployments/{deployment.deployment}/predictions"
        assert (await running.http.post(path, json=sent)).status_code == 201
        (event,) = await running.wait_for(PredictionLogged)
        assert event.logged.flags == ["inverted_boxes", "clipped_boxes"]
        assert event.logged.champion.shapes.boxes == [(10, 10, 10, 30), (0, 0, 64, 48)]


async def test_a_deployment_made_a_moment_later_is_waited_for(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_INGEST_DEPLOYMENT_WAIT", "60")
    async with service_runner("ingest") as running:
        deployment = deployed()
        path = f"/api/ingest/v1/deployments/{deployment.deployment}/predictions"
        sending = asyncio.create_task(running.http.post(path, json=body()))
        await running.publish(deployment)
        assert (await sending).status_code == 201


async def test_nobody_else_gets_in(service_runner: Run) -> None:
    async with service_runner("ingest") as running:
        deployment = deployed()
        await running.publish(deployment)
        path = f"/api/ingest/v1/deployments/{deployment.deployment}/predictions"
        made = (
            await running.http.post(path, json=body(image=base64.b64encode(png()).decode()))
        ).json()
        await eventually(
            lambda: ledger(running, deployment.deployment), lambda books: books["stored"] == 1
        )
        unknown = f"/api/ingest/v1/deployments/{uuid4()}/predictions"
        assert (await running.http.post(unknown, json=body())).status_code == 404
        assert (await running.stranger.post(path, json=body())).status_code == 404
        for foreign in (f"data/{made['data']}", f"data/{made['data']}/picture"):
            assert (await running.stranger.get(f"/api/ingest/v1/{foreign}")).status_code == 404
        reader = {"Authorization": f"Bearer {running.token(Scope.PREDICTIONS_READ)}"}
        async with httpx.AsyncClient(base_url=running.url) as nobody:
            assert (await nobody.post(path, json=body())).status_code == 401
            refused = await nobody.post(path, json=body(), headers=reader)
            assert refused.status_code == 403
            assert refused.json()["scope"] == "predictions:write"
            forged = {
                "Authorization": "Bearer " + running.token(Scope.PREDICTIONS_WRITE)[:-4] + "AAAA"
            }
            assert (await nobody.post(path, json=body(), headers=forged)).status_code == 401
