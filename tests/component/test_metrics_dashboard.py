"""Logged predictions become a dashboard; what is not there is null."""

from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest

from libs.schemas.events import PredictionShadowLogged, SeriesAdvanced
from libs.schemas.values import Output, Shapes
from services.metrics.dto import DashboardDto
from tests.component import metrics_world as world
from tests.support.waiting import eventually


async def until_counted(running, of, count, **query):
    async def look():
        return await world.dashboard(running, of, **query)

    return await eventually(look, lambda d: d["predictions"] == count)


async def test_logged_predictions_become_volume_latency_labels_and_heat_maps(service_runner):
    async with service_runner("metrics") as running:
        of = world.deployment()
        shapes = Shapes(
            classes=[1, 0, 1], scores=[0.9, 0.8, 0.2],
            boxes=[(0, 0, 320, 240), (0, 0, 640, 480), (320, 240, 320, 240)],
        )  # fmt: skip
        some = [world.logged(of, shapes=shapes, latency=0.05) for _ in range(3)]
        await running.publish(of, *(world.told(one) for one in some))
        seen = await until_counted(running, of, 3)

        DashboardDto.model_validate(seen)
        assert sum(seen["volume"]) == 3
        assert seen["bucket_seconds"] == 300
        assert len(seen["t"]) == len(seen["volume"]) == len(seen["latency"]["champion"]["p50"])
        p95 = [p for p in seen["latency"]["champion"]["p95"] if p is not None]
        assert p95 == pytest.approx([0.05] * len(p95), rel=0.011)
        assert seen["latency"]["shadow"] is None
        assert seen["labels"]["names"] == world.LABELS
        assert [sum(row) for row in seen["labels"]["boxes"]] == [3, 6, 0]
        assert [sum(row) for row in seen["labels"]["images"]] == [3, 3, 0]
        maps = {one["label"]: np.array(one["grid"]) for one in seen["heat_map"]["labels"]}
        assert maps["person"] == pytest.approx(3.0)
        assert maps["car"].reshape(32, 32)[0, 0] == 3
        assert maps["car"].reshape(32, 32)[0, 31] == 0
        assert len(seen["points"]) == 3
        assert {card["prediction"] for card in seen["last"]} == {str(o.prediction) for o in some}
        assert seen["global_distribution"]["production"] == pytest.approx([1 / 3, 2 / 3, 0])
        assert 0 <= seen["receive_lag_p95"] < 600
        assert seen["box_count"]["counts"] == [0, 0, 0, 3]
        told = await running.wait_for(SeriesAdvanced)
        assert told[0].deployment == of.deployment
        assert "volume" in told[0].families


async def test_what_is_missing_is_null_and_only_counts_are_zero(service_runner):
    async with service_runner("metrics") as running:
        of = world.deployment()
        await running.publish(of)
        seen = await world.dashboard(running, of)

        DashboardDto.model_validate(seen)
        assert seen["predictions"] == 0
        assert set(seen["volume"]) == {0}
        assert set(seen["latency"]["champion"]["p95"]) == {None}
        assert seen["receive_lag_p95"] is None
        assert seen["outlier"] is None
        assert seen["drift"] is None
        assert seen["global_distribution"]["training"] is None
        assert seen["quality"] == {
            "kind": "on reviewed images", "reviewed": 0, "champion": None, "shadow": None,
        }  # fmt: skip
        assert seen["reference"]["state"] == "none"
        assert seen["points"] == []


