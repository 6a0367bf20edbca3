"""A deployment as metrics sees it: what other services say of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import numpy as np

from libs.schemas.events import (
    DeploymentChanged,
    PredictionDeleted,
    PredictionLogged,
    PredictionReviewed,
    State,
)
from libs.schemas.values import (
    DeployedModel,
    Logged,
    Output,
    Picture,
    Review,
    ReviewShapes,
    Shapes,
    Start,
    TaskType,
)

LABELS = ["person", "car", "truck"]
V1, V2 = uuid4(), uuid4()
BOOT = uuid4()


def model(version: UUID = V1, labels: list[str] = LABELS) -> DeployedModel:
    return DeployedModel(
        version=version, model=uuid4(), name="dock", number=1, threshold=0.5, labels=labels
    )


def deployment(kind: TaskType = TaskType.OBJECT_DETECTION, **fields) -> DeploymentChanged:
    values = {
        "deployment": uuid4(),
        "revision": 1,
        "name": "Dock detector",
        "type": kind,
        "state": State.ACTIVE,
        "champion": model(),
    }
    return DeploymentChanged(**{**values, **fields})


def minute(offset: float = 0.0) -> datetime:
    """A time within the last hours, minutes back."""
    now = datetime.now(UTC).replace(microsecond=0)
    return now - timedelta(minutes=offset)


def detections(rng: np.random.Generator, count: int, *, classes: int = 3) -> Shapes:
    sizes = rng.uniform(10, 200, (count, 2))
    corners = rng.uniform(0, 1, (count, 2)) * (np.array([640, 480]) - sizes)
    boxes = np.concatenate([corners, sizes], axis=1).round(2)
    return Shapes(
        classes=rng.integers(0, classes, count).tolist(),
        scores=rng.uniform(0.05, 1, count).round(4).tolist(),
        boxes=[tuple(box) for box in boxes.tolist()],
    )


def logged(
    of: DeploymentChanged,
    *,
    shapes: Shapes,
    shadow: Shapes | None = None,
    latency: float = 0.02,
    time: datetime | None = None,
    picture: Picture | None = None,
    prediction: UUID | None = None,
    source: str = "line",
    tags: list[str] | None = None,
) -> Logged:
    when = time or minute()
    prediction = prediction or uuid4()
    return Logged(
        deployment=of.deployment,
        prediction=prediction,
        data=uuid4(),
        type=of.type,
        champion=Output(version=of.champion.version, shapes=shapes, latency=latency),
        shadow=None if shadow is None else Output(version=V2, shapes=shadow, latency=latency * 2),
        filename="a.jpg",
        content_type="image/jpeg",
        width=640,
        height=480,
        source=source,
        tags=tags or [],
        event_time=when,
        receive_time=datetime.now(UTC),
        picture=picture,
    )


def told(one: Logged, sequence: int = 1) -> PredictionLogged:
    return PredictionLogged(logged=one, boot=BOOT, sequence=sequence)


def reviewed(
    one: Logged,
    shapes: ReviewShapes,
    *,
    revision: int = 1,
    draw: UUID | None = None,
    pi: float | None = None,
) -> PredictionReviewed:
    return PredictionReviewed(
        logged=one,
        review=Review(
            shapes=shapes,
            revision=revision,
            reviewer="ada",
            reviewed_time=datetime.now(UTC),
            start=Start.BLANK,
            draw=draw,
            pi=pi,
        ),
    )


def deleted(one: Logged) -> PredictionDeleted:
    return PredictionDeleted(logged=one, review=None, reason="asked")


async def dashboard(running, of: DeploymentChanged, **query):
    answer = await running.http.get(
        f"/api/metrics/v1/deployments/{of.deployment}/dashboard", params=query
    )
    assert answer.status_code == 200, answer.text
    return answer.json()
