"""The query bar: what it finds among predictions, what it refuses, what it proposes."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.schemas.events import PredictionsScored, Score
from libs.schemas.values import DeployedModel, Logged, Output, Shapes, TaskType
from services.review.core.disagreement import disagreement
from tests.component.review_world import BOX, LABELS, World, reviewing
from tests.support.services import Run
from tests.support.waiting import eventually


def said(world: World, version: UUID, *classes: int) -> Output:
    """An answer of boxes apart from one another."""
    x, y, width, height = BOX
    boxes = [(x + 100 * i, y, width, height) for i in range(len(classes))]
    shapes = Shapes(classes=list(classes), scores=[0.9] * len(classes), boxes=boxes)
    return Output(version=version, shapes=shapes, latency=0.1)


async def found(world: World, q: str) -> list[int]:
    """Numbers in the names of what a query finds; the count agrees."""
    items = await world.browse(q=q, sort="name", limit=3)
    counted = await world.http.get(f"{world.url}/predictions/count", params={"q": q})
    assert counted.json() == {"count": len(items)}
    return [int(item["filename"][5:9]) for item in items]


async def test_the_query_bar_finds_what_it_must_be_able_to_say(service_runner: Run) -> None:
    shadow = uuid4()
    async with reviewing(service_runner, shadow=shadow) as world:
        # What is deployed must be known before answers of two models can be compared.
        await eventually(
            lambda: world.http.get(f"{world.url}/counts"), lambda answer: answer.status_code == 200
        )
        both = {"champion": said(world, world.version, 0, 1)}
        logged = [
            world.make(0, tags=["dock", "night"]),
            world.make(1, tags=["night"], source="other line"),
            world.make(2, **both, shadow=said(world, shadow, 0, 1)),
            world.make(3, **both, shadow=said(world, shadow, 1)),
            world.make(4, picture=None),
        ]
        await world.log(*logged)
        scores = [Score(prediction=logged[1].prediction, outlier=0.97, embedding=bytes(128))]
        await world.running.publish(
            PredictionsScored(deployment=world.deployment, reference=uuid4(), scores=scores)
        )
        assert (await world.save(logged[2].prediction)).status_code == 200
        await eventually(lambda: found(world, "outlier > 0.95"), lambda numbers: numbers == [1])

        assert await found(world, "reviewed = True") == [2]
        assert await found(world, "boxes > 1") == [2, 3]
        assert await found(world, 'labels != "car"') == [0, 1, 4]
        assert await found(world, 'labels = "car" and labels = "person"') == [2, 3]
        assert await found(world, "labels = None") == [0, 4]
        assert await found(world, 'tags = "dock" and tags = "night"') == [0]
        assert await found(world, "disagreement > 0.3") == [3]
        assert await found(world, "disagreement = 0") == [2]
        assert await found(world, "shadow = True or outlier = None and boxes > 3") == [2, 3]
        assert await found(world, "status = None") == [4]
        assert await found(world, 'source ~ "OTHER" or filename endswith "3.JPG"') == [1, 3]
        assert await found(world, 'time >= "2026-03-01 12:03" and received > "2026-02"') == [3, 4]
        assert await found(world, "") == [0, 1, 2, 3, 4]

        async def facets(q: str) -> dict[str, Any]:
            answer = await world.http.get(f"{world.url}/predictions/facets", params={"q": q})
            said: dict[str, Any] = answer.json()
            return {
                name: {one["value"]: one["count"] for one in value}
                if isinstance(value, list)
                else value
                for name, value in said.items()
            }

        whole = await facets("")
        assert (whole["looked"], whole["complete"], whole["without_picture"]) == (5, True, 1)
        assert whole["status"] == {"TO_REVIEW": 3, "REVIEWED": 1}
        assert list(whole["labels"]) == list(LABELS)
        assert (whole["labels"]["car"], whole["labels"]["person"]) == (2, 3)
        assert whole["tags"] == {"night": 5, "dock": 1}
        assert whole["sources"]["other line"] == 1
        assert sum(whole["sources"].values()) == 5
        narrow = await facets('tags = "dock" or labels = "car"')
        assert (narrow["looked"], narrow["labels"]["car"]) == (3, 2)
        assert (await facets("boxes > 900"))["looked"] == 0

        wrong = await world.http.get(f"{world.url}/predictions", params={"q": 'labels = "cat"'})
        assert wrong.status_code == 422
        problem = wrong.json()
        assert problem["query"] == {"column": 9, "length": 5, "nearest": ['"car"']}
        assert problem["errors"][0]["where"] == "q"

        async def proposed(q: str) -> list[Any]:
            answer = await world.http.get(f"{world.url}/predictions/completions", params={"q": q})
            return [item["text"] for item in answer.json()["items"]]

        assert await proposed('labels = "c') == ['"car"']
        assert await proposed("dis") == ["disagreement"]


def model(version: UUID, labels: list[str], threshold: float = 0.5) -> DeployedModel:
    return DeployedModel(
        version=version, model=uuid4(), name="m", number=1, threshold=threshold, labels=labels
    )


@pytest.mark.parametrize(
    ("shadow_classes", "shadow_labels", "expected"),
    [
        ([0, 1], ["person", "car"], 0.0),
        ([1, 0], ["car", "person"], 0.0),
        ([0, 1], ["car", "person"], 1.0),
        ([0], ["person", "car"], 1 / 3),
        ([], ["person", "car"], 1.0),
        ([0, 7], ["person"], 0.5),
    ],
)
def test_disagreement_is_one_minus_f1_by_label_name(
    shadow_classes: list[int], shadow_labels: list[str], expected: float
) -> None:
    world = World(running=None, deployment=uuid4())  # type: ignore[arg-type]
    other = uuid4()
    logged: Logged = world.make(
        0, champion=said(world, world.version, 0, 1), shadow=said(world, other, *shadow_classes)
    )
    models = {
        world.version: model(world.version, ["person", "car"]),
        other: model(other, shadow_labels),
    }
    assert disagreement(logged, models) == pytest.approx(expected)
    assert disagreement(logged, {}) is None
    low = {**models, world.version: model(world.version, ["person", "car"], threshold=0.95)}
    expected_low = 0.0 if not shadow_classes else 1.0
    assert disagreement(logged, low) == expected_low


def test_classifiers_disagree_or_not() -> None:
    world = World(running=None, deployment=uuid4())  # type: ignore[arg-type]
    other = uuid4()
    models = {world.version: model(world.version, ["a", "b"]), other: model(other, ["b", "a"])}
    for classes, expected in (([0], 1.0), ([1], 0.0)):
        logged = world.make(
            1,
            type=TaskType.CLASSIFICATION,
            shadow=Output(version=other, shapes=Shapes(classes=classes, scores=[1.0]), latency=0.1),
        )
        assert disagreement(logged, models) == expected
