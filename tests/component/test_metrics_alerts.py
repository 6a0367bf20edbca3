"""Alert rules: tried on history, fired once, resolved once, silenced, and refused where wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from libs.schemas.events import AlertFired, AlertResolved, State
from libs.schemas.values import ReviewShapes, Shapes
from services.metrics.actions.alerting import check_rule
from services.metrics.parts import Metrics
from services.metrics.store import alerts
from services.metrics.workers.alerts import check_due
from tests.component import metrics_world as world
from tests.support.services import Run, RunningServices
from tests.support.waiting import eventually

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
BOX = Shapes(classes=[1], scores=[0.9], boxes=[(0, 0, 320, 240)])
SLOW = {
    "name": "slow", "metric": "latency.champion.p95", "operator": ">", "threshold": 1.0,
    "window_minutes": 5, "for_minutes": 2, "severity": "CRITICAL",
}  # fmt: skip


def rules(of) -> str:
    return f"/api/metrics/v1/deployments/{of.deployment}/alert-rules"


async def counted(running: RunningServices, of, some) -> None:
    """Predictions of some (minute, latency), and wait until each is counted."""
    messages = [world.logged(of, shapes=BOX, time=when, latency=s) for when, s in some]
    await running.publish(of, *(world.told(one) for one in messages))
    start = min(when for when, _ in some) - MINUTE

    async def look() -> dict[str, Any]:
        return await world.dashboard(running, of, **{"from": start.isoformat()})

    await eventually(look, lambda d: d["predictions"] == len(messages))


async def made(running: RunningServices, of, **fields) -> dict[str, Any]:
    answer = await running.http.post(rules(of), json=SLOW | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def checked(running: RunningServices, of, rule, *times: datetime) -> Any:
    """Check a rule at these times; twice each, as two processes might."""
    parts = running.parts(Metrics)
    which = running.organization, of.deployment
    row = None
    for time in times:
        for _ in range(2):
            async with parts.database.begin() as tx:
                row = await alerts.lock_rule(tx, *which, rule)
                assert row is not None
                row = await check_rule(tx, row, of, time=time)
    return row


async def enabled_later(running: RunningServices, of, **fields) -> Any:
    """A rule that only the test checks."""
    rule = await made(running, of, **fields)
    answer = await running.http.put(f"{rules(of)}/{rule['id']}", json=SLOW | fields)
    assert answer.status_code == 200
    return rule


async def listed(running: RunningServices, **query) -> list[dict[str, Any]]:
    answer = await running.http.get("/api/metrics/v1/alerts", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


@pytest.mark.slow
async def test_a_rule_is_tried_on_history_then_fires_once_and_is_over_once(
    service_runner: Run,
) -> None:
    async with service_runner("metrics") as running:
        of = world.deployment()
        end = datetime.now(UTC).replace(second=0, microsecond=0) - 2 * HOUR
        # Each hour a minute of normal latency; in two of eight, ten slow minutes.
        some = [(end - h * HOUR, 0.1) for h in range(8)]
        some += [(end - h * HOUR + (20 + i) * MINUTE, 3.0) for h in (3, 6) for i in range(10)]
        await counted(running, of, some)

        preview = await running.http.post(f"{rules(of)}/preview", json=SLOW)
        assert preview.status_code == 200, preview.text
        seen = preview.json()
        assert seen["fired"] == 2
        assert seen["more"] == 0
        assert max(v for v in seen["values"] if v is not None) > 2.9
        assert len(seen["t"]) == len(seen["values"]) <= 720
        newest, oldest = seen["firings"]
        slow = end - 3 * HOUR + 20 * MINUTE
        assert datetime.fromisoformat(newest["since"]) == slow + MINUTE
        assert datetime.fromisoformat(newest["fired_time"]) == slow + 3 * MINUTE
        # The window is empty from then on until the next normal prediction.
        assert datetime.fromisoformat(newest["resolved_time"]) == end - 2 * HOUR + MINUTE
        assert oldest["worst"] > 2.9
        never = await running.http.post(f"{rules(of)}/preview", json=SLOW | {"threshold": 9})
        assert never.json()["fired"] == 0

        # The same checks, live, make the same firing.
        rule = await enabled_later(running, of, enabled=False)
        times = [slow + i * MINUTE for i in range(-2, 45)]
        row = await checked(running, of, rule["id"], *times)
        assert row["firing"] is None
        (fired,) = await running.wait_for(AlertFired)
        (resolved,) = await running.wait_for(AlertResolved)
        assert (fired.kind, fired.metric, fired.threshold) == ("metric", SLOW["metric"], 1.0)
        assert fired.severity == "CRITICAL"
        assert fired.fired_time == slow + 3 * MINUTE
        assert fired.since == slow + MINUTE
        assert "latency.champion.p95 over the last 5 minutes is 3" in fired.text
        assert resolved.alert == fired.alert
        assert resolved.resolved_time == end - 2 * HOUR + MINUTE
        (held,) = await listed(running, deployment=str(of.deployment))
        assert held["id"] == str(fired.alert)
        assert held["resolved_time"] is not None
        assert await listed(running, firing=True) == []


async def test_the_loop_fires_by_itself_and_a_change_a_switch_and_a_delete_end_it(
    service_runner: Run,
) -> None:
    async with service_runner("metrics") as running:
        of = world.deployment()
        await running.publish(of)
        quiet = {
            "metric": "volume", "operator": "<", "threshold": 1, "for_minutes": 0,
            "window_minutes": 1,
        }  # fmt: skip
        for end, text in (
            (lambda at: running.http.put(at, json=SLOW | quiet | {"threshold": 2}), "changed"),
            (lambda at: running.http.put(at, json=SLOW | quiet | {"enabled": False}), "off"),
            (running.http.delete, "deleted"),
        ):
            rule = await made(running, of, **quiet)
            at = f"{rules(of)}/{rule['id']}"

            async def standing(at: str = at) -> Any:
                return (await running.http.get(at)).json()["firing"]

            firing = await eventually(standing)
            assert [one["id"] for one in await listed(running, firing=True)] == [firing]
            assert (await end(at)).is_success

            async def ended(firing: str = firing) -> list[str]:
                resolved = running.emitted(AlertResolved)
                return [one.text for one in resolved if str(one.alert) == firing]

            (told,) = await eventually(ended)
            assert text in told
            await running.http.delete(at)
            gone = await running.http.get(at)
            assert gone.status_code == 404
        fired = running.emitted(AlertFired)
        assert {one.alert for one in running.emitted(AlertResolved)} <= {o.alert for o in fired}


async def test_a_silenced_rule_is_told_of_when_the_silence_ends_first(service_runner: Run) -> None:
    async with service_runner("metrics") as running:
        of = world.deployment()
        slow = datetime.now(UTC).replace(second=0, microsecond=0) - 2 * HOUR
        await counted(running, of, [(slow, 3.0), (slow + 20 * MINUTE, 0.1)])
        quick = {"enabled": False, "for_minutes": 0}
        unheard = await enabled_later(running, of, **quick)
        heard = await enabled_later(running, of, **quick)
        for rule in (unheard, heard):
            at = f"{rules(of)}/{rule['id']}/silence"
            until = (datetime.now(UTC) + HOUR).isoformat()
            answer = await running.http.put(at, json={"until": until})
            assert answer.json()["silenced"] is True
            row = await checked(running, of, rule["id"], slow + MINUTE)
            assert row["firing"] is not None
            assert row["told"] is False
        assert len(await listed(running, firing=True)) == 2

        lifted = await running.http.delete(f"{rules(of)}/{heard['id']}/silence")
        assert lifted.json()["silenced"] is False
        for rule in (unheard, heard):
            await checked(running, of, rule["id"], slow + 2 * MINUTE, slow + 21 * MINUTE)
        await running.wait_for(AlertResolved)
        assert await listed(running, firing=True) == []
        fired = running.emitted(AlertFired)
        assert [str(one.rule) for one in fired] == [heard["id"]]
        assert [one.alert for one in running.emitted(AlertResolved)] == [fired[0].alert]
        past = (datetime.now(UTC) - HOUR).isoformat()
        refused = await running.http.put(f"{rules(of)}/{heard['id']}/silence", json={"until": past})
        assert refused.status_code == 422


@pytest.mark.slow
async def test_what_is_wrong_with_a_rule_is_said_with_its_place(service_runner: Run) -> None:
    async with service_runner("metrics") as running:
        of = world.deployment()
        await running.publish(of)
        for wrong, where in (
            ({"metric": "latency.p95"}, "metric"),
            ({"metric": "champion.boxes.boat"}, "metric"),
            ({"operator": "=="}, "operator"),
            ({"threshold": "a lot"}, "threshold"),
            ({"threshold": None}, "threshold"),
            ({"resolved_threshold": 2.0}, "resolved_threshold"),
            ({"operator": "<", "resolved_threshold": 0.5}, "resolved_threshold"),
            ({"window_minutes": 0}, "window_minutes"),
            ({"window_minutes": 63}, "window_minutes"),
            ({"window_minutes": 10_081}, "window_minutes"),
            ({"for_minutes": -1}, "for_minutes"),
            ({"severity": "LOUD"}, "severity"),
            ({"name": ""}, "name"),
        ):
            answer = await running.http.post(f"{rules(of)}/preview", json=SLOW | wrong)
            assert answer.status_code == 422, (wrong, answer.text)
            assert [one["where"] for one in answer.json()["errors"]] == [where]
        text = await running.http.post(
            rules(of), content='{"threshold": NaN}', headers={"content-type": "application/json"}
        )
        assert text.status_code == 422
        near = await running.http.post(rules(of), json=SLOW | {"metric": "latency.champion.95"})
        assert "did you mean 'latency.champion.p95'" in near.json()["detail"]
        elsewhere = f"/api/metrics/v1/deployments/{uuid4()}/alert-rules"
        assert (await running.http.post(elsewhere, json=SLOW)).status_code == 404
        named = await running.http.get(f"/api/metrics/v1/deployments/{of.deployment}/alert-metrics")
        names = {one["name"] for one in named.json()["items"]}
        assert {"volume", "drift.ratio", "quality.champion.ap", "champion.share.car"} <= names
        # Every metric that is named can be tried, whether anything is known of it or not.
        for name in sorted(names):
            tried = await running.http.post(f"{rules(of)}/preview", json=SLOW | {"metric": name})
            assert tried.status_code == 200, (name, tried.text)
            assert tried.json()["checks"] == 0


async def test_reviews_are_watched_and_a_deleted_deployment_has_no_rules(
    service_runner: Run,
) -> None:
    async with service_runner("metrics") as running:
        of = world.deployment()
        when = datetime.now(UTC).replace(second=0, microsecond=0) - HOUR
        one = world.logged(of, shapes=BOX, time=when)
        wrong = ReviewShapes(labels=["truck"], boxes=[(400, 300, 50, 50)])
        await running.publish(of, world.told(one), world.reviewed(one, wrong))
        bad = {
            "metric": "quality.champion.ap", "operator": "<", "threshold": 0.5, "for_minutes": 0,
            "window_minutes": 60, "enabled": False,
        }  # fmt: skip
        rule = await enabled_later(running, of, **bad)

        async def tried() -> int:
            body = SLOW | bad | {"window_minutes": 5}
            answer = await running.http.post(f"{rules(of)}/preview", json=body)
            return int(answer.json()["fired"])

        assert await eventually(tried) == 1
        for which in ("f1", "precision", "recall", "ap_50_95", "ap_50", "ar_75", "ap_small"):
            body = SLOW | bad | {"window_minutes": 5, "metric": f"quality.champion.{which}"}
            answer = await running.http.post(f"{rules(of)}/preview", json=body)
            seen = answer.json()
            # One window is whole since anything was counted; no small box is there.
            told = [value for value in seen["values"] if value is not None]
            assert told == ([] if which == "ap_small" else [0.0]), which
            assert seen["fired"] == (which != "ap_small")
        row = await checked(running, of, rule["id"], when + 30 * MINUTE)
        assert row["value"] == 0
        assert row["firing"] is not None
        await running.wait_for(AlertFired)

        await running.publish(
            world.deployment(deployment=of.deployment, revision=2, state=State.DELETED)
        )
        parts = running.parts(Metrics)
        async with parts.database.begin() as tx:
            await alerts.set_rule(tx, row["id"], enabled=True)
            await check_due(parts, tx, row, now=datetime.now(UTC))
        (resolved,) = await running.wait_for(AlertResolved)
        assert resolved.text == "the deployment was deleted"
        async with parts.database.read() as read:
            assert await alerts.rules(read, running.organization, of.deployment) == []
