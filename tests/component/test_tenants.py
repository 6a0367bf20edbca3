"""Nobody sees or moves what is another organisation's: every route of every service is tried."""

import base64
import json
import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from libs.schemas.events import DeploymentChanged
from sightloop.targets import SERVICES
from tests.component.test_ingest_monitor import png
from tests.support.networks import backbone
from tests.support.services import Run, RunningServices
from tests.support.waiting import eventually

_LISTS_OF_MY_OWN = re.compile(r"/api/\w+/v1/[a-z-]+$")
# What operators see, whose scope no organisation's admin has by default.
_OF_THE_PLATFORM = ("/api/gateway/v1/dead-letters", "/api/gateway/v1/consumers")
_HARMLESS = {"GET", "HEAD"}


async def made(running: RunningServices) -> dict[str, str]:
    """One of everything that has an id, by the name of its path parameter."""
    http = running.http

    async def post(path: str, body: Any = None, **rest: Any) -> Any:
        answer = await http.post(path, json=body, **rest)
        assert answer.is_success, answer.text
        return answer.json()

    dataset = (await post("/api/feedback/v1/datasets", {"name": "d"}))["id"]
    version = (
        await post(
            f"/api/feedback/v1/datasets/{dataset}/versions",
            {"version": "1", "type": "OBJECT_DETECTION", "labels": ["a", "b"]},
        )
    )["id"]
    project = (await post("/api/trainer/v1/projects", {"name": "p"}))["id"]
    began = await post(f"/api/trainer/v1/projects/{project}/experiments/external", {"name": "e"})
    model = (await post("/api/deployer/v1/models", {"name": "m", "type": "OBJECT_DETECTION"}))["id"]
    document = json.dumps({"labels": ["a", "b"]})
    model_version = (
        await post(
            f"/api/deployer/v1/models/{model}/versions",
            files={"version": (None, document, "application/json")},
        )
    )["id"]
    deployment = (
        await post("/api/deployer/v1/deployments", {"name": "x", "model_version": model_version})
    )["id"]
    await running.known(DeploymentChanged, deployment)
    rule = await post(
        f"/api/metrics/v1/deployments/{deployment}/alert-rules",
        {
            "name": "quiet",
            "metric": "volume",
            "operator": "<",
            "threshold": 1,
            "window_minutes": 5,
            "for_minutes": 60,
        },
    )
    embeds = await running.http.post(
        "/api/metrics/v1/backbones",
        data={"name": "tiny"},
        files={"file": ("net.onnx", backbone(), "application/octet-stream")},
    )
    assert embeds.status_code == 201, embeds.text
    receiver = await post(
        "/api/gateway/v1/receivers",
        {"kind": "WEBHOOK", "name": "w", "target": "https://8.8.8.8/", "enabled": False},
    )
    logged = await post(
        f"/api/ingest/v1/deployments/{deployment}/predictions",
        {
            "filename": "a.png", "content_type": "image/png", "height": 48, "width": 64,
            "latency": 0.1, "image": base64.b64encode(png()).decode(),
            "prediction": {
                "detection_classes": [0], "detection_scores": [0.9],
                "detection_boxes": [[1, 2, 20, 30]],
            },
        },
    )  # fmt: skip

    async def listed() -> int:
        path = f"/api/review/v1/deployments/{deployment}/predictions"
        return len((await http.get(path)).json().get("items", []))

    await eventually(listed)

    async def added() -> bool:
        path = f"/api/feedback/v1/versions/{version}/additions"
        return (await http.post(path, json={"images": [logged["data"]]})).is_success

    await eventually(added)

    async def assets() -> list[str]:
        path = f"/api/feedback/v1/versions/{version}/assets"
        return [item["id"] for item in (await http.get(path)).json()["items"]]

    (asset,) = await eventually(assets)
    return {
        "dataset": dataset, "project": project, "model": model, "deployment": deployment,
        "prediction": logged["id"], "data": logged["data"], "experiment": began["id"],
        "job": str(uuid4()), "registration": str(uuid4()), "tag": str(uuid4()),
        "token": str(uuid4()), "user": str(uuid4()),
        "rule": rule["id"], "backbone": embeds.json()["id"],
        "receiver": receiver["id"], "delivery": str(uuid4()),
        "letter": "0:999999", "consumer": "nobody.nothing",
        "asset": asset, "layout": "yolo",
        "feedback version": version, "deployer version": model_version, "name": "model-latest",
    }  # fmt: skip


def filled(path: str, ids: dict[str, str]) -> str:
    service = path.split("/")[2]

    def value(match: re.Match[str]) -> str:
        name = match[1]
        return ids.get(f"{service} {name}") or ids[name]

    return re.sub(r"\{(\w+)\}", value, path)


async def test_what_is_anothers_does_not_exist(service_runner: Run) -> None:
    async with service_runner(*SERVICES) as running:
        ids = await made(running)
        document = (await running.http.get("/api/openapi.json")).json()
        tried, seen = 0, []
        for template, methods in document["paths"].items():
            if "{" not in template:
                continue
            for method in methods:
                path = filled(template, ids)
                body = {} if method in ("post", "put", "patch") else None
                answer = await running.stranger.request(
                    method.upper(), path, json=body, headers={"If-Match": '"0"'},
                    params={"base": ids["feedback version"], "kind": "added"}
                    if "difference" in path
                    else None,
                )  # fmt: skip
                tried += 1
                allowed = {404} if method == "get" else {400, 404, 409, 415, 422}
                if answer.status_code not in allowed:
                    seen.append(f"{method} {template}: {answer.status_code} {answer.text[:99]}")
        assert tried > 60
        assert seen == []
        mine = await running.http.get(f"/api/deployer/v1/deployments/{ids['deployment']}")
        assert mine.json()["state"] == "ACTIVE"


async def test_lists_hold_only_what_is_mine(service_runner: Run) -> None:
    async with service_runner(*SERVICES) as running:
        ids = await made(running)
        document = (await running.http.get("/api/openapi.json")).json()
        lists = [
            path
            for path, methods in document["paths"].items()
            if "get" in methods and _LISTS_OF_MY_OWN.match(path)
        ]
        shown: dict[str, str] = {}
        since = (running.context.clock.now() - timedelta(hours=1)).isoformat()
        for path in lists:
            if path in ("/api/gateway/v1/events", "/api/gateway/v1/me", *_OF_THE_PLATFORM):
                continue
            params = {"since": since} if path.endswith("/rejections") else None
            answer = await running.stranger.get(path, params=params)
            assert answer.status_code == 200, f"{path}: {answer.text}"
            if answer.json()["items"]:
                shown[path] = answer.text
        assert shown == {}
        assert UUID(ids["deployment"])


async def test_no_token_no_answer(service_runner: Run) -> None:
    async with service_runner(*SERVICES) as running:
        document = (await running.http.get("/api/openapi.json")).json()
        ids = {name: str(uuid4()) for name in (
            "dataset", "project", "model", "deployment", "prediction", "data", "experiment",
            "job", "token", "user", "version", "name", "letter", "consumer", "rule",
            "receiver", "backbone", "delivery", "registration", "tag", "asset", "layout",
        )}  # fmt: skip
        answered = []
        for template, methods in document["paths"].items():
            for method in methods:
                if (method, template) == ("post", "/api/gateway/v1/session"):
                    continue
                answer = await running.http.request(
                    method.upper(), filled(template, ids), headers={"Authorization": "Bearer no"}
                )
                if answer.status_code != 401:
                    answered.append(f"{method.upper()} {template}: {answer.status_code}")
        assert answered == []