async def test_an_unchanged_dashboard_is_not_sent_again(service_runner):
    async with service_runner("metrics") as running:
        of = world.deployment()
        await running.publish(
            of, world.told(world.logged(of, shapes=Shapes(classes=[], scores=[])))
        )
        window = {
            "from": (world.minute() - timedelta(hours=2)).isoformat(),
            "to": (world.minute() + timedelta(hours=1)).isoformat(),
        }
        await until_counted(running, of, 1, **window)
        path = f"/api/metrics/v1/deployments/{of.deployment}/dashboard"
        first = await running.http.get(path, params=window)
        again = await running.http.get(
            path, params=window, headers={"If-None-Match": first.headers["ETag"]}
        )
        assert again.status_code == 304
        await running.publish(world.told(world.logged(of, shapes=Shapes(classes=[], scores=[]))))
        await until_counted(running, of, 2, **window)
        later = await running.http.get(
            path, params=window, headers={"If-None-Match": first.headers["ETag"]}
        )
        assert later.status_code == 200
        assert later.headers["ETag"] != first.headers["ETag"]


async def test_a_shadow_that_comes_late_is_counted_once(service_runner):
    async with service_runner("metrics") as running:
        of = world.deployment(shadow=world.model(world.V2, ["car", "person"]))
        one = world.logged(of, shapes=Shapes(classes=[1], scores=[0.9], boxes=[(0, 0, 9, 9)]))
        late = PredictionShadowLogged(
            deployment=of.deployment,
            prediction=one.prediction,
            data=one.data,
            shadow=Output(
                version=world.V2,
                shapes=Shapes(classes=[0], scores=[0.8], boxes=[(0, 0, 9, 9)]),
                latency=0.2,
            ),
            event_time=one.event_time,
            width=640,
            height=480,
        )
        await running.publish(of, world.told(one), late, late)

        async def look():
            return (await world.dashboard(running, of))["latency"]["shadow"]

        shadow = await eventually(look)
        assert [p for p in shadow["p50"] if p is not None] == pytest.approx([0.2], rel=0.011)


async def test_summaries_name_the_deployments_asked_for_that_are_ours(service_runner):
    async with service_runner("metrics") as running:
        of, theirs = world.deployment(), world.deployment()
        await running.publish(theirs, organization=uuid4())
        one = world.logged(of, shapes=Shapes(classes=[], scores=[]), latency=0.1)
        await running.publish(of, world.told(one))
        await until_counted(running, of, 1)
        answer = await running.http.get(
            "/api/metrics/v1/summaries",
            params={"deployment": [str(of.deployment), str(theirs.deployment), str(uuid4())]},
        )
        (line,) = answer.json()["items"]
        assert line["deployment"] == str(of.deployment)
        assert line["predictions"] == sum(line["last_24h"]) == 1
        assert len(line["last_24h"]) == 24
        assert line["latency_p95"] == pytest.approx(0.1, rel=0.011)
        assert line["last_prediction"] is not None


async def test_another_organisations_deployment_does_not_exist(service_runner):
    async with service_runner("metrics") as running:
        of = world.deployment()
        await running.publish(of)
        await world.dashboard(running, of)
        for path in ("dashboard", "drift", "training-data"):
            answer = await running.stranger.get(
                f"/api/metrics/v1/deployments/{of.deployment}/{path}"
            )
            assert answer.status_code == 404
        answer = await running.stranger.put(
            f"/api/metrics/v1/deployments/{of.deployment}/training-data",
            json={"dataset_version": str(uuid4())},
        )
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00+12:00", "2026-01-01T00:00:00Z"),
    ],
)
async def test_a_range_that_cannot_be_is_refused(service_runner, start, end):
    async with service_runner("metrics") as running:
        of = world.deployment()
        await running.publish(of)
        answer = await running.http.get(
            f"/api/metrics/v1/deployments/{of.deployment}/dashboard",
            params={"from": start, "to": end},
        )
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["where"] in ("from", "query.from")


