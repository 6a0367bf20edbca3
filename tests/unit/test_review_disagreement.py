"""How far champion and shadow disagree on an image, as the review queue sorts it."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from libs.schemas.values import DeployedModel, Logged, Output, Shapes, TaskType
from services.review.core.disagreement import disagreement

BOX = (10.0, 10.0, 40.0, 40.0)
UPPER = [(10.0, 10.0), (50.0, 10.0), (10.0, 50.0)]
LOWER = [(50.0, 50.0), (50.0, 10.0), (10.0, 50.0)]
NOW = datetime(2026, 5, 4, tzinfo=UTC)
MODELS = {
    UUID(int=i): DeployedModel(
        version=UUID(int=i), model=UUID(int=9), name="m", number=i, threshold=0.5, labels=["a", "b"]
    )
    for i in (1, 2)
}


def logged(kind: TaskType, champion: Shapes, shadow: Shapes) -> Logged:
    outputs = [
        Output(version=UUID(int=i), shapes=shapes, latency=0.1)
        for i, shapes in enumerate((champion, shadow), start=1)
    ]
    return Logged(
        deployment=UUID(int=3), prediction=UUID(int=4), data=UUID(int=5), type=kind,
        champion=outputs[0], shadow=outputs[1], filename="a.jpg", content_type="image/jpeg",
        width=640, height=480, source="line", event_time=NOW, receive_time=NOW,
    )  # fmt: skip


def polygons(*rings: list[tuple[float, float]], score: float = 0.9) -> Shapes:
    count = len(rings)
    return Shapes(
        classes=[0] * count, scores=[score] * count, boxes=[BOX] * count, polygons=list(rings)
    )


@pytest.mark.parametrize(
    ("champion", "shadow", "expected"),
    [
        (polygons(UPPER), polygons(UPPER), 0.0),
        (polygons(UPPER), polygons(LOWER), 1.0),
        (polygons(UPPER, LOWER), polygons(LOWER), pytest.approx(1 / 3)),
        (polygons(UPPER), polygons(UPPER, score=0.4), 1.0),
        (polygons(), polygons(), 0.0),
    ],
)
def test_polygons_of_one_box_disagree_where_their_masks_do(champion, shadow, expected):
    assert disagreement(logged(TaskType.SEGMENTATION, champion, shadow), MODELS) == expected


def test_boxes_are_compared_as_shown_at_each_threshold_and_by_the_names_of_their_labels():
    one = Shapes(classes=[0, 1], scores=[0.9, 0.3], boxes=[BOX, BOX])
    other = Shapes(classes=[1], scores=[0.8], boxes=[BOX])
    assert disagreement(logged(TaskType.OBJECT_DETECTION, one, one), MODELS) == 0.0
    assert disagreement(logged(TaskType.OBJECT_DETECTION, one, other), MODELS) == 1.0
    crossed = MODELS | {
        UUID(int=2): DeployedModel(
            version=UUID(int=2), model=UUID(int=9), name="m", number=2, threshold=0.5,
            labels=["b", "a"],
        )
    }  # fmt: skip
    assert disagreement(logged(TaskType.OBJECT_DETECTION, one, other), crossed) == 0.0
