"""The loaded models: a stand for each deployment, with a seat for each role.

A seat's `running` is the model that answers: it is replaced by one assignment, and a request in
flight goes on with the one that it has read.
"""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from libs.schemas.envelope import Message
from libs.schemas.values import DeployedModel
from services.serving.core.model import Model

_NEWS = 1000


class Role(StrEnum):
    CHAMPION = "champion"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class Running:
    """A version that answers."""

    deployed: DeployedModel
    model: Model


@dataclass(slots=True)
class Seat:
    """`wanted`: what is deployed; `error`: why it is not running; `unfit`: what never will."""

    wanted: DeployedModel | None = None
    running: Running | None = None
    error: str | None = None
    unfit: DeployedModel | None = None
    loading: bool = False

    @property
    def is_current(self) -> bool:
        return self.running is not None and self.running.deployed == self.wanted


@dataclass(slots=True)
class Stand:
    """The models of a deployment. `asked`: a prediction waits for them; `settled`: look again."""

    champion: Seat = field(default_factory=Seat)
    shadow: Seat = field(default_factory=Seat)
    asked: bool = False
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def seats(self) -> tuple[tuple[Role, Seat], ...]:
        return ((Role.CHAMPION, self.champion), (Role.SHADOW, self.shadow))

    @property
    def is_loaded(self) -> bool:
        return any(seat.running is not None for _, seat in self.seats)


class Shelf:
    """At most `limit` deployments have models; the one that was asked longest ago gives way."""

    def __init__(self, *, limit: int) -> None:
        # In the order of use: the first was used longest ago.
        self._stands: dict[UUID, Stand] = {}
        self._limit = limit
        self._due: dict[UUID, None] = {}
        self._later: set[UUID] = set()
        self._came = asyncio.Event()
        self.news: asyncio.Queue[Message] = asyncio.Queue(_NEWS)

    def ask(self, deployment: UUID) -> None:
        """Have a look at what a deployment should run."""
        self._due[deployment] = None
        self._came.set()

    def ask_later(self, deployment: UUID, seconds: float) -> None:
        """Ask in some seconds; once, however often this is called meanwhile."""
        if deployment not in self._later:
            self._later.add(deployment)
            asyncio.get_running_loop().call_later(seconds, self._ask_now, deployment)

    def _ask_now(self, deployment: UUID) -> None:
        self._later.discard(deployment)
        self.ask(deployment)

    async def next(self) -> UUID:
        """The next deployment to look at."""
        while not self._due:
            self._came.clear()
            await self._came.wait()
        deployment = next(iter(self._due))
        del self._due[deployment]
        return deployment

    def is_due(self, deployment: UUID) -> bool:
        return deployment in self._due

    def stand(self, deployment: UUID) -> Stand:
        """The stand of a deployment, made where there is none."""
        return self._stands.setdefault(deployment, Stand())

    def use(self, deployment: UUID) -> Stand:
        """The same, for a prediction: it counts as used."""
        stand = self._stands.pop(deployment, None) or Stand()
        self._stands[deployment] = stand
        return stand

    def remove(self, deployment: UUID) -> None:
        """Unload a deployment that is gone."""
        stand = self._stands.pop(deployment, None)
        if stand is not None:
            stand.settled.set()

    def make_room(self, deployment: UUID) -> bool:
        """Whether a deployment may have its models loaded; unloads another's if it must."""
        mine = self.stand(deployment)
        loaded = [s for s in self._stands.values() if s.is_loaded and s is not mine]
        if len(loaded) < self._limit:
            return True
        if not (mine.asked or mine.is_loaded):
            return False
        for stand in loaded[: len(loaded) - self._limit + 1]:
            stand.asked = False
            for _, seat in stand.seats:
                seat.running = None
        return True

    def models(self) -> dict[str, Model]:
        """The loaded models by the SHA-256 of their files: none is loaded twice."""
        return {
            seat.running.deployed.onnx.sha256: seat.running.model
            for stand in self._stands.values()
            for _, seat in stand.seats
            if seat.running is not None and seat.running.deployed.onnx is not None
        }

    def tell(self, message: Message) -> None:
        """Have an event published; when too many wait, the oldest is stale enough to go."""
        if self.news.full():
            self.news.get_nowait()
        self.news.put_nowait(message)