async def test_one_label_and_each_version_have_their_own_numbers(service_runner):
    async with service_runner("metrics") as running:
        of = world.deployment(shadow=world.model(world.V2))
        box = (0.0, 0.0, 320.0, 240.0)
        both = Shapes(classes=[0, 1], scores=[0.92, 0.31], boxes=[box, box])
        one = Shapes(classes=[0], scores=[0.9], boxes=[box])
        some = [
            world.logged(of, shapes=both, shadow=one, latency=0.05),
            world.logged(of, shapes=one, shadow=one, latency=0.05),
            world.logged(of, shapes=both, latency=0.05),
            world.logged(of, shapes=one, shadow=Shapes(classes=[], scores=[]), latency=0.05),
        ]
        gone = world.logged(of, shapes=both, shadow=both)
        await running.publish(of, *(world.told(each) for each in (*some, gone)))
        await until_counted(running, of, 5)
        await running.publish(world.deleted(gone))
        seen = await until_counted(running, of, 4)

        assert [sum(row) for row in seen["shadow"]["labels"]["boxes"]] == [2, 0, 0]
        assert seen["shadow"]["box_count"]["counts"] == [1, 2]
        # The second box of the first is below the threshold: they agree on it.
        total = seen["disagreement"]["total"]
        assert (total["compared"], total["differ"]) == (3, 1)
        assert 0 < total["low"] < 1 / 3 < total["high"] < 1
        assert seen["global_distribution"]["production_counts"] == [4, 2, 0]

        path = f"/api/metrics/v1/deployments/{of.deployment}"
        answer = (await running.http.get(f"{path}/label", params={"name": "car"})).json()
        assert sum(answer["boxes"]) == sum(answer["images"]) == 2
        assert answer["scores"]["counts"][6] == sum(answer["scores"]["counts"]) == 2
        assert sum(answer["box_area"]["counts"]) == 2
        assert answer["heat_map"][0] == 2.0
        assert answer["bucket_seconds"] == 3600
        shadow = (
            await running.http.get(f"{path}/label", params={"name": "person", "model": "shadow"})
        ).json()
        assert sum(shadow["boxes"]) == 2
        none = await running.http.get(f"{path}/label", params={"name": "ship"})
        assert none.status_code == 404

        versions = (await running.http.get(f"{path}/versions")).json()["versions"]
        told = {(one["version"], one["role"]): one for one in versions}
        assert set(told) == {(str(world.V1), "champion"), (str(world.V2), "shadow")}
        champion = told[str(world.V1), "champion"]
        assert champion["predictions"] == sum(champion["volume"]) == 4
        assert champion["latency"]["p95"] == pytest.approx(0.05, rel=0.011)
        assert champion["labels"] == [
            {"label": "person", "boxes": 4}, {"label": "car", "boxes": 2},
        ]  # fmt: skip
        assert told[str(world.V2), "shadow"]["predictions"] == 3
        long = (await running.http.get(f"{path}/versions", params={"from": "2020-01-01"})).json()
        assert sum(long["versions"][0]["volume"]) == 4
        assert len(long["t"]) <= 301


async def test_a_late_shadow_is_compared_and_taken_back_with_its_prediction(service_runner):
    async with service_runner("metrics") as running:
        of = world.deployment(shadow=world.model(world.V2))
        box = (0.0, 0.0, 9.0, 9.0)
        one = world.logged(of, shapes=Shapes(classes=[1], scores=[0.9], boxes=[box]))
        stays = world.logged(of, shapes=Shapes(classes=[], scores=[]))
        late = PredictionShadowLogged(
            deployment=of.deployment, prediction=one.prediction, data=one.data,
            shadow=Output(
                version=world.V2, shapes=Shapes(classes=[0], scores=[0.8], boxes=[box]), latency=0.2
            ),
            event_time=one.event_time, width=640, height=480,
        )  # fmt: skip
        await running.publish(of, world.told(one), world.told(stays), late)

        async def look():
            return (await world.dashboard(running, of))["disagreement"]

        found = await eventually(look)
        assert (found["total"]["compared"], found["total"]["differ"]) == (1, 1)
        await running.publish(world.deleted(one))
        assert await eventually(look, lambda seen: seen is None) is None
        versions = await running.http.get(f"/api/metrics/v1/deployments/{of.deployment}/versions")
        assert [each["predictions"] for each in versions.json()["versions"]] == [1]
