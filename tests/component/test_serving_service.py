"""Serving beside ingest: answers, logs both models, swaps them, and loses nothing it answered."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.api.scopes import Scope
from libs.schemas.events import (
    DeploymentChanged,
    PredictionLogged,
    PredictionShadowLogged,
    ServingLoaded,
    State,
)
from services.serving.parts import Serving
from services.serving.workers import health
from tests.component.serving_world import (
    deployment_of,
    picture,
    raising_detector,
    slow_detector,
    tiny_detector,
    version_of,
)
from tests.support.services import Run, RunningServices
from tests.support.waiting import eventually, until

JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SIGHTLOOP_SERVING_CACHE", str(folder))
    return folder


def path_of(target: DeploymentChanged) -> str:
    return f"/api/serving/v1/deployments/{target.deployment}"


async def predicted(
    running: RunningServices, target: DeploymentChanged, *, seed: int = 1, **query: Any
) -> dict[str, Any]:
    answer = await running.http.post(
        f"{path_of(target)}/predict", content=picture(seed), headers=JPEG, params=query
    )
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def state_of(running: RunningServices, target: DeploymentChanged) -> dict[str, Any]:
    answer = await running.http.get(path_of(target))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def settled(
    running: RunningServices, target: DeploymentChanged, champion: str, shadow: str | None = None
) -> dict[str, Any]:
    """The state, once champion and shadow are as they should be."""

    def good(seen: dict[str, Any]) -> bool:
        second = seen["shadow"] or {"version": None, "state": None}
        versions = [str(m.version) if m else None for m in (target.champion, target.shadow)]
        return [seen["champion"]["version"], second["version"]] == versions and [
            seen["champion"]["state"],
            second["state"],
        ] == [champion, shadow]

    return await eventually(lambda: state_of(running, target), good)


async def drained(running: RunningServices) -> None:
    """Wait until ingest has all."""
    parts: Serving = running.parts(Serving)

    async def size() -> int:
        return parts.spool.size

    await eventually(size, lambda left: left == 0)


@pytest.mark.slow
async def test_champion_answers_and_both_are_logged_together(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_SERVING_SHADOW_WAIT", "60")
    async with service_runner("ingest", "serving") as running:
        champion = await version_of(running, tiny_detector(1))
        shadow = await version_of(running, tiny_detector(2), number=2)
        target = deployment_of(champion, shadow)
        await running.publish(target)
        seen = await settled(running, target, "loaded", "loaded")
        assert seen["champion"] == {
            "version": str(champion.version), "state": "loaded", "error": None,
            "serving": str(champion.version),
        }  # fmt: skip
        assert seen["shadow"]["version"] == str(shadow.version)

        answer = await running.http.post(
            f"{path_of(target)}/predict",
            files={"image": ("belt.jpg", picture(3), "image/jpeg")},
            data={"source": "belt camera", "tags": ["x", "y", "x"]},
        )
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["model_version"] == str(champion.version)
        found = body["prediction"]
        assert len(found["detection_boxes"]) == len(found["detection_classes"]) > 0
        for top, left, bottom, right in found["detection_boxes"]:
            assert 0 <= top < bottom <= 72
            assert 0 <= left < right <= 96
        (event,) = await running.wait_for(PredictionLogged)
        logged = event.logged
        assert str(logged.prediction) == body["prediction_id"]
        assert (logged.filename, logged.source, logged.tags) == (
            "belt.jpg", "belt camera", ["x", "y"]
        )  # fmt: skip
        assert (logged.width, logged.height, logged.flags) == (96, 72, [])
        assert logged.picture is not None
        assert not logged.champion.assumed
        assert logged.champion.version == champion.version
        assert logged.champion.shapes.classes == found["detection_classes"]
        assert logged.shadow is not None
        assert logged.shadow.version == shadow.version
        assert logged.shadow.shapes != logged.champion.shapes
        told = await running.wait_for(ServingLoaded, 2)
        assert {(t.version, t.role, t.error) for t in told} == {
            (champion.version, "champion", None), (shadow.version, "shadow", None)
        }  # fmt: skip

        silent = await predicted(running, target, monitor=False)
        assert silent["prediction_id"] is None
        await predicted(running, target, tags=["z"], source="s")
        events = await running.wait_for(PredictionLogged, 2)
        assert [(e.logged.source, e.logged.tags) for e in events[1:]] == [("s", ["z"])]
        await drained(running)
        assert not running.emitted(PredictionShadowLogged)


@pytest.mark.slow
async def test_models_are_swapped_under_load_without_an_error(service_runner: Run) -> None:
    async with service_runner("ingest", "serving") as running:
        versions = [await version_of(running, tiny_detector(n), number=n) for n in (1, 2)]
        target = deployment_of(versions[0], versions[1])
        await running.publish(target)
        await settled(running, target, "loaded", "loaded")
        stop = asyncio.Event()
        said: list[str] = []

        async def client(seed: int) -> None:
            while not stop.is_set():
                said.append((await predicted(running, target, seed=seed))["model_version"])

        clients = [asyncio.create_task(client(seed)) for seed in range(4)]
        third = await version_of(running, tiny_detector(3), number=3)
        for revision, (champion, shadow) in enumerate(
            [(versions[1], None), (third, versions[1]), (versions[0], third)], start=2
        ):
            target = deployment_of(
                champion, shadow, deployment=target.deployment, revision=revision
            )
            await running.publish(target)
            seen = await settled(running, target, "loaded", "loaded" if shadow else None)
            assert seen["champion"]["serving"] == str(champion.version)
            await until(lambda: str(champion.version) in said)  # noqa: B023
        stop.set()
        await asyncio.gather(*clients)
        assert set(said) <= {str(v.version) for v in (*versions, third)}
        events = await running.wait_for(PredictionLogged, len(said))
        assert sorted(str(e.logged.champion.version) for e in events) == sorted(said)


@pytest.mark.slow
async def test_a_version_that_cannot_be_loaded_leaves_the_old_one_serving(
    service_runner: Run,
) -> None:
    async with service_runner("ingest", "serving") as running:
        champion = await version_of(running, tiny_detector(1))
        target = deployment_of(champion)
        await running.publish(target)
        await settled(running, target, "loaded")
        broken = await version_of(running, b"this is no model", number=2)
        target = deployment_of(broken, deployment=target.deployment, revision=2)
        await running.publish(target)
        seen = await settled(running, target, "failed")
        assert "not an ONNX model" in seen["champion"]["error"]
        assert seen["champion"]["version"] == str(broken.version)
        assert seen["champion"]["serving"] == str(champion.version)
        assert (await predicted(running, target))["model_version"] == str(champion.version)
        told = await running.wait_for(ServingLoaded, 2)
        assert "not an ONNX model" in str(told[1].error)

        never = deployment_of(broken)
        await running.publish(never)
        await settled(running, never, "failed")
        refused = await running.http.post(
            f"{path_of(never)}/predict", content=picture(), headers=JPEG
        )
        assert refused.status_code == 409
        assert refused.json()["type"] == "/problems/not-served"
        assert "not an ONNX model" in refused.json()["detail"]
        ready = await running.http.get("/readyz")
        assert ready.status_code == 200, ready.text


@pytest.mark.slow
async def test_a_shadow_that_raises_harms_nothing(service_runner: Run) -> None:
    async with service_runner("ingest", "serving") as running:
        champion = await version_of(running, tiny_detector(1))
        target = deployment_of(champion, await version_of(running, raising_detector(), number=2))
        await running.publish(target)
        await settled(running, target, "loaded", "loaded")
        for seed in range(3):
            await predicted(running, target, seed=seed)
        events = await running.wait_for(PredictionLogged, 3)
        assert [e.logged.shadow for e in events] == [None] * 3
        await drained(running)

        alone = deployment_of(await version_of(running, raising_detector()))
        await running.publish(alone)
        await settled(running, alone, "loaded")
        answer = await running.http.post(
            f"{path_of(alone)}/predict", content=picture(), headers=JPEG
        )
        assert answer.status_code == 500
        assert answer.json()["type"] == "/problems/model-failed"


@pytest.mark.slow
async def test_a_slow_shadow_follows_by_itself(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_SERVING_SHADOW_WAIT", "0.2")
    async with service_runner("ingest", "serving") as running:
        champion = await version_of(running, tiny_detector(1))
        slow = await version_of(running, slow_detector(150), number=2)
        target = deployment_of(champion, slow)
        await running.publish(target)
        await settled(running, target, "loaded", "loaded")
        answer = await predicted(running, target)
        (event,) = await running.wait_for(PredictionLogged)
        assert event.logged.shadow is None
        (late,) = await running.wait_for(PredictionShadowLogged)
        assert str(late.prediction) == answer["prediction_id"]
        assert late.shadow.version == slow.version
        assert late.shadow.latency > 0.2
        await drained(running)


@pytest.mark.slow
async def test_what_was_answered_while_ingest_was_away_is_logged_later(
    service_runner: Run,
) -> None:
    async with service_runner("serving") as running:
        champion = await version_of(running, tiny_detector(1))
        shadow = await version_of(running, tiny_detector(2), number=2)
        target = deployment_of(champion, shadow)
        await running.publish(target)
        await settled(running, target, "loaded", "loaded")
        answers = [await predicted(running, target, seed=seed) for seed in range(6)]
        parts: Serving = running.parts(Serving)

        async def stuck() -> bool:
            return parts.flow.since is not None

        await eventually(stuck)
        assert health(parts).ready
        organization = running.organization
    async with service_runner("ingest", "serving") as running:
        await running.publish(target, organization=organization)
        events = await running.wait_for(PredictionLogged, 6)
        await drained(running)
        assert {str(e.logged.prediction) for e in events} == {a["prediction_id"] for a in answers}

        async def with_shadow() -> int:
            late = {e.prediction for e in running.emitted(PredictionShadowLogged)}
            return len(late | {e.logged.prediction for e in events if e.logged.shadow is not None})

        await eventually(with_shadow, lambda count: count == 6)


@pytest.mark.slow
async def test_a_full_spool_refuses_before_the_model_runs(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_SERVING_SPOOL_LIMIT", str(2**20))
    async with service_runner("serving") as running:
        target = deployment_of(await version_of(running, tiny_detector(1)))
        await running.publish(target)
        await settled(running, target, "loaded")
        noise = picture(1, width=3000, height=3000)
        answer = None
        for _ in range(40):
            answer = await running.http.post(
                f"{path_of(target)}/predict", content=noise, headers=JPEG
            )
            if answer.status_code != 200:
                break
        assert answer is not None
        assert answer.status_code == 503
        assert "wait for ingest" in answer.json()["detail"]
        assert "Retry-After" in answer.headers
        assert not health(running.parts(Serving)).ready
        assert (await predicted(running, target, monitor=False))["prediction_id"] is None


@pytest.mark.slow
async def test_what_ingest_will_never_take_is_kept_aside_with_the_reason(
    service_runner: Run, cache: Path
) -> None:
    async with service_runner("ingest", "serving") as running:
        target = deployment_of(await version_of(running, tiny_detector(1)))
        await running.publish(target)
        await settled(running, target, "loaded")
        parts: Serving = running.parts(Serving)
        await predicted(running, target)
        await running.wait_for(PredictionLogged)
        gone = deployment_of(
            target.champion, deployment=target.deployment, revision=2, state=State.DELETED
        )
        from services.serving.core.entries import PredictionEntry, encode_entry

        entry = PredictionEntry(
            organization=running.organization, deployment=target.deployment, prediction=uuid4(),
            time=0.0, body={"content_type": "image/jpeg", "nonsense": 1}, picture=picture(),
        )  # fmt: skip
        await parts.spool.append(encode_entry(entry))
        await drained(running)
        await running.publish(gone)

        async def status() -> int:
            return (await running.http.get(path_of(target))).status_code

        await eventually(status, lambda code: code == 404)
        (refused,) = (cache / "spool").glob("*/refused.ndjson")
        assert str(entry.prediction) in refused.read_text()
        assert '"status": 422' in refused.read_text()


@pytest.mark.slow
async def test_more_deployments_than_may_be_loaded_take_turns(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_SERVING_LOADED_DEPLOYMENTS", "2")
    async with service_runner("ingest", "serving") as running:
        targets = [
            deployment_of(await version_of(running, tiny_detector(n), number=n)) for n in range(3)
        ]
        for target in targets[:2]:
            await running.publish(target)
            await settled(running, target, "loaded")
        await running.publish(targets[2])
        await settled(running, targets[2], "absent")
        await predicted(running, targets[0])
        await predicted(running, targets[2])
        await settled(running, targets[2], "loaded")
        await settled(running, targets[0], "loaded")
        await settled(running, targets[1], "absent")
        for target in targets * 2:
            await predicted(running, target)


async def test_wrong_requests_get_a_sentence(service_runner: Run) -> None:
    async with service_runner("serving") as running:
        target = deployment_of(await version_of(running, tiny_detector(1)))
        await running.publish(target)
        await settled(running, target, "loaded")
        path = f"{path_of(target)}/predict"

        async def status(**request: Any) -> tuple[int, list[str]]:
            answer = await running.http.post(path, **request)
            assert answer.headers["content-type"] == "application/problem+json", answer.text
            return answer.status_code, [e["where"] for e in answer.json().get("errors", [])]

        good = {"image": ("a.jpg", picture(), "image/jpeg")}
        png = {"Content-Type": "image/png"}
        assert await status(content=b"no picture", headers=JPEG) == (422, ["image"])
        assert await status(content=picture()[:300], headers=JPEG) == (422, ["image"])
        assert await status(content=picture(), headers=png) == (422, ["image"])
        assert await status(json={"image": "x"}) == (415, [])
        assert await status(data={"tags": "x"}, files={"other": b"x"}) == (422, ["image"])
        assert await status(files=good, data={"monitor": "perhaps"}) == (422, ["monitor"])
        assert await status(files=good, data={"source": "a\x00"}) == (422, ["source"])
        assert await status(files=good, data={"tags": ["a"] * 65}) == (422, ["tags"])
        unknown = f"/api/serving/v1/deployments/{UUID(int=5)}"
        assert (await running.http.get(unknown)).status_code == 404
        assert (await running.stranger.get(path_of(target))).status_code == 404
        reader = {"Authorization": f"Bearer {running.token(Scope.PREDICTIONS_READ)}"}
        refused = await running.http.post(path, content=picture(), headers=JPEG | reader)
        assert refused.status_code == 403
        stranger = await running.stranger.post(path, content=picture(), headers=JPEG)
        assert stranger.status_code == 404
