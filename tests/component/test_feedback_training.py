"""Trainings are asked for once per crossing, on contents that hold what caused them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from libs.schemas.events import (
    AlertFired,
    DeploymentChanged,
    ExperimentFinished,
    ExperimentStatus,
    RetrainingTriggered,
    Severity,
    SubmissionSettled,
)
from libs.schemas.ids import experiment_id
from libs.schemas.manifest import read_manifest
from libs.schemas.values import Logged
from tests.support.feedback import (
    BASE,
    coco,
    deployment,
    get,
    import_coco,
    logged,
    new_version,
    png,
    review,
    submitted,
)
from tests.support.services import Run, RunningServices
from tests.support.waiting import eventually

# A version rests for a second before it is settled, and a training waits for that.
pytestmark = pytest.mark.slow


async def _set_up(
    running: RunningServices, *, threshold: int, cool_down: float = 0.0, active: bool = True
) -> tuple[DeploymentChanged, UUID, UUID, dict[str, Any]]:
    """A deployment with a loop into a new version and a training on it and an old one."""
    old, new = await new_version(running.http), await new_version(running.http)
    await import_coco(running.http, old, coco(["a.png"]), {"a.png": png(200)})
    made = deployment()
    await running.publish(made)
    base = f"{BASE}/deployments/{made.deployment}"
    loop = {"active": True, "dataset_versions": [str(new)]}
    assert (await running.http.put(f"{base}/feedback-loop", json=loop)).status_code == 200
    body = {
        "active": active,
        "project": str(uuid4()),
        "datasets": [
            {"alias": "train", "dataset_version": str(old), "replay": True},
            {"alias": "reviewed", "dataset_version": str(new), "replay": False},
        ],
        "threshold": threshold,
        "parameters": {"steps": 300},
        "cool_down": cool_down,
    }
    answer = await running.http.put(f"{base}/training", json=body)
    assert answer.status_code == 200, answer.text
    untouched: dict[str, Any] = {
        "submitted": 0,
        "crossings": 0,
        "last": None,
        "running": False,
        "alarms": [],
    }
    by_alert = {"alert_rules": [], "least_reviewed": 10}
    assert answer.json() == by_alert | body | untouched
    return made, old, new, body


async def _submit(running: RunningServices, made: DeploymentChanged, *shades: int) -> list[Logged]:
    shown = [await logged(running.context.blobs, made, shade=shade) for shade in shades]
    await running.publish(*(submitted(one, review()) for one in shown))
    return shown


async def _training(running: RunningServices, made: DeploymentChanged) -> dict[str, Any]:
    found: dict[str, Any] = await get(running.http, f"/deployments/{made.deployment}/training")
    return found


async def test_a_crossing_asks_once_for_a_training_that_holds_what_caused_it(
    service_runner: Run,
) -> None:
    async with service_runner("feedback") as running:
        made, old, new, body = await _set_up(running, threshold=3)
        shown = await _submit(running, made, 1, 2)
        await running.wait_for(SubmissionSettled, 2)
        # Told again and corrected: still two predictions.
        await running.publish(*(submitted(one, review()) for one in shown))
        await running.publish(submitted(shown[0], review("bus", revision=2), correction=True))
        await running.wait_for(SubmissionSettled, 3)
        assert (await _training(running, made))["submitted"] == 2
        shown += await _submit(running, made, 3)
        (event,) = await running.wait_for(RetrainingTriggered, 1)

        assert event.experiment == experiment_id(made.deployment, 1)
        assert (event.deployment, event.crossing) == (made.deployment, 1)
        assert event.why == "3 of 3 reviewed predictions were submitted"
        assert event.name.startswith("dock-2")
        assert str(event.project) == body["project"]
        assert event.old == ["train"]
        assert event.base_version == made.champion.version
        assert event.target_model == made.champion.model
        assert event.parameters == {"steps": 300}
        by_alias = {one.alias: one for one in event.datasets}
        assert by_alias["train"].dataset_version == old
        assert by_alias["reviewed"].dataset_version == new
        manifest = read_manifest(await running.context.blobs.get(by_alias["reviewed"].manifest))
        assert manifest.header.digest == by_alias["reviewed"].digest
        assert {asset.data for asset in manifest.assets} == {one.data for one in shown}

        found = await _training(running, made)
        assert (found["submitted"], found["crossings"]) == (0, 1)
        assert found["last"]["experiment"] == str(event.experiment)
        assert found["last"]["why"] == event.why

        await _submit(running, made, 4, 5, 6)
        second = (await running.wait_for(RetrainingTriggered, 2))[-1]
        assert (second.crossing, second.experiment) == (2, experiment_id(made.deployment, 2))
        assert len(running.emitted(RetrainingTriggered)) == 2


async def test_the_cool_down_keeps_what_is_counted(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        made, _, _, body = await _set_up(running, threshold=1, cool_down=3600)
        await _submit(running, made, 1)
        await running.wait_for(RetrainingTriggered, 1)
        await _submit(running, made, 2, 3)

        async def counted() -> dict[str, Any]:
            return await _training(running, made)

        await eventually(counted, lambda one: one["submitted"] == 2)
        assert len(running.emitted(RetrainingTriggered)) == 1
        url = f"{BASE}/deployments/{made.deployment}/training"
        assert (await running.http.put(url, json=body | {"cool_down": 0})).status_code == 200
        second = (await running.wait_for(RetrainingTriggered, 2))[-1]
        assert second.why == "2 of 1 reviewed predictions were submitted"


async def test_what_was_submitted_before_the_training_was_active_counts(
    service_runner: Run,
) -> None:
    async with service_runner("feedback") as running:
        made, _, _, body = await _set_up(running, threshold=2, active=False)
        await _submit(running, made, 1, 2)

        async def counted() -> dict[str, Any]:
            return await _training(running, made)

        await eventually(counted, lambda one: one["submitted"] == 2)
        assert running.emitted(RetrainingTriggered) == []
        url = f"{BASE}/deployments/{made.deployment}/training"
        await running.http.put(url, json=body | {"active": True})
        await running.wait_for(RetrainingTriggered, 1)


def _fired(made: DeploymentChanged, rule: UUID | None) -> AlertFired:
    now = datetime.now(UTC)
    return AlertFired(
        alert=uuid4(), deployment=made.deployment, kind="metric", severity=Severity.WARNING,
        since=now, fired_time=now, text="drift.distance is 0.31, above 0.2", rule=rule,
    )  # fmt: skip


async def test_an_alert_that_is_waited_for_asks_for_one_training(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        made, _, new, body = await _set_up(running, threshold=100)
        rule = uuid4()
        body |= {"alert_rules": [str(rule)], "least_reviewed": 2, "cool_down": 3600}
        url = f"{BASE}/deployments/{made.deployment}/training"
        assert (await running.http.put(url, json=body)).status_code == 200

        async def alarms() -> dict[UUID, tuple[str, str | None]]:
            shown = (await _training(running, made))["alarms"]
            return {UUID(one["alert"]): (one["outcome"], one["why"]) for one in shown}

        # Too few: this firing is answered for good. Others' and other rules' are none of ours.
        early = _fired(made, rule)
        other = msgspec.structs.replace(_fired(made, rule), deployment=uuid4())
        await running.publish(early, _fired(made, uuid4()), _fired(made, None), other)
        few = "0 reviewed predictions were submitted since the last training; it takes 2"
        await eventually(alarms, lambda seen: seen == {early.alert: ("SKIPPED", few)})
        shown = await _submit(running, made, 1, 2)
        await running.wait_for(SubmissionSettled, 2)

        # Delivered three times, it is one training.
        alert = _fired(made, rule)
        await running.publish(alert, alert, early)
        (event,) = await running.wait_for(RetrainingTriggered, 1)
        await running.publish(alert)
        assert event.why == "alert: drift.distance is 0.31, above 0.2"
        assert event.experiment == experiment_id(made.deployment, 1)
        (data,) = [one for one in event.datasets if one.dataset_version == new]
        manifest = read_manifest(await running.context.blobs.get(data.manifest))
        assert {asset.data for asset in manifest.assets} == {one.data for one in shown}

        # Not while it runs, and not before the cool-down is over.
        second = _fired(made, rule)
        await running.publish(second)
        seen = {early.alert: ("SKIPPED", few), alert.alert: ("STARTED", None)}
        seen[second.alert] = ("SKIPPED", "a training was running")
        await eventually(alarms, lambda now: now == seen)
        assert (await _training(running, made))["running"]
        done = ExperimentFinished(
            experiment=event.experiment, name=event.name, status=ExperimentStatus.FAILED,
            deployment=made.deployment,
        )  # fmt: skip
        await running.publish(done, done)

        async def runs() -> bool:
            return bool((await _training(running, made))["running"])

        await eventually(runs, lambda still: not still)
        await _submit(running, made, 3, 4)
        await running.wait_for(SubmissionSettled, 4)
        third = _fired(made, rule)
        await running.publish(third)
        why = (await eventually(alarms, lambda now: now.get(third.alert, ("",))[0] == "SKIPPED"))[
            third.alert
        ][1]
        assert why is not None
        assert why.startswith("the cool-down lasts until 20")
        assert len(running.emitted(RetrainingTriggered)) == 1
        found = await _training(running, made)
        assert (found["submitted"], found["crossings"]) == (2, 1)
        strange = await running.http.put(url, json=body | {"alert_rules": [str(rule)] * 2})
        assert strange.status_code == 422


async def test_a_training_can_be_asked_for_by_hand(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        made, _, new, _ = await _set_up(running, threshold=100)
        (shown,) = await _submit(running, made, 1)
        await running.wait_for(SubmissionSettled, 1)
        url = f"{BASE}/deployments/{made.deployment}/training/run"
        asked = await running.http.post(url)
        assert asked.status_code == 202
        (event,) = await running.wait_for(RetrainingTriggered, 1)
        assert asked.json() == {"experiment": str(event.experiment)}
        assert event.why == "by hand"
        # At once, and yet with what was submitted a moment before.
        (data,) = [one for one in event.datasets if one.dataset_version == new]
        manifest = read_manifest(await running.context.blobs.get(data.manifest))
        assert [asset.data for asset in manifest.assets] == [shown.data]
        assert (await running.stranger.post(url)).status_code == 404


async def test_a_training_that_is_not_set_up_says_so(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        made = deployment()
        await running.publish(made)
        url = f"{BASE}/deployments/{made.deployment}/training"
        found = (await running.http.get(url)).json()
        assert (found["active"], found["project"], found["datasets"]) == (False, None, [])
        asked = await running.http.post(f"{url}/run")
        assert (asked.status_code, asked.json()["type"]) == (409, "/problems/training-not-set-up")
        refused = await running.http.put(url, json={"active": True})
        assert [e["where"] for e in refused.json()["errors"]] == ["project", "datasets"]
        version = await new_version(running.http, type="CLASSIFICATION")
        one = {"alias": "a", "dataset_version": str(version)}
        other = {"alias": "a", "dataset_version": str(uuid4())}
        body = {"active": False, "datasets": [one, other], "threshold": 0}
        assert (await running.http.put(url, json=body)).status_code == 422
        refused = await running.http.put(url, json=body | {"threshold": 1})
        assert [error["where"] for error in refused.json()["errors"]] == [
            "datasets[0].alias", "datasets[0].dataset_version",
            "datasets[1].alias", "datasets[1].dataset_version",
        ]  # fmt: skip
        unknown = await running.http.get(f"{BASE}/deployments/{uuid4()}/training")
        assert unknown.status_code == 404
