"""Servers that are measured beside one another, each in a process of its own.

A server ends with the process that started it, however that one ends.
"""

import asyncio
import contextlib
import ctypes
import gc
import multiprocessing
import os
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import uvicorn
import uvloop
from fastapi import FastAPI, Header
from pydantic import BaseModel, Field, SecretStr
from starlette.types import ASGIApp

from libs.api.app import create_app
from libs.api.health import Report
from libs.api.limits import Bodies, BodyLimits
from libs.api.scopes import Scope
from libs.api.tokens import Claims, Verifier, read_private_key, read_public_key, sign
from libs.blobs.opening import open_blobs
from libs.bus.driver import Sink
from libs.bus.memory import MemoryBus
from libs.bus.open import open_bus
from libs.runtime.service import Context, Service
from libs.runtime.settings import Platform
from libs.runtime.supervisor import Supervisor, listen
from libs.runtime.wire import make_server
from libs.schemas.envelope import Message, Meta, encode
from libs.schemas.events import DeploymentChanged, State
from libs.schemas.ids import uuid7
from libs.schemas.topics import PREDICTIONS, TOPICS
from libs.schemas.values import DeployedModel, TaskType
from libs.store.clock import SystemClock
from libs.store.session import open_database
from services.ingest.service import build
from sightloop.embedded.postgres import EmbeddedPostgres
from sightloop.keys import Keys, make_keys

DEPLOYMENT = UUID(int=7)
_PR_SET_PDEATHSIG = 1

Ready = Callable[[int, str], None]
Door = Callable[[Ready], Coroutine[Any, Any, None]]


class NullSink:
    """Takes everything, at once or after a while."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds

    async def publish(self, messages: Sequence[Message]) -> None:
        if self._seconds:
            await asyncio.sleep(self._seconds)


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """Reads a body and says 201."""
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


class _Format(BaseModel):
    detection_classes: list[int]
    detection_scores: list[float]
    detection_texts: list[str] | None = None
    detection_boxes: list[list[float]] | None = None
    detection_masks: list[list[list[float]]] | None = None


class _Prediction(BaseModel):
    prediction_id: UUID | None = None
    filename: Annotated[str, Field(min_length=1, max_length=1024)]
    content_type: str
    height: Annotated[int, Field(ge=1)]
    width: Annotated[int, Field(ge=1)]
    latency: Annotated[float, Field(ge=0)]
    prediction: _Format
    source: str = "serving"
    tags: list[str] = []
    metadata: dict[str, Any] = {}


class _Answer(BaseModel):
    id: UUID


def usual(send: Callable[[bytes], Awaitable[Any]]) -> FastAPI:
    """The route as it is usually written: pydantic in, one acknowledged send, pydantic out."""
    app = FastAPI()

    @app.post("/api/ingest/v1/deployments/{deployment}/predictions", status_code=201)
    async def log(
        deployment: UUID, body: _Prediction, authorization: Annotated[str, Header()]
    ) -> _Answer:
        await send(body.model_dump_json().encode())
        return _Answer(id=body.prediction_id or uuid4())

    return app


async def _uvicorn(app: ASGIApp, ready: Ready, token: str = "none") -> None:
    listener = listen("127.0.0.1", 0)
    server = make_server(app, patience=1)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, setattr, server, "should_exit", True)
    ready(listener.getsockname()[1], token)
    await server.serve(sockets=[listener])


async def serve_bare(ready: Ready) -> None:
    """uvicorn as it comes, without a log."""
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(bare, lifespan="off", access_log=False, log_level="error")
    ready(listener.getsockname()[1], "none")
    await uvicorn.Server(config).serve(sockets=[listener])


async def serve_usual(ready: Ready, *, kafka: str | None) -> None:
    """FastAPI and `send_and_wait`, to Kafka or to a sink that answers after 2 ms."""
    if kafka is None:
        sink = NullSink(0.002)
        await _uvicorn(usual(lambda _: sink.publish(())), ready)
        return
    from aiokafka import AIOKafkaProducer  # noqa: PLC0415

    async with open_bus(f"kafka://{kafka}", clock=SystemClock()) as bus:
        await bus.ensure([PREDICTIONS])
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        send = partial(producer.send_and_wait, PREDICTIONS.name, key=b"deployment", partition=0)
        await _uvicorn(usual(send), ready)
    finally:
        await producer.stop()


@contextlib.asynccontextmanager
async def open_context(bus: Any, folder: Path, keys: Keys) -> AsyncIterator[Context]:
    """What services are built from, with a bus of the caller's."""
    clock = SystemClock()
    settings = Platform(
        database_url="postgresql+asyncpg://nowhere/{service}",
        bus_url="memory://",
        blobs_url=f"file://{folder}",
        token_public_key=SecretStr(keys.public_key),
    )
    async with (
        open_blobs(settings.blobs_url, public_url="http://x") as blobs,
        httpx.AsyncClient() as http,
    ):
        yield Context(
            settings=settings, clock=clock, bus=bus, blobs=blobs, http=http,
            verifier=Verifier(read_public_key(keys.public_key), clock=clock),
            open_database=lambda name: open_database(name, settings.database_url, clock=clock),
        )  # fmt: skip


