"""The monitor endpoint without its consumers: plain ASGI calls, a bus in memory, no database."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import ASGIApp, Message

from libs.api.app import create_app
from libs.api.health import Report
from libs.api.limits import Bodies, BodyLimits
from libs.api.scopes import Scope
from libs.api.tokens import Claims, Verifier, read_private_key, read_public_key, sign
from libs.blobs.opening import open_blobs
from libs.bus.driver import Sink
from libs.bus.memory import MemoryBus
from libs.runtime.service import Context
from libs.runtime.settings import Platform
from libs.schemas.envelope import Message as Published
from libs.schemas.envelope import Meta, Received, decode, encode
from libs.schemas.events import DeploymentChanged, PredictionLogged, State
from libs.schemas.ids import uuid7
from libs.schemas.topics import TOPICS
from libs.schemas.values import DeployedModel, TaskType
from libs.store.session import open_database
from services.ingest.parts import Ingest
from services.ingest.service import build
from sightloop.keys import make_keys
from tests.support.clock import ManualClock

LABELS = ["a", "b", "c"]


class Recorder:
    """A sink that keeps what it took; it waits, or fails, as it is told."""

    def __init__(self) -> None:
        self.taken: list[Published] = []
        self.gate: asyncio.Event | None = None
        self.fault: Exception | None = None

    async def publish(self, messages: Sequence[Published]) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        self.taken += messages


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers`: those a client goes by."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Door:
    """`front` answers as the process does, `router` without what is before it."""

    front: ASGIApp
    router: FastAPI
    parts: Ingest
    sink: Recorder
    bus: MemoryBus
    clock: ManualClock
    token: str
    organization: UUID
    routed: list[str] = field(default_factory=list)

    async def post(
        self,
        path: str,
        content: bytes | Sequence[bytes],
        *,
        app: ASGIApp | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """POST to the process, or to `app`. `content` may come in pieces."""
        pieces = [content] if isinstance(content, bytes) else list(content)
        told = {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
            "content-length": str(sum(map(len, pieces))),
        } | dict(headers or {})
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
            "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
            "scheme": "http", "server": ("x", 1), "client": ("x", 2), "state": {},
            "headers": [(name.encode(), text.encode("latin-1")) for name, text in told.items()],
        }  # fmt: skip
        waiting = list(pieces)
        sent: list[Message] = []

        async def receive() -> Message:
            if not waiting:
                return {"type": "http.disconnect"}
            piece = waiting.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

        async def send(message: Message) -> None:
            sent.append(message)

        await (app or self.front)(scope, receive, send)
        start, *rest = sent
        kept = {"content-type", "content-length", "retry-after", "www-authenticate", "connection"}
        return Answer(
            start["status"],
            {n.decode(): v.decode() for n, v in start["headers"] if n.decode() in kept},
            b"".join(message.get("body", b"") for message in rest),
        )

    async def deploy(
        self, task: TaskType = TaskType.OBJECT_DETECTION, *, shadow: bool = False
    ) -> UUID:
        """A deployment that ingest knows when this returns."""
        now = self.clock.now()
        model = DeployedModel(
            version=uuid4(), model=uuid4(), name="m", number=1, threshold=0.4, labels=LABELS
        )
        changed = DeploymentChanged(
            deployment=uuid4(), revision=1, name="dock", type=task, state=State.ACTIVE,
            champion=model, shadow=model if shadow else None,
        )  # fmt: skip
        meta = Meta(id=uuid7(now), source="/test", time=now, organization=self.organization)
        await self.bus.sink.publish([encode(changed, meta)])
        assert await self.parts.deployments.wait_for(str(changed.deployment), timeout=30)
        return changed.deployment

    def logged(self) -> list[Received[PredictionLogged]]:
        """What the sink took, in its order."""
        events = [decode(message.headers, message.value) for message in self.sink.taken]
        return [event for event in events if isinstance(event.data, PredictionLogged)]  # type: ignore[misc]

    def prediction_path(self, deployment: UUID, rest: str = "") -> str:
        return f"/api/ingest/v1/deployments/{deployment}/predictions{rest}"


@asynccontextmanager
async def open_door(
    folder: Path,
    *,
    limits: BodyLimits | None = None,
    blobs_url: str | None = None,
    sink: Sink | None = None,
) -> AsyncIterator[Door]:
    """Ingest's HTTP side with a caller whose token has been seen before.

    It publishes to `sink`, or to a `Recorder`.
    """
    clock, organization, recorder = ManualClock(), uuid4(), Recorder()
    keys = make_keys(now=clock.now())
    bus = MemoryBus(clock=clock)
    settings = Platform(
        database_url="postgresql+asyncpg://nowhere/{service}",
        bus_url="memory://",
        blobs_url=blobs_url or f"file://{folder}",
        token_public_key=SecretStr(keys.public_key),
    )
    async with (
        open_blobs(settings.blobs_url, public_url="http://x") as blobs,
        httpx.AsyncClient() as http,
    ):
        await bus.ensure(TOPICS)
        context = Context(
            settings=settings, clock=clock, bus=bus, blobs=blobs, http=http,
            verifier=Verifier(read_public_key(keys.public_key), clock=clock),
            open_database=lambda name: open_database(name, settings.database_url, clock=clock),
        )  # fmt: skip
        own: Sink = bus.sink
        bus.sink = sink or recorder  # type: ignore[assignment]
        service = build(context)
        bus.sink = own  # type: ignore[assignment]
        bodies = Bodies(limits or BodyLimits())
        router = create_app(
            service.routers, parts=[service.parts], verifier=context.verifier,
            report=lambda: Report(()), version="test", bodies=bodies,
        )  # fmt: skip
        claims = Claims(
            token=uuid4(), name="tester", organization=organization, expires=None,
            scopes=frozenset({Scope.PREDICTIONS_WRITE}),
        )  # fmt: skip
        token = sign(claims, read_private_key(keys.signing_key), now=clock.now())
        context.verifier.verify(token)
        assert isinstance(service.parts, Ingest)
        door = Door(router, router, service.parts, recorder, bus, clock, token, organization)

        async def routed(scope, receive, send):  # type: ignore[no-untyped-def]  # plain ASGI
            door.routed.append(scope["path"])
            await router(scope, receive, send)

        door.front = routed
        for front in service.fronts:
            door.front = front(door.front, bodies)
        table = asyncio.create_task(service.parts.deployments.run(bus))
        await service.parts.deployments.ready()
        try:
            yield door
        finally:
            table.cancel()
            await asyncio.gather(table, return_exceptions=True)
            for desk in service.parts.desks.values():
                await desk.close()
            await service.parts.database.close()
