"""Saving reviews: revisions, conflicts, refusals, draws and the queue."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from libs.api.scopes import Scope
from libs.schemas.events import (
    DrawClosed,
    PredictionDeleted,
    PredictionReviewed,
    PredictionShadowLogged,
    PredictionSkipped,
)
from libs.schemas.values import Output, Shapes, Start, TaskType
from services.review.core.lottery import coin
from tests.component.review_world import BOX, World, reviewing
from tests.support.services import Run
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLOOP_REVIEW_DRAW_SECONDS", "0.1")
    monkeypatch.setenv("SIGHTLOOP_REVIEW_WAIT", "0.5")


NOTHING: dict[str, Any] = {"labels": []}


async def queue(world: World, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    while True:
        answer = await world.http.get(f"{world.url}/queue", params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        query["cursor"] = page["next_cursor"]


async def skip(world: World, prediction: UUID) -> httpx.Response:
    return await world.http.post(
        f"{world.url}/predictions/{prediction}/skip", json={"reason": "blurred"}
    )


async def test_a_review_and_its_correction_are_revisions(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        one = world.make(2)
        await world.log(one)
        first = await world.save(one.prediction, start="CHAMPION")
        assert (first.status_code, first.headers["etag"]) == (200, '"1"')
        assert first.json()["shapes"] == {"labels": ["car"], "boxes": [list(BOX)], "polygons": []}
        assert first.json()["reviewer"] == "tester"
        assert (first.json()["draw"], first.json()["pi"]) == (None, None)
        second = await world.save(one.prediction, 1, shapes=NOTHING)
        assert second.json()["revision"] == 2
        detail = await world.get(one.prediction)
        assert (detail["status"], detail["revision"]) == ("REVIEWED", 2)
        assert detail["review"] == second.json()
        assert detail["revisions"] == [first.json(), second.json()]
        told = await world.running.wait_for(PredictionReviewed, 2)
        assert [event.review.revision for event in told] == [1, 2]
        assert told[0].logged == one
        assert told[0].review.start is Start.CHAMPION
        assert told[1].review.shapes.labels == []


async def test_of_simultaneous_saves_exactly_one_wins(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        one = world.make(2)
        await world.log(one)
        answers = await asyncio.gather(*(world.save(one.prediction) for _ in range(5)))
        assert sorted(a.status_code for a in answers) == [200, 409, 409, 409, 409]
        won = next(a.json() for a in answers if a.status_code == 200)
        lost = next(a.json() for a in answers if a.status_code == 409)
        assert lost["type"] == "/problems/review-conflict"
        assert lost["current"] == won
        assert len((await world.get(one.prediction))["revisions"]) == 1


async def test_a_save_says_which_revision_it_is_based_on(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        one = world.make(2)
        await world.log(one)
        url = f"{world.url}/predictions/{one.prediction}/review"
        body = {"shapes": NOTHING, "start": "BLANK"}
        assert (await world.http.put(url, json=body)).status_code == 428
        wrong = await world.http.put(url, json=body, headers={"If-Match": "latest"})
        assert wrong.status_code == 422
        ahead = await world.save(one.prediction, 3)
        assert (ahead.status_code, ahead.json()["current"]) == (409, None)


async def test_wrong_shapes_are_refused_with_their_place(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        one, bare = world.make(1), world.make(2, picture=None)
        await world.log(one, bare)
        refused = await world.save(
            one.prediction,
            shapes={"labels": ["car", "cat"], "boxes": [BOX, (600.0, 0.0, 41.0, 10.0)]},
        )
        assert refused.status_code == 422
        assert [error["where"] for error in refused.json()["errors"]] == [
            "shapes.labels[1]", "shapes.boxes[1]",
        ]  # fmt: skip
        without = await world.save(bare.prediction)
        assert (without.status_code, without.json()["errors"][0]["what"]) == (422, "has no picture")
        assert (await world.save(one.prediction, draw=str(uuid4()))).status_code == 422
        assert (await world.save(uuid4())).status_code == 404
        assert (await world.get(one.prediction))["status"] == "TO_REVIEW"


async def test_a_segmentation_gets_its_boxes_from_its_polygons(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        await world.deploy(TaskType.SEGMENTATION, revision=2)
        one = world.make(0, type=TaskType.SEGMENTATION)
        await world.log(one)
        ring = [[10, 10], [50, 20], [30, 60]]
        bow = [[0, 0], [10, 10], [10, 0], [0, 10]]
        crossed = await world.save(one.prediction, shapes={"labels": ["car"], "polygons": [bow]})
        assert crossed.json()["errors"] == [
            {"where": "shapes.polygons[0]", "what": "crosses itself"}
        ]
        saved = await world.save(one.prediction, shapes={"labels": ["car"], "polygons": [ring]})
        assert saved.json()["shapes"]["boxes"] == [[10, 10, 40, 50]]


async def test_every_picture_is_drawn_once_in_order_of_arrival(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        logged = [world.make(n) for n in range(5)]
        await world.log(*logged[::-1], world.make(7, picture=None))
        (draw,) = await world.drawn(5)
        assert [image.prediction for image in draw.images] == [one.prediction for one in logged]
        assert {image.pi for image in draw.images} == {1.0}
        assert (draw.number, draw.population, draw.uniform) == (1, 5, 1.0)
        await world.log(world.make(8))
        later = (await world.drawn(6))[-1]
        assert (later.number, later.population) == (2, 1)
        served = await queue(world, limit=2)
        assert [item["id"] for item in served] == [
            str(image.prediction) for image in (*draw.images, *later.images)
        ]
        assert served[0]["draw"] == str(draw.draw)
        assert served[0]["pi"] == 1.0
        assert {item["start"] for item in served} == {"COIN_CHAMPION"}


async def test_more_than_a_draw_holds_goes_into_the_next(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        logged = [world.make(n) for n in range(620)]
        await world.log(*logged)
        draws = await world.drawn(620)
        assert max(len(draw.images) for draw in draws) <= 500
        assert [draw.number for draw in draws] == list(range(1, len(draws) + 1))
        drawn = [image.prediction for draw in draws for image in draw.images]
        assert sorted(drawn) == sorted(one.prediction for one in logged)


async def test_a_draw_closes_when_each_image_is_answered_skipped_or_gone(
    service_runner: Run,
) -> None:
    async with reviewing(service_runner) as world:
        logged = [world.make(n) for n in range(4)]
        await world.log(*logged)
        (draw,) = await world.drawn(4)
        a, b, c, d = (image.prediction for image in draw.images)
        saved = await world.save(a, draw=str(draw.draw), start="COIN_CHAMPION")
        assert (saved.json()["draw"], saved.json()["pi"]) == (str(draw.draw), 1.0)
        assert saved.json()["start"] == "COIN_CHAMPION"
        assert (await skip(world, b)).status_code == 204
        assert (await skip(world, b)).status_code == 204
        assert (await skip(world, a)).json()["type"] == "/problems/already-reviewed"
        by_hand = await world.save(c)
        assert by_hand.json()["pi"] is None
        assert [item["id"] for item in await queue(world)] == [str(c), str(d)]
        await world.http.delete(f"{world.url}/predictions/{d}")
        await world.running.wait_for(PredictionDeleted)
        assert world.running.emitted(DrawClosed) == []
        counted = await world.save(c, 1, draw=str(draw.draw))
        assert counted.json()["pi"] == 1.0
        (closed,) = await world.running.wait_for(DrawClosed)
        assert (closed.draw, closed.served, closed.chosen) == (draw.draw, 4, 4)
        (skipped,) = world.running.emitted(PredictionSkipped)
        assert (skipped.prediction, skipped.draw, skipped.pi) == (b, draw.draw, 1.0)
        assert skipped.reason == "blurred"
        assert await queue(world) == []
        late = await world.save(b, draw=str(draw.draw))
        assert late.json()["pi"] == 1.0
        assert len(world.running.emitted(DrawClosed)) == 1


async def test_a_correction_stays_in_its_draw_with_its_first_start(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        await world.log(world.make(1))
        (draw,) = await world.drawn(1)
        one = draw.images[0].prediction
        await world.save(one, draw=str(draw.draw), start="BLANK")
        again = (await world.save(one, 1, start="CHAMPION", shapes=NOTHING)).json()
        assert (again["draw"], again["pi"], again["start"]) == (str(draw.draw), 1.0, "BLANK")


async def test_the_coin_decides_the_start_and_nobody_else(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        shadow = Output(version=uuid4(), shapes=Shapes(classes=[], scores=[]), latency=0.2)
        logged = [world.make(n, shadow=shadow) for n in range(40)]
        await world.log(*logged)
        await world.drawn(40)
        items = await queue(world)
        starts = [item["start"] for item in items]
        assert starts == [item["start"] for item in await queue(world)]
        assert 8 <= starts.count("COIN_SHADOW") <= 32
        for item in items[:2]:
            tossed = coin(UUID(item["id"]), UUID(item["draw"]), has_shadow=True)
            assert item["start"] == tossed
        item = items[0]
        model = item["start"].removeprefix("COIN_")
        other = {"CHAMPION": "SHADOW", "SHADOW": "CHAMPION"}[model]
        claimed = await world.save(item["id"], draw=item["draw"], start=f"COIN_{other}")
        assert claimed.json()["start"] == other


async def test_a_late_shadow_of_a_reviewed_prediction_is_told_with_its_review(
    service_runner: Run,
) -> None:
    async with reviewing(service_runner) as world:
        one = world.make(1)
        await world.log(one)
        await world.save(one.prediction)
        shadow = Output(version=uuid4(), shapes=Shapes(classes=[], scores=[]), latency=0.2)
        late = PredictionShadowLogged(
            deployment=one.deployment, prediction=one.prediction, data=one.data, shadow=shadow,
            event_time=one.event_time, width=640, height=480,
        )  # fmt: skip
        await world.running.publish(late, late)
        _, again = await world.running.wait_for(PredictionReviewed, 2)
        assert again.logged.shadow == shadow
        assert again.review.revision == 1
        held = await eventually(lambda: world.get(one.prediction), lambda item: item["shadow"])
        assert held["shadow"]["version"] == str(shadow.version)
        await world.save(one.prediction, 1)
        assert len(await world.running.wait_for(PredictionReviewed, 3)) == 3


async def test_a_viewer_may_look_and_not_review(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        one = world.make(1)
        await world.log(one)
        token = world.running.token(Scope.PREDICTIONS_READ)
        world.http.headers["Authorization"] = f"Bearer {token}"
        assert (await world.http.get(f"{world.url}/queue")).status_code == 200
        refused = await world.save(one.prediction)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/missing-scope")
        assert (await skip(world, one.prediction)).status_code == 403
        for method, path in (
            ("POST", "/submissions"),
            ("DELETE", f"/predictions/{one.prediction}"),
        ):
            answer = await world.http.request(method, world.url + path, json={})
            assert answer.status_code == 403


async def test_a_new_version_begins_the_queue_anew(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        before, after = [world.make(n) for n in (1, 2)], world.make(3)
        await world.log(*before)
        (first,) = await world.drawn(2)
        await world.save(first.images[0].prediction, draw=str(first.draw))
        await world.deploy(revision=2, shadow=uuid4())
        (closed,) = await world.running.wait_for(DrawClosed)
        assert (closed.draw, closed.served, closed.chosen) == (first.draw, 1, 2)
        await world.log(after)
        await world.drawn(3)
        assert [item["id"] for item in await queue(world)] == [str(after.prediction)]
        late = await world.save(first.images[1].prediction, draw=str(first.draw))
        assert late.status_code == 200
        assert len(world.running.emitted(DrawClosed)) == 1
