"""Receivers are told: signed, once, again after failures, never at an address of our own."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.schemas.envelope import Meta, encode
from libs.schemas.events import AlertFired, AlertResolved, Severity
from libs.schemas.ids import uuid7
from services.gateway.parts import Gateway
from tests.component import metrics_world as world
from tests.support.receivers import hooks, mailbox
from tests.support.services import Run, RunningServices
from tests.support.waiting import eventually

API = "/api/gateway/v1"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLOOP_GATEWAY_DELIVERY_NETWORKS", '["127.0.0.0/8"]')
    monkeypatch.setenv("SIGHTLOOP_GATEWAY_DELIVERY_PAUSE", "0.05")
    monkeypatch.setenv("SIGHTLOOP_GATEWAY_DELIVERY_TRIES", "3")


def fired(deployment: UUID, *, severity: Severity = Severity.CRITICAL) -> AlertFired:
    now = datetime.now(UTC)
    return AlertFired(
        alert=uuid4(),
        deployment=deployment,
        kind="metric",
        severity=severity,
        since=now,
        fired_time=now,
        text="latency.champion.p95 is 3, above 1",
    )


def resolved(alert: AlertFired) -> AlertResolved:
    return AlertResolved(
        alert=alert.alert,
        deployment=alert.deployment,
        kind=alert.kind,
        severity=alert.severity,
        since=alert.since,
        fired_time=alert.fired_time,
        resolved_time=datetime.now(UTC),
        text="it is 0.1 again",
    )


async def made(running: RunningServices, **fields: Any) -> dict[str, Any]:
    body = {"kind": "WEBHOOK", "name": "us"} | fields
    answer = await running.http.post(f"{API}/receivers", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def log_of(running: RunningServices, receiver: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await running.http.get(f"{API}/receivers/{receiver['id']}/deliveries")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def settled(
    running: RunningServices, receiver: dict[str, Any], *states: str
) -> list[dict[str, Any]]:
    """The log of a receiver once it has deliveries in just these states, newest first."""

    async def look() -> list[dict[str, Any]]:
        return await log_of(running, receiver)

    return await eventually(look, lambda log: [one["state"] for one in log] == list(states))


def check_signature(secret: str, request: tuple[str, dict[str, str], bytes]) -> None:
    _, headers, body = request
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"


@pytest.mark.slow
async def test_a_webhook_gets_each_alert_once_signed_and_again_after_failures(
    service_runner: Run,
) -> None:
    async with service_runner("gateway") as running, hooks() as server:
        of = world.deployment(name="Dock")
        await running.publish(of)
        server.answers += [(500, ""), (302, "Location: http://127.0.0.1:1/\r\n")]
        mine = await made(running, target=f"{server.url}/hook?a=1")
        other = await made(running, target=f"{server.url}/no", deployments=[str(uuid4())])
        loud = await made(running, target=f"{server.url}/loud", least_severity="CRITICAL")
        assert mine["secret"].startswith("whsec_")
        alert = fired(of.deployment, severity=Severity.WARNING)
        now = running.context.clock.now()
        meta = Meta(id=uuid7(now), source="/test", time=now, organization=running.organization)
        # The bus may deliver a record as often as it likes.
        message = encode(alert, meta)
        await running.context.bus.sink.publish([message, message])
        await running.context.bus.sink.publish([message])

        (told,) = await settled(running, mine, "DELIVERED")
        assert [one["status"] for one in told["tried"]] == [204, 302, 500]
        assert told["text"] == "Dock: WARNING: latency.champion.p95 is 3, above 1"
        assert [path for path, _, _ in server.requests] == ["/hook?a=1"] * 3
        for request in server.requests:
            check_signature(mine["secret"], request)
            assert request[1]["content-type"] == "application/cloudevents+json"
            assert request[1]["webhook-id"] == str(meta.id)
            assert request[1]["host"] == server.url.removeprefix("http://")
        document = json.loads(server.requests[0][2])
        assert document["type"] == "sightloop.alert.fired.v1"
        assert document["data"]["alert"] == str(alert.alert)

        # Asked for again, it goes again under the same id; with the new secret.
        renewed = await running.http.post(f"{API}/receivers/{mine['id']}/secret")
        assert renewed.json()["secret"] != mine["secret"]
        again = await running.http.post(f"{API}/deliveries/{told['id']}/resend")
        assert again.status_code == 202

        async def tried() -> int:
            (one,) = await log_of(running, mine)
            return len(one["tried"]) if one["state"] == "DELIVERED" else 0

        await eventually(tried, lambda count: count == 4)
        check_signature(renewed.json()["secret"], server.requests[-1])
        assert server.requests[-1][1]["webhook-id"] == str(meta.id)

        # Only what is severe enough, and only of the deployments asked for.
        worse = fired(of.deployment)
        await running.publish(worse, resolved(worse))
        await settled(running, loud, "DELIVERED", "DELIVERED")
        await settled(running, mine, "DELIVERED", "DELIVERED", "DELIVERED")
        assert await log_of(running, other) == []

        listed = (await running.http.get(f"{API}/receivers")).json()["items"]
        last = {one["id"]: one["last"] for one in listed}
        assert last[mine["id"]]["ok"] is True
        assert last[other["id"]] is None
        assert all("secret" not in one for one in listed)


@pytest.mark.slow
async def test_what_no_receiver_takes_is_given_up_and_a_hanging_one_harms_no_other(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_GATEWAY_DELIVERY_TIMEOUT", "3")
    monkeypatch.setenv("SIGHTLOOP_GATEWAY_DELIVERY_TRIES", "1")
    monkeypatch.setenv("SIGHTLOOP_GATEWAY_DELIVERY_AT_ONCE", "2")

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with service_runner("gateway") as running, hooks() as server, silent:
        port = silent.sockets[0].getsockname()[1]
        deaf = await made(running, target=f"http://127.0.0.1:{port}/")
        gone = await made(running, target=f"{server.url}/gone")
        server.answers += [(410, "")]
        await running.publish(fired(uuid4()))
        (left,) = await settled(running, gone, "FAILED")
        assert [one["status"] for one in left["tried"]] == [410]
        (given_up,) = await settled(running, deaf, "FAILED")
        assert [one["detail"] for one in given_up["tried"]] == ["no answer within 3 s"]
        assert given_up["due"] is None


@pytest.mark.slow
async def test_an_address_of_our_own_is_refused_when_it_is_named_and_when_it_is_called(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_GATEWAY_DELIVERY_NETWORKS", "[]")
    async with service_runner("gateway") as running, hooks() as server:
        port = server.url.rpartition(":")[2]
        for target in (server.url, f"http://localhost:{port}/", "http://169.254.169.254/latest",
                       f"http://[::ffff:127.0.0.1]:{port}/", "http://2130706433/"):  # fmt: skip
            answer = await running.http.post(
                f"{API}/receivers", json={"kind": "WEBHOOK", "name": "x", "target": target}
            )
            assert answer.status_code == 422, (target, answer.text)
            assert [one["where"] for one in answer.json()["errors"]] == ["target"]
            assert "not public" in answer.json()["detail"]

        # A name that was public when it was named, and leads home when it is called.
        loop = asyncio.get_running_loop()
        resolve, now = loop.getaddrinfo, ["8.8.8.8"]
        asked: list[str] = []

        async def getaddrinfo(host: Any, port: Any, **rest: Any) -> Any:
            if host == "rebound.example":
                asked.append(now[0])
                host = now[0]
            return await resolve(host, port, **rest)

        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
        mine = await made(running, target=f"http://rebound.example:{port}/", kind="SLACK")
        now[0] = "127.0.0.1"
        await running.publish(fired(uuid4()))
        (refused,) = await settled(running, mine, "FAILED")
        assert [one["status"] for one in refused["tried"]] == [None]
        assert "127.0.0.1, an address that is not public" in refused["tried"][0]["detail"]
        assert server.requests == []

        # Allowed, it is resolved once an attempt, and called where that said.
        parts = running.parts(Gateway)
        networks = type(parts.settings)(delivery_networks=["127.0.0.0/8"]).delivery_networks
        object.__setattr__(parts.settings, "delivery_networks", networks)
        before = len(asked)
        await running.http.post(f"{API}/deliveries/{refused['id']}/resend")
        await settled(running, mine, "DELIVERED")
        assert asked[before:] == ["127.0.0.1"]
        assert server.requests[0][1]["host"] == f"rebound.example:{port}"


@pytest.mark.slow
async def test_chats_and_mailboxes_are_told_in_words_and_a_test_is_told_like_anything(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hooks() as server, mailbox() as mail:
        monkeypatch.setenv("SIGHTLOOP_GATEWAY_SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SIGHTLOOP_GATEWAY_SMTP_PORT", str(mail.port))
        monkeypatch.setenv("SIGHTLOOP_GATEWAY_SMTP_SECURITY", "none")
        monkeypatch.setenv("SIGHTLOOP_GATEWAY_SMTP_FROM", "Sightloop <sight@example.org>")
        async with service_runner("gateway") as running:
            of = world.deployment(name="Dock <1>")
            await running.publish(of)
            chat = await made(running, kind="SLACK", target=f"{server.url}/services/T/B/x")
            box = await made(running, kind="EMAIL", target="ada@example.org")
            assert chat["secret"] is None
            mail.refusals += ["451 later"]
            await running.publish(fired(of.deployment))

            await settled(running, chat, "DELIVERED")
            (path, headers, body), link = server.requests[0], f"/deployments/{of.deployment}"
            assert path == "/services/T/B/x"
            assert headers["content-type"] == "application/json"
            text = json.loads(body)["text"]
            assert text.startswith("Dock &lt;1&gt;: CRITICAL: latency.champion.p95 is 3")
            assert f"<{running.url}{link}|Open>" in text

            (sent,) = await settled(running, box, "DELIVERED")
            assert [one["status"] for one in sent["tried"]] == [250, 451]
            (message,) = mail.mails
            assert message["To"] == "ada@example.org"
            assert message["From"] == "Sightloop <sight@example.org>"
            assert message["Subject"] == "Dock <1>: CRITICAL: latency.champion.p95 is 3, above 1"
            assert f"{running.url}{link}" in message.as_string()

            mail.refusals += ["550 nobody here"]
            asked = await running.http.post(f"{API}/receivers/{box['id']}/test")
            assert asked.status_code == 202
            failed, _ = await settled(running, box, "FAILED", "DELIVERED")
            assert failed["id"] == asked.json()["delivery"]
            assert [one["status"] for one in failed["tried"]] == [550]
            assert "nobody here" in failed["tried"][0]["detail"]

            # Switched off, nothing is asked for; deleted, the log is gone with it.
            off = {"name": "us", "target": "ada@example.org", "enabled": False}
            assert (await running.http.put(f"{API}/receivers/{box['id']}", json=off)).is_success
            refused = await running.http.post(f"{API}/receivers/{box['id']}/test")
            assert refused.status_code == 409
            await running.publish(fired(of.deployment))
            await settled(running, chat, "DELIVERED", "DELIVERED")
            assert len(await log_of(running, box)) == 2
            assert (await running.http.delete(f"{API}/receivers/{box['id']}")).status_code == 204
            resend = await running.http.post(f"{API}/deliveries/{failed['id']}/resend")
            assert resend.status_code == 404


async def test_what_is_wrong_with_a_receiver_is_said_with_its_place(service_runner: Run) -> None:
    async with service_runner("gateway") as running:
        good = {"kind": "WEBHOOK", "name": "x", "target": "http://127.0.0.1:1/"}
        for wrong, where in (
            ({"kind": "PIGEON"}, "kind"),
            ({"kind": "EMAIL", "target": "a@b.example"}, "kind"),
            ({"target": "ftp://a.example/"}, "target"),
            ({"target": "http://u:p@a.example/"}, "target"),
            ({"target": ""}, "target"),
            ({"events": []}, "events"),
            ({"events": ["prediction.logged"]}, "events"),
            ({"least_severity": "LOUD"}, "least_severity"),
            ({"name": ""}, "name"),
        ):
            answer = await running.http.post(f"{API}/receivers", json=good | wrong)
            assert answer.status_code == 422, (wrong, answer.text)
            assert [one["where"] for one in answer.json()["errors"]] == [where]
