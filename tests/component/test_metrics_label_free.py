"""The estimate before any label, through the whole service."""

from uuid import uuid4

import pytest

from libs.schemas.values import ReviewShapes, Shapes, TaskType
from services.metrics.core.supervised import label_free
from services.metrics.dto import LabelFreeDto
from tests.component import metrics_world as world
from tests.support.waiting import eventually

BOX, FAR = (10.0, 10.0, 100.0, 100.0), (400.0, 300.0, 60.0, 60.0)


async def asked(running, of, **query):
    answer = await running.http.get(
        f"/api/metrics/v1/deployments/{of.deployment}/label-free", params=query
    )
    assert answer.status_code == 200, answer.text
    LabelFreeDto.model_validate(answer.json())
    return answer.json()


def scenes(of, count, *, since, right):
    """Predictions a minute apart, and reviews that find their box right, or somewhere else."""
    shapes = Shapes(classes=[0], scores=[0.8], boxes=[BOX])
    truth = ReviewShapes(labels=["person"], boxes=[BOX if right else FAR])
    return [
        (world.logged(of, shapes=shapes, time=world.minute(since - i)), truth) for i in range(count)
    ]


@pytest.mark.slow
async def test_numbers_of_images_that_nobody_reviewed_with_their_back_test(
    service_runner, monkeypatch
):
    for name, value in (("LEAST", 8), ("WINDOW", 4)):
        monkeypatch.setattr(label_free, name, value)
    async with service_runner("metrics") as running:
        of = world.deployment()
        draw = uuid4()
        fresh = scenes(of, 20, since=60, right=True)
        await running.publish(of, *(world.told(one) for one, _ in fresh))

        async def look():
            return await asked(running, of)

        seen = await eventually(look, lambda q: q["images"] == 20)
        assert (seen["kind"], seen["reviewed"]) == ("label-free estimate", 0)
        assert [(n["name"], n["state"], n["value"]) for n in seen["numbers"]] == [
            (name, "collecting", None) for name in ("precision", "recall", "f1")
        ]
        assert seen["precision_recall"] is None

        async def review(pairs):
            await running.publish(*(world.told(one) for one, _ in pairs))
            await running.publish(
                *(world.reviewed(one, truth, draw=draw, pi=0.5) for one, truth in pairs)
            )

        await review(scenes(of, 30, since=4000, right=True))
        seen = await eventually(look, lambda q: (q["reviewed"], q["images"]) == (30, 20))
        assert len(seen["t"]) == 5
        for number in seen["numbers"]:
            assert (number["state"], number["value"], number["error"]) == ("on", 1.0, 0.0)
            assert number["estimated"] == number["realised"] == [1.0] * 5
            assert number["low"] is None
        assert seen["precision_recall"]["recall"] == [1.0] * 81 + [0.0] * 20
        assert seen["precision_recall"]["precision"] == [1.0] * 81 + [None] * 20

        # What the boxes are changes, at unchanged scores: reviews show it, and it is off.
        await review(scenes(of, 20, since=3900, right=False))
        seen = await eventually(look, lambda q: (q["reviewed"], q["images"]) == (50, 20))
        for number in seen["numbers"]:
            assert (number["state"], number["value"]) == ("off", None)
            assert number["error"] > seen["limit"]
            assert number["realised"] == [1.0] * 5 + [0.5] + [0.0] * 4
        assert seen["precision_recall"] is None


async def test_a_classifier_has_an_accuracy_and_few_reviews_are_collected(service_runner):
    async with service_runner("metrics") as running:
        of = world.deployment(TaskType.CLASSIFICATION)
        one = world.logged(of, shapes=Shapes(classes=[1, 0], scores=[0.8, 0.1]))
        picked = world.logged(of, shapes=Shapes(classes=[1], scores=[0.8]))
        await running.publish(of, world.told(one), world.told(picked))
        review = ReviewShapes(labels=["car"])
        await running.publish(
            world.reviewed(one, review, draw=uuid4(), pi=0.5), world.reviewed(picked, review)
        )

        async def look():
            return await asked(running, of)

        seen = await eventually(look, lambda q: (q["images"], q["reviewed"]) == (2, 1))
        assert [(n["name"], n["state"]) for n in seen["numbers"]] == [("accuracy", "collecting")]
        missing = await running.http.get(
            f"/api/metrics/v1/deployments/{of.deployment}/label-free", params={"model": "shadow"}
        )
        assert missing.status_code == 404
