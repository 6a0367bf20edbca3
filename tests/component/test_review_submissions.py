"""Submitting: what goes, what is refused, what becomes of it, and of corrections."""

from typing import Any
from uuid import UUID, uuid4

from libs.schemas.events import PredictionReviewed, PredictionSubmitted, SubmissionSettled
from tests.component.review_world import World, reviewing
from tests.support.services import Run
from tests.support.waiting import eventually


async def submit(world: World, **body: Any) -> dict[str, Any]:
    answer = await world.http.post(f"{world.url}/submissions", json=body)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


async def settle(
    world: World, prediction: UUID, revision: int, *, refused: str | None = None
) -> SubmissionSettled:
    settled = SubmissionSettled(
        deployment=world.deployment,
        prediction=prediction,
        revision=revision,
        dataset_version=uuid4(),
        asset=None if refused else uuid4(),
        refused=refused,
    )
    await world.running.publish(settled)
    return settled


async def submission(world: World, prediction: UUID, state: str) -> dict[str, Any]:
    detail = await eventually(
        lambda: world.get(prediction), lambda item: item["submission"]["state"] == state
    )
    held: dict[str, Any] = detail["submission"] | {"status": detail["status"]}
    return held


async def test_a_submission_is_pending_until_it_is_in_a_dataset(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        one = world.make(1)
        await world.log(one)
        await world.save(one.prediction)
        target = uuid4()
        done = await submit(world, predictions=[str(one.prediction)], targets=[str(target)])
        assert done == {"submitted": 1, "refused": []}
        (told,) = await world.running.wait_for(PredictionSubmitted)
        assert (told.logged, told.review.revision) == (one, 1)
        assert (told.targets, told.correction) == ([target], False)
        assert (await submission(world, one.prediction, "pending"))["status"] == "REVIEWED"
        again = await submit(world, predictions=[str(one.prediction)])
        assert again["refused"] == [
            {"prediction": str(one.prediction), "why": "it is on its way already"}
        ]
        settled = await settle(world, one.prediction, 1)
        held = await submission(world, one.prediction, "settled")
        assert held["status"] == "SUBMITTED"
        assert held["asset"] == str(settled.asset)
        assert held["dataset_version"] == str(settled.dataset_version)
        counts = (await world.http.get(f"{world.url}/counts")).json()
        assert counts["SUBMITTED"] == 1
        more = await submit(world, predictions=[str(one.prediction)])
        assert more["refused"][0]["why"] == "it is submitted already"


async def test_what_cannot_be_submitted_says_why(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        fresh, bare, good = world.make(1), world.make(2, picture=None), world.make(3)
        await world.log(fresh, bare, good)
        await world.save(good.prediction)
        ids = [str(one.prediction) for one in (fresh, bare, good)] + [str(uuid4())]
        done = await submit(world, predictions=ids)
        assert done["submitted"] == 1
        assert {one["prediction"]: one["why"] for one in done["refused"]} == {
            ids[0]: "it has no review yet",
            ids[1]: "its picture was not kept",
            ids[3]: "there is no such prediction",
        }
        for body in ({}, {"predictions": ids, "all_reviewed": True}):
            answer = await world.http.post(f"{world.url}/submissions", json=body)
            assert answer.status_code == 422


async def test_all_that_is_reviewed_goes_once(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        logged = [world.make(n) for n in range(6)]
        await world.log(*logged)
        for one in logged[:4]:
            await world.save(one.prediction)
        assert await submit(world, all_reviewed=True) == {"submitted": 4, "refused": []}
        assert await submit(world, all_reviewed=True) == {"submitted": 0, "refused": []}
        told = await world.running.wait_for(PredictionSubmitted, 4)
        assert {event.logged.prediction for event in told} == {one.prediction for one in logged[:4]}


async def test_a_refused_submission_says_why_and_may_go_again(service_runner: Run) -> None:
    async with reviewing(service_runner) as world:
        one = world.make(1)
        await world.log(one)
        await world.save(one.prediction)
        await submit(world, all_reviewed=True)
        await settle(world, one.prediction, 1, refused="the loop names no dataset version")
        held = await submission(world, one.prediction, "refused")
        assert held["status"] == "REVIEWED"
        assert held["refused"] == "the loop names no dataset version"
        assert (await submit(world, all_reviewed=True))["submitted"] == 1
        await settle(world, one.prediction, 1)
        assert (await submission(world, one.prediction, "settled"))["refused"] is None
        # A second target refuses what the first one took.
        await settle(world, one.prediction, 1, refused="labels do not agree")
        two = world.make(2)
        await world.log(two)
        await world.save(two.prediction)
        await settle(world, two.prediction, 1)
        assert (await submission(world, two.prediction, "settled"))["status"] == "SUBMITTED"
        assert (await submission(world, one.prediction, "settled"))["status"] == "SUBMITTED"


async def test_a_correction_of_a_submitted_review_goes_to_the_dataset_uncounted(
    service_runner: Run,
) -> None:
    async with reviewing(service_runner) as world:
        one = world.make(1)
        await world.log(one)
        await world.save(one.prediction)
        await submit(world, all_reviewed=True)
        await settle(world, one.prediction, 1)
        await submission(world, one.prediction, "settled")
        corrected = await world.save(one.prediction, 1, shapes={"labels": []})
        assert corrected.status_code == 200
        _, again = await world.running.wait_for(PredictionSubmitted, 2)
        assert (again.correction, again.review.revision) == (True, 2)
        assert again.review.shapes.labels == []
        assert len(await world.running.wait_for(PredictionReviewed, 2)) == 2
        held = await submission(world, one.prediction, "pending")
        assert held["status"] == "SUBMITTED"
        await settle(world, one.prediction, 2)
        assert (await submission(world, one.prediction, "settled"))["status"] == "SUBMITTED"