async def announce(sink: Sink, organization: UUID) -> None:
    """Make the deployment known, as deployer does."""
    now = SystemClock().now()
    champion = DeployedModel(
        version=uuid4(), model=uuid4(), name="m", number=1, threshold=0.4, labels=["a", "b"]
    )
    event = DeploymentChanged(
        deployment=DEPLOYMENT, revision=1, name="dock", type=TaskType.OBJECT_DETECTION,
        state=State.ACTIVE, champion=champion,
    )  # fmt: skip
    meta = Meta(id=uuid7(now), source="/bench", time=now, organization=organization)
    await sink.publish([encode(event, meta)])


def _token(keys: Keys, organization: UUID) -> str:
    claims = Claims(
        token=uuid4(), name="bench", organization=organization, expires=None,
        scopes=frozenset({Scope.PREDICTIONS_WRITE, Scope.PREDICTIONS_READ}),
    )  # fmt: skip
    return sign(claims, read_private_key(keys.signing_key), now=SystemClock().now())


async def serve_door(ready: Ready, *, sink: Sink | None, kafka: str | None = None) -> None:
    """The monitor endpoint alone: its sink is all that comes after it."""
    clock, organization = SystemClock(), uuid4()
    keys = make_keys(now=clock.now())
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address = f"kafka://{kafka}" if kafka else "memory://"
        bus: Any = await stack.enter_async_context(open_bus(address, clock=clock))
        await bus.ensure(TOPICS)
        await announce(bus.sink, organization)
        if sink is not None:
            assert isinstance(bus, MemoryBus)
            bus.sink = sink  # type: ignore[assignment]
        context = await stack.enter_async_context(open_context(bus, folder, keys))
        service = build(context)
        app = create_app(
            service.routers, parts=[service.parts], verifier=context.verifier,
            report=lambda: Report(()), version="bench", bodies=Bodies(BodyLimits()),
        )  # fmt: skip
        following = [asyncio.create_task(t.run(bus)) for t in context.tables.values()]
        await asyncio.gather(*(table.ready() for table in context.tables.values()))
        front: ASGIApp = app
        for wrap in service.fronts:
            front = wrap(front, Bodies(BodyLimits()))
        # As a process of the platform does when it is ready.
        gc.collect()
        gc.freeze()
        try:
            await _uvicorn(front, ready, _token(keys, organization))
        finally:
            for task in following:
                task.cancel()


async def serve_ingest(ready: Ready, *, kafka: str | None = None) -> None:
    """The whole service with its consumers, on PostgreSQL of its own and the log or Kafka."""
    clock, organization = SystemClock(), uuid4()
    keys = make_keys(now=clock.now())
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder / "pg"))
        for name in ("bench_ingest", "bench_bus"):
            await postgres.create_database(name)
        address = f"kafka://{kafka}" if kafka else postgres.dsn("bench_bus")
        bus = await stack.enter_async_context(open_bus(address, clock=clock))
        context = await stack.enter_async_context(open_context(bus, folder / "blobs", keys))
        context.open_database = lambda name: open_database(
            name, postgres.dsn_template("bench_").replace("{service}", name), clock=clock
        )
        services: list[Service] = [build(context)]
        await bus.ensure(TOPICS)
        await announce(bus.sink, organization)
        listener = listen("127.0.0.1", 0)

        async def on_ready() -> None:
            ready(listener.getsockname()[1], _token(keys, organization))

        supervisor = Supervisor(context, services, version="bench", migrate=True)
        await supervisor.run(listener, on_ready=on_ready)


def _run(door: Door, told: Connection, parent: int) -> None:
    # A killed benchmark runs no clean-up of its own: the kernel tells its children.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(door(lambda port, token: told.send((port, token))))


@dataclass
class Server:
    """A door in a process of its own."""

    name: str
    door: Door

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._told, theirs = context.Pipe()
        self.process = context.Process(
            target=_run, args=(self.door, theirs, os.getpid()), name=self.name
        )
        self.process.start()

    def wait(self) -> None:
        """Return when it answers."""
        deadline = time.monotonic() + 240
        while not self._told.poll(0.1):
            if not self.process.is_alive() or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start")
        self.port, self.token = self._told.recv()
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return

    def cpu(self) -> float:
        """CPU seconds of the process so far, its threads included."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Most resident MB so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) / 1024

    def stop(self) -> None:
        self.process.terminate()
        self.process.join(20)
        if self.process.is_alive():
            self.process.kill()
