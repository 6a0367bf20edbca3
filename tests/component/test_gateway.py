"""The gateway: who gets in, what he may do, and what a browser is told."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from libs.api.scopes import Scope
from libs.schemas.events import JobChanged, JobState, SeriesAdvanced
from services.gateway.actions import day_token
from services.gateway.parts import Gateway
from tests.support.services import Run, RunningServices
from tests.support.waiting import WITHIN, eventually

API = "/api/gateway/v1"


async def admin_of(running: RunningServices) -> tuple[httpx.AsyncClient, UUID]:
    """A client with a token that the gateway itself has made."""
    token, organization = await day_token(running.parts(Gateway))
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=running.url, headers=headers), organization


async def test_the_first_start_prints_an_admin_token_once(
    service_runner: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    async with service_runner("gateway") as running:
        printed = capsys.readouterr().out
        token = printed.splitlines()[1]
        headers = {"Authorization": f"Bearer {token}"}
        me = await running.http.get(f"{API}/me", headers=headers)
        assert me.json()["role"] == "admin"
        assert me.json()["organization"]["name"] == "sightloop"
        assert "operate" in me.json()["scopes"]


async def test_a_bootstrap_token_is_the_admins(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "a secret of thirty-two characters or more"
    monkeypatch.setenv("SIGHTLOOP_BOOTSTRAP_TOKEN", secret)
    async with service_runner("gateway") as running:
        assert secret not in capsys.readouterr().out

        async def ask() -> int:
            headers = {"Authorization": f"Bearer {secret}"}
            return (await running.http.get(f"{API}/me", headers=headers)).status_code

        assert await eventually(ask, lambda status: status == 200) == 200


async def test_a_short_bootstrap_token_is_refused(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_BOOTSTRAP_TOKEN", "short")
    with pytest.raises(Exception, match=r"SIGHTLOOP_BOOTSTRAP_TOKEN.*32"):
        async with service_runner("gateway"):
            pass


async def test_a_token_may_do_no_more_than_its_maker_and_dies_at_once_when_revoked(
    service_runner: Run,
) -> None:
    async with service_runner("gateway") as running:
        admin, _ = await admin_of(running)
        async with admin:
            made = await admin.post(f"{API}/tokens", json={"name": "ci", "role": "viewer"})
            assert made.status_code == 201, made.text
            viewer = {"Authorization": f"Bearer {made.json()['token']}"}
            me = await admin.get(f"{API}/me", headers=viewer)
            assert me.json()["role"] == "viewer"
            refused = await admin.post(
                f"{API}/tokens", json={"name": "x", "role": "admin"}, headers=viewer
            )
            assert refused.status_code == 403
            assert refused.json()["scope"] == "tokens:write"
            beyond = running.token(Scope.TOKENS_WRITE)
            grabbed = await admin.post(
                f"{API}/tokens",
                json={"name": "x", "role": "admin"},
                headers={"Authorization": f"Bearer {beyond}"},
            )
            assert grabbed.json()["type"] == "/problems/beyond-your-own"

            gone = await admin.delete(f"{API}/tokens/{made.json()['id']}")
            assert gone.status_code == 204

            async def ask() -> int:
                return (await admin.get(f"{API}/me", headers=viewer)).status_code

            assert await eventually(ask, lambda status: status == 401) == 401
            listed = (await admin.get(f"{API}/tokens")).json()["items"]
            assert made.json()["id"] not in [token["id"] for token in listed]


async def test_a_browser_logs_in_with_a_cookie_that_other_sites_cannot_use(
    service_runner: Run,
) -> None:
    async with service_runner("gateway") as running:
        token, organization = await day_token(running.parts(Gateway))
        async with httpx.AsyncClient(base_url=running.url) as browser:
            assert (await browser.get(f"{API}/me")).status_code == 401
            wrong = await browser.post(f"{API}/session", json={"token": "nonsense"})
            assert wrong.status_code == 401
            answer = await browser.post(f"{API}/session", json={"token": token})
            assert answer.status_code == 200
            cookie = answer.headers["set-cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=strict" in cookie
            assert (await browser.get(f"{API}/me")).json()["organization"]["id"] == str(
                organization
            )
            unsafe = {"name": "ada", "email": "ada@example.org", "role": "reviewer"}
            forged = await browser.post(f"{API}/users", json=unsafe)
            assert forged.status_code == 403
            meant = await browser.post(f"{API}/users", json=unsafe, headers={"X-Sightloop": "1"})
            assert meant.status_code == 201
            again = await browser.post(f"{API}/users", json=unsafe, headers={"X-Sightloop": "1"})
            assert again.status_code == 409
            out = await browser.delete(f"{API}/session", headers={"X-Sightloop": "1"})
            assert out.status_code == 204
            assert (await browser.get(f"{API}/me")).status_code == 401


async def read_events(
    client: httpx.AsyncClient, count: int, **headers: str
) -> list[dict[str, Any]]:
    """The first `count` events of a stream, each with its id."""
    events: list[dict[str, Any]] = []
    entry: dict[str, Any] = {}
    async with client.stream("GET", f"{API}/events", headers=headers) as stream:
        async for line in stream.aiter_lines():
            name, _, value = line.partition(": ")
            if name in ("id", "event"):
                entry[name] = value
            elif name == "data":
                entry["data"] = json.loads(value)
            elif not line and "event" in entry:
                events.append(entry)
                entry = {}
                if len(events) == count:
                    break
    return events


async def test_live_updates_reach_only_their_organisation_and_resume(service_runner: Run) -> None:
    async with service_runner("gateway") as running:
        now = running.context.clock.now()
        advanced = [
            SeriesAdvanced(deployment=uuid4(), families=["volume"], until=now) for _ in range(3)
        ]
        feed = running.parts(Gateway).feed

        async def begun() -> bool:
            return feed.begun

        async def heard() -> int:
            return len(feed._listeners)

        await eventually(begun)
        listening = asyncio.create_task(read_events(running.http, 2))
        await eventually(heard)
        await running.publish(advanced[0])
        await running.publish(advanced[1], organization=uuid4())
        await running.publish(advanced[2])
        first, second = await asyncio.wait_for(listening, WITHIN)
        assert first["event"] == "series.advanced"
        # Of different keys, hence in any order.
        told = {first["data"]["deployment"], second["data"]["deployment"]}
        assert told == {str(advanced[0].deployment), str(advanced[2].deployment)}
        (missed,) = await read_events(running.http, 1, **{"Last-Event-ID": first["id"]})
        assert missed == second
        (reset,) = await read_events(running.http, 1, **{"Last-Event-ID": "gone-1"})
        assert reset["event"] == "reset"


async def test_jobs_of_every_service_are_listed(service_runner: Run) -> None:
    async with service_runner("gateway") as running:
        job = uuid4()

        def changed(revision: int, state: JobState) -> JobChanged:
            return JobChanged(
                job=job, service="metrics", kind="reference", revision=revision, state=state,
                subject="dock", done=1, total=2, message="", attempt=1,
            )  # fmt: skip

        await running.publish(changed(2, JobState.RUNNING), changed(1, JobState.QUEUED))

        async def listed() -> list[dict[str, Any]]:
            items: list[dict[str, Any]] = (await running.http.get(f"{API}/jobs")).json()["items"]
            return items

        (seen,) = await eventually(
            listed, lambda jobs: bool(jobs) and jobs[0]["state"] == "RUNNING"
        )
        assert seen["id"] == str(job)
        assert (await running.stranger.get(f"{API}/jobs")).json()["items"] == []


async def test_unknown_paths_and_unstorable_texts_are_refused(service_runner: Run) -> None:
    async with service_runner("gateway") as running:
        answer = await running.http.get("/api/nonsense/v1/x")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await running.http.get("/livez")).status_code == 200
        refused = await running.http.post(f"{API}/tokens", json={"name": "a\0b", "role": "viewer"})
        assert (refused.status_code, refused.json()["title"]) == (422, "Unprocessable Entity")
        assert "NUL" in refused.json()["detail"]

        async def ready() -> Any:
            return (await running.http.get("/readyz")).json()

        well = {"ready": True, "live": True, "unwell": []}
        assert await eventually(ready, lambda seen: seen == well) == well
        assert "sightloop_http_request_seconds" in (await running.http.get("/metrics")).text
        viewer = {"Authorization": f"Bearer {running.token(Scope.PREDICTIONS_READ)}"}
        assert (await running.http.get("/metrics", headers=viewer)).status_code == 403
