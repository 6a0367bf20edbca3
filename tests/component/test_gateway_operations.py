"""Operating: a topic full of records that die, its breaker, its dead letters and their replay."""

import asyncio
import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from typer.testing import CliRunner

from libs.api.scopes import ROLES, Role
from libs.schemas.events import PredictionLogged
from sightloop.dlq import dlq
from tests.component.test_ingest_monitor import deployed
from tests.support import examples
from tests.support.services import Run, RunningServices
from tests.support.waiting import eventually

GATEWAY = "/api/gateway/v1"
CONSUMER = "ingest.predictions"
DIED = 20
"""So many die before the breaker opens."""


async def unstorable(running: RunningServices, deployment: UUID, count: int) -> None:
    """Predictions that no column can hold."""
    boot = uuid4()
    await running.publish(
        *(
            PredictionLogged(
                logged=msgspec.structs.replace(
                    examples.logged, deployment=deployment, prediction=uuid4(), width=10**12
                ),
                boot=boot,
                sequence=n + 1,
            )
            for n in range(count)
        )
    )


async def consumer(running: RunningServices) -> dict[str, Any]:
    answer = await running.http.get(f"{GATEWAY}/consumers")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return next((one for one in found if one["name"] == CONSUMER), {})


async def letters(running: RunningServices, **filters: Any) -> list[dict[str, Any]]:
    answer = await running.http.get(f"{GATEWAY}/dead-letters", params={"limit": 200} | filters)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def ledger(running: RunningServices, deployment: UUID) -> dict[str, Any]:
    answer = await running.http.get(f"/api/ingest/v1/deployments/{deployment}/ledger")
    found: dict[str, Any] = answer.json()
    return found


async def command(running: RunningServices, *arguments: str) -> str:
    """What `sightloop dlq` prints."""
    environment = {"SIGHTLOOP_BUS_URL": running.context.settings.bus_url}
    result = await asyncio.to_thread(CliRunner().invoke, dlq, arguments, env=environment)
    assert result.exit_code == 0, result.output
    return result.output


async def test_a_bad_topic_is_stopped_looked_at_closed_and_replayed(service_runner: Run) -> None:
    async with service_runner("gateway", "ingest") as running:
        deployment = deployed()
        await running.publish(deployment)
        await unstorable(running, deployment.deployment, DIED + 5)

        stands = await eventually(
            lambda: consumer(running), lambda seen: seen.get("breaker_open") is True
        )
        (member,) = stands["members"]
        assert "events died" in member["reason"]
        assert member["services"] == ["gateway", "ingest"]
        assert not member["ready"]
        dead = await letters(running)
        assert len(dead) < DIED

        shown = (await running.http.get(f"{GATEWAY}/dead-letters/{dead[0]['id']}")).json()
        assert shown["data"]["logged"]["width"] == 10**12
        assert shown["consumer"] == CONSUMER
        assert shown["topic"] == "sightloop.predictions"
        assert shown["organization"] == str(running.organization)
        assert "int" in shown["reason"]
        assert shown["headers"]["ce_type"] == "sightloop.prediction.logged.v1"
        assert await letters(running, reason="nothing says this") == []
        assert await letters(running, topic="sightloop.reviews") == []
        assert await letters(running, organization=str(uuid4())) == []
        assert len(await letters(running, consumer=CONSUMER)) == len(dead)

        said = await command(running, "consumers")
        assert f"{CONSUMER:28} " in said
        assert "events died" in said
        assert await command(running, "close", "nobody.anything") == "told to go on: 0 processes\n"

        closed = await running.http.post(f"{GATEWAY}/consumers/{CONSUMER}/close-breaker")
        assert closed.status_code == 202
        await eventually(
            lambda: consumer(running),
            lambda seen: (seen["breaker_open"], seen["lag"]) == (False, 0),
        )
        expected = {"received": DIED + 5, "dead_lettered": DIED + 5, "stored": 0, "balanced": True}
        await eventually(
            lambda: ledger(running, deployment.deployment),
            lambda books: books.items() >= expected.items(),
        )

        one = dead[-1]["id"]
        replayed = await running.http.post(
            f"{GATEWAY}/dead-letters/replay", json={"letters": [one]}
        )
        assert replayed.json() == {"replayed": 1}
        # It dies again: another letter, and the books do not count it twice.
        await eventually(lambda: letters(running), lambda seen: len(seen) == DIED + 6)
        (marked,) = await letters(running, replayed=True)
        assert marked["id"] == one
        assert len(await letters(running, replayed=False)) == DIED + 5
        assert (await ledger(running, deployment.deployment)).items() >= expected.items()

        shown = json.loads(await command(running, "show", one))
        assert datetime.fromisoformat(shown["replayed"]) == datetime.fromisoformat(
            marked["replayed"]
        )
        assert "replayed: DBAPIError" in await command(running, "list", "--limit", "1000")
        both = {"letters": [one], "all": True}
        for wrong in ({}, both):
            refused = await running.http.post(f"{GATEWAY}/dead-letters/replay", json=wrong)
            assert refused.status_code == 422
        unknown = {"letters": ["0:999999"]}
        missing = await running.http.post(f"{GATEWAY}/dead-letters/replay", json=unknown)
        assert missing.status_code == 404
        all_of = {"all": True, "consumer": "nobody.anything"}
        none = await running.http.post(f"{GATEWAY}/dead-letters/replay", json=all_of)
        assert none.json() == {"replayed": 0}

        admin = {"Authorization": f"Bearer {running.token(*ROLES[Role.ADMIN])}"}
        for path in ("dead-letters", f"dead-letters/{one}", "consumers"):
            refused = await running.http.get(f"{GATEWAY}/{path}", headers=admin)
            assert refused.status_code == 403, path
