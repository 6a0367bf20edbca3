"""Predicted assets: from the bus into lists, whatever comes first, and out again."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from libs.schemas.events import (
    DataDeleted,
    PredictionDeleted,
    PredictionShadowLogged,
    PredictionsScored,
    Score,
)
from libs.schemas.values import Logged, Output, Shapes
from tests.component.review_world import NOON, World, reviewing
from tests.support.services import Run
from tests.support.waiting import eventually


def scored(world: World, **outliers: float) -> PredictionsScored:
    scores = [
        Score(prediction=UUID(name), outlier=value, embedding=bytes(128))
        for name, value in outliers.items()
    ]
    return PredictionsScored(deployment=world.deployment, reference=uuid4(), scores=scores)


def shadow_of(one: Logged) -> PredictionShadowLogged:
    said = Output(version=uuid4(), shapes=Shapes(classes=[], scores=[]), latency=0.2)
    return PredictionShadowLogged(
        deployment=one.deployment, prediction=one.prediction, data=one.data, shadow=said,
        event_time=one.event_time, width=one.width, height=one.height,
    )  # fmt: skip


def names(items: list[dict[str, Any]]) -> list[int]:
    return [int(item["filename"][5:9]) for item in items]


async def test_a_logged_prediction_is_listed_with_its_content(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        one = world.make(3)
        await world.log(one, world.make(4, picture=None))
        bare, listed = await world.browse()
        assert listed["id"] == str(one.prediction)
        assert listed["time"] == "2026-03-01T12:03:00Z"
        assert listed["status"] == "TO_REVIEW"
        assert listed["boxes"] == 3
        assert listed["champion"]["shapes"]["classes"] == [0, 1, 0]
        assert listed["champion"]["shapes"]["polygons"] == []
        assert (listed["shadow"], listed["outlier"], listed["revision"]) == (None, None, 0)
        assert (bare["status"], bare["has_picture"]) == (None, False)
        detail = await world.get(one.prediction)
        assert detail["metadata"] == {"camera": "b"}
        assert (detail["review"], detail["revisions"]) == (None, [])
        assert detail["submission"]["state"] == "none"
        counts = (await world.http.get(f"{world.url}/counts")).json()
        assert counts == {"TO_REVIEW": 1, "REVIEWED": 0, "SUBMITTED": 0, "without_picture": 1}


async def test_a_prediction_told_twice_is_one_and_the_first(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        one = world.make(1)
        again = world.make(2, prediction=one.prediction)
        await world.log(one, again)
        await world.log(again, world.make(3))
        assert names(await world.browse()) == [3, 1]


async def test_every_order_pages_through_every_row_once(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        logged = [world.make(n, event_time=NOON + timedelta(minutes=n // 3)) for n in range(12)]
        await world.log(*logged)
        outliers = {str(one.prediction): n / 12 for n, one in enumerate(logged[:7])}
        await world.running.publish(scored(world, **outliers))
        await eventually(lambda: world.browse(outlier_min=0.0), lambda items: len(items) == 7)

        every = list(range(12))
        newest = await world.browse(limit=5)
        key = [(item["time"], item["id"]) for item in newest]
        assert key == sorted(key, reverse=True)
        assert sorted(names(newest)) == every
        assert names(await world.browse(limit=7, sort="name")) == every
        assert names(await world.browse(limit=7, sort="name", order="desc")) == every[::-1]
        odd = names(await world.browse(limit=5, sort="outlier"))
        assert odd[:7] == list(range(7))[::-1]
        assert sorted(odd) == every
        plain = names(await world.browse(limit=5, sort="outlier", order="asc"))
        assert plain[:7] == list(range(7))
        assert sorted(plain) == every
        shuffled = names(await world.browse(limit=5, sort="random", seed=7))
        assert sorted(shuffled) == every
        assert shuffled != every
        assert shuffled == names(await world.browse(limit=200, sort="random", seed=7))
        starts = {names(await world.browse(sort="random", seed=seed))[0] for seed in range(6)}
        assert len(starts) > 1


async def test_a_cursor_stays_where_it_was_while_predictions_arrive(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        await world.log(*[world.make(n) for n in range(4)])
        page = (await world.http.get(f"{world.url}/predictions", params={"limit": 2})).json()
        await world.log(world.make(9))
        rest = await world.browse(cursor=page["next_cursor"])
        assert names(page["items"]) == [3, 2]
        assert names(rest) == [1, 0]


async def test_filters_narrow_the_list(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        bare = world.make(5, picture=None)
        high = world.make(6, classes=[1, 1])
        strange = world.make(7, champion=Output(
            version=uuid4(), shapes=Shapes(classes=[1], scores=[0.5], boxes=[(0, 0, 1, 1)]),
            latency=0.1,
        ))  # fmt: skip
        await world.log(*[world.make(n) for n in range(4)], bare, high, strange)
        assert names(await world.browse(boxes_min=3)) == [3]
        assert names(await world.browse(has_picture="false")) == [5]
        assert names(await world.browse(status="REVIEWED")) == []
        assert names(await world.browse(label="person")) == [5, 3, 2, 1]
        assert names(await world.browse(label="car")) == [7, 6, 3, 2]
        noon = NOON.isoformat()
        assert names(await world.browse(to=(NOON + timedelta(minutes=2)).isoformat())) == [1, 0]
        assert len(await world.browse(**{"from": noon})) == 7
        unknown = await world.http.get(f"{world.url}/predictions", params={"label": "cat"})
        assert unknown.status_code == 422
        assert unknown.json()["errors"][0]["where"] == "label"


async def test_a_foreign_or_broken_cursor_is_refused(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        await world.log(world.make(1), world.make(2))
        page = (await world.http.get(f"{world.url}/predictions", params={"limit": 1})).json()
        for query in (
            {"cursor": page["next_cursor"], "order": "asc"},
            {"cursor": page["next_cursor"], "sort": "name"},
            {"cursor": "nonsense"},
            {"from": "yesterday"},
            {"from": "0001-01-01T00:00:00+23:00"},
            {"limit": "0"},
        ):
            answer = await world.http.get(f"{world.url}/predictions", params=query)
            assert answer.status_code == 422, query


async def test_a_score_before_its_prediction_waits_for_it(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        one, two = world.make(1), world.make(2)
        await world.log(two)
        both = {str(one.prediction): 0.97, str(two.prediction): 0.5}
        await world.running.publish(scored(world, **both))
        await eventually(lambda: world.get(two.prediction), lambda item: item["outlier"] == 0.5)
        await world.log(one)
        assert (await world.get(one.prediction))["outlier"] == 0.97
        await world.running.publish(scored(world, **{str(one.prediction): 0.2}))
        await eventually(lambda: world.get(one.prediction), lambda item: item["outlier"] == 0.2)


async def test_a_shadow_before_its_prediction_waits_for_it(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        one, two = world.make(1), world.make(2)
        await world.running.publish(shadow_of(one), *world.events(one, two), shadow_of(two))
        for prediction in (one.prediction, two.prediction):
            held = await eventually(
                lambda prediction=prediction: world.get(prediction),  # type: ignore[misc]
                lambda item: item["shadow"] is not None,
            )
            assert held["shadow"]["latency"] == 0.2


async def test_a_deleted_prediction_is_told_in_full_and_never_comes_back(
    service_runner: Run,
) -> None:
    async with reviewing(service_runner) as world:
        one, two = world.make(1), world.make(2)
        await world.log(one, two)
        await world.save(one.prediction)
        gone = await world.http.delete(f"{world.url}/predictions/{one.prediction}?erase=true")
        assert gone.status_code == 204
        (told,) = await world.running.wait_for(PredictionDeleted)
        assert told.logged == one
        assert told.review is not None
        assert told.review.shapes.labels == ["car"]
        assert told.erase
        assert (
            await world.http.delete(f"{world.url}/predictions/{one.prediction}")
        ).status_code == 404
        await world.running.publish(*world.events(one), scored(world, **{str(one.prediction): 1}))
        await world.log(world.make(3))
        assert names(await world.browse()) == [3, 2]


async def test_a_deleted_image_takes_its_prediction_with_it_whichever_comes_first(
    service_runner: Run,
) -> None:
    async with reviewing(service_runner) as world:
        before, after = world.make(1), world.make(2)
        await world.log(before)
        await world.running.publish(
            *[DataDeleted(data=one.data, picture=None, erase=True) for one in (before, after)]
        )
        await world.running.wait_for(PredictionDeleted, 1)
        # Another key, another partition: the deletion of `after` may still be on its way.
        await world.running.publish(*world.events(after))
        told = await world.running.wait_for(PredictionDeleted, 2)
        assert {one.logged.prediction for one in told} == {before.prediction, after.prediction}
        assert all(one.erase for one in told)
        assert await world.browse() == []


async def test_what_belongs_to_another_organisation_is_not_there(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        one = world.make(1)
        await world.log(one)
        item = f"{world.url}/predictions/{one.prediction}"
        stranger = world.running.stranger
        body = {"shapes": {"labels": []}, "start": "BLANK"}
        for method, url, sent in (
            ("GET", f"{world.url}/predictions", None),
            ("GET", item, None),
            ("GET", f"{world.url}/counts", None),
            ("GET", f"{world.url}/queue", None),
            ("PUT", f"{item}/review", body),
            ("POST", f"{item}/skip", {"reason": "blurred"}),
            ("POST", f"{world.url}/submissions", {"all_reviewed": True}),
            ("DELETE", item, None),
        ):
            answer = await stranger.request(method, url, json=sent, headers={"If-Match": '"0"'})
            assert answer.status_code == 404, (method, url, answer.text)
        assert len(await world.browse()) == 1
