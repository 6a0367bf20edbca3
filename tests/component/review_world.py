"""A deployment with predictions, as the review service gets them from the bus."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from libs.schemas.envelope import Event
from libs.schemas.events import DeploymentChanged, DrawOpened, PredictionLogged, State
from libs.schemas.values import DeployedModel, Logged, Output, Picture, Shapes, TaskType
from tests.support.services import Run, RunningServices
from tests.support.waiting import eventually

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LABELS = ["person", "car"]
BOX = (10.0, 20.0, 30.0, 40.0)


@dataclass
class World:
    """One deployment, and what was logged there."""

    running: RunningServices
    deployment: UUID = field(default_factory=uuid4)
    version: UUID = field(default_factory=uuid4)
    logged: list[Logged] = field(default_factory=list)

    @property
    def http(self) -> httpx.AsyncClient:
        return self.running.http

    @property
    def url(self) -> str:
        return f"/api/review/v1/deployments/{self.deployment}"

    async def deploy(
        self,
        task: TaskType = TaskType.OBJECT_DETECTION,
        revision: int = 1,
        shadow: UUID | None = None,
    ) -> None:
        champion, beside = (
            DeployedModel(
                version=version, model=uuid4(), name="dock", number=1, threshold=0.4, labels=LABELS
            )
            if version
            else None
            for version in (self.version, shadow)
        )
        assert champion is not None
        await self.running.publish(
            DeploymentChanged(
                deployment=self.deployment, revision=revision, name="dock", type=task,
                state=State.ACTIVE, champion=champion, shadow=beside,
            )
        )  # fmt: skip

    def make(self, number: int, **changed: Any) -> Logged:
        """The content of the n-th prediction: n boxes modulo 4, one minute after the last."""
        task = changed.pop("type", TaskType.OBJECT_DETECTION)
        boxes = number % 4
        detected = task is TaskType.OBJECT_DETECTION
        shapes = Shapes(
            classes=changed.pop("classes", [i % 2 for i in range(boxes)]),
            scores=[0.9 - i / 10 for i in range(boxes)],
            boxes=[BOX] * boxes if detected else [],
        )
        time = NOON + timedelta(minutes=number)
        values: dict[str, Any] = {
            "deployment": self.deployment,
            "prediction": uuid4(),
            "data": uuid4(),
            "type": task,
            "champion": Output(version=self.version, shapes=shapes, latency=0.1),
            "filename": f"belt-{number:04}.jpg",
            "content_type": "image/jpeg",
            "width": 640,
            "height": 480,
            "source": "line 3",
            "tags": ["night"],
            "metadata": {"camera": "b"},
            "event_time": time,
            "receive_time": time,
            "picture": Picture(
                key=f"ingest/{number}", sha256="00" * 32, size=1, content_type="image/jpeg"
            ),
        }
        return Logged(**values | changed)

    async def log(self, *logged: Logged) -> None:
        """Log predictions and wait until they are listed."""
        first = len(self.logged) + 1
        self.logged += logged
        await self.running.publish(*self.events(*logged, first=first))
        for one in logged[-1:]:
            await self.get(one.prediction)

    def events(self, *logged: Logged, first: int = 1) -> list[Event]:
        boot = uuid4()
        return [
            PredictionLogged(logged=one, boot=boot, sequence=first + i)
            for i, one in enumerate(logged)
        ]

    async def get(self, prediction: UUID) -> dict[str, Any]:
        """A prediction's detail, once it is there."""

        async def look() -> httpx.Response:
            return await self.http.get(f"{self.url}/predictions/{prediction}")

        answer = await eventually(look, lambda response: response.status_code == 200)
        body: dict[str, Any] = answer.json()
        return body

    async def browse(self, **query: Any) -> list[dict[str, Any]]:
        """Every item of a list, page by page."""
        items: list[dict[str, Any]] = []
        while True:
            answer = await self.http.get(f"{self.url}/predictions", params=query)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            query["cursor"] = page["next_cursor"]

    async def save(self, prediction: UUID, revision: int = 0, **body: Any) -> httpx.Response:
        """Save a review of one car, unless `body` says otherwise."""
        shapes = {"labels": ["car"], "boxes": [BOX]}
        return await self.http.put(
            f"{self.url}/predictions/{prediction}/review",
            json={"shapes": shapes, "start": "BLANK", "draw": None} | body,
            headers={"If-Match": f'"{revision}"'},
        )

    async def drawn(self, count: int) -> list[DrawOpened]:
        """The draws, once they hold `count` images together."""

        async def look() -> list[DrawOpened]:
            return self.running.emitted(DrawOpened)

        return await eventually(
            look, lambda draws: sum(len(draw.images) for draw in draws) >= count
        )


@asynccontextmanager
async def reviewing(service_runner: Run, *, shadow: UUID | None = None) -> AsyncIterator[World]:
    """The review service, running, with one deployment."""
    async with service_runner("review") as running:
        world = World(running)
        await world.deploy(shadow=shadow)
        yield world
