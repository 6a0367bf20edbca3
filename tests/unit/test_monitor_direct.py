"""What is answered without a conversation is answered as declared, byte for byte, on the wire."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.bus.driver import BusUnavailable
from libs.runtime.supervisor import listen
from libs.runtime.wire import make_server
from libs.schemas.events import DeploymentChanged, State
from libs.schemas.values import TaskType
from tests.support.door import Answer, Door, open_door
from tests.support.predictions import Maker
from tests.support.waiting import until
from tests.unit.test_monitor_front import good, without_trace

seeds = st.integers(0, 2**32)
KEPT = {"content-type", "content-length", "retry-after", "www-authenticate", "connection"}


class Counted:
    """The app of a door, its conversations counted."""

    def __init__(self, front: Any) -> None:
        self.direct = front.direct
        self.conversations = 0
        self._front = front

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.conversations += 1
        await self._front(scope, receive, send)


class Site:
    """A door on a socket, and one connection to it."""

    def __init__(self, door: Door, deployment: UUID, app: Counted, server: Any, port: int) -> None:
        self.door = door
        self.deployment = deployment
        self.path = door.prediction_path(deployment)
        self.app = app
        self.server = server
        self.port = port

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    def request(self, raw: bytes, rest: str = "", version: str = "1.1", **more: str) -> bytes:
        headers = {
            "host": "x",
            "authorization": f"Bearer {self.door.token}",
            "content-type": "application/json",
            "content-length": str(len(raw)),
        } | {name.replace("_", "-"): text for name, text in more.items()}
        lines = [f"POST {self.path}{rest} HTTP/{version}"]
        lines += [f"{name.title()}: {text}" for name, text in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + raw

    async def answer(self) -> Answer:
        async with asyncio.timeout(60):
            head = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").rstrip().split("\r\n")
            headers = {name.lower(): text for name, _, text in (x.partition(": ") for x in lines)}
            assert "date" in headers
            body = await self.reader.readexactly(int(headers["content-length"]))
        kept = {name: text for name, text in headers.items() if name in KEPT}
        return Answer(int(first.split()[1]), kept, body)

    async def ask(self, raw: bytes, **more: str) -> Answer:
        self.writer.write(self.request(raw, **more))
        return await self.answer()

    def events(self) -> list[Any]:
        return [
            (msgspec.structs.replace(event.meta, traceparent=None), event.data.logged)
            for event in self.door.logged()
        ]


@asynccontextmanager
async def open_site(
    folder: Path, task: TaskType = TaskType.OBJECT_DETECTION
) -> AsyncIterator[Site]:
    async with open_door(folder) as door:
        listener = listen("127.0.0.1", 0)
        app = Counted(door.front)
        server = make_server(app, patience=1)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        deployment = await door.deploy(task)
        site = Site(door, deployment, app, server, listener.getsockname()[1])
        await site.open()
        try:
            yield site
        finally:
            site.writer.close()
            server.should_exit = True
            await serving


class Loop:
    """A site on a loop that outlives the examples of a test."""

    def __init__(self, runner: asyncio.Runner, site: Site) -> None:
        self.runner = runner
        self.site = site

    def both(self, raw: bytes, *cuts: int, **headers: str) -> tuple[Answer, Answer]:
        """The answers on the wire and of the router alone; what they published is equal."""

        async def ask() -> tuple[Answer, Answer]:
            site = self.site
            site.door.sink.taken.clear()
            whole = site.request(raw, **headers)
            for start, end in zip((0, *cuts), (*cuts, len(whole)), strict=True):
                site.writer.write(whole[start:end])
                await site.writer.drain()
                if end < len(whole):
                    await asyncio.sleep(0.001)
            wire = await site.answer()
            first = site.events()
            site.door.sink.taken.clear()
            told = {name.replace("_", "-"): text for name, text in headers.items()}
            declared = await site.door.post(site.path, raw, app=site.door.router, headers=told)
            assert first == site.events()
            return wire, declared

        return self.runner.run(ask())


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    with TemporaryDirectory() as folder, asyncio.Runner() as runner:
        opened = open_site(Path(folder))
        yield Loop(runner, runner.run(opened.__aenter__()))
        runner.run(opened.__aexit__(None, None, None))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(seed=seeds)
def test_thousands_of_predictions_on_the_wire_are_answered_as_declared(
    loop: Loop, seed: int
) -> None:
    maker = Maker(seed)
    for number in range(50):
        document = maker.body()
        named = document.get("prediction_id") is not None
        raw = json.dumps(document).encode()
        # With a key a head is read anew, without one it may have been read before.
        headers = {} if named else {"idempotency_key": "frame 7"}
        before = loop.site.app.conversations
        cuts = (maker.random.randrange(1, 200 + len(raw)),) if number % 10 == 0 else ()
        wire, declared = loop.both(raw, *cuts, **headers)
        assert wire == declared, raw
        assert (loop.site.app.conversations == before) == (wire.status == 201)


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_mangled_documents_on_the_wire_are_answered_as_declared(loop: Loop, seed: int) -> None:
    maker = Maker(seed)
    for _ in range(25):
        raw = maker.mangled()
        wire, declared = loop.both(raw, idempotency_key="frame 7")
        assert without_trace(wire) == without_trace(declared), raw
        assert wire.headers == declared.headers


@pytest.mark.parametrize("task", [TaskType.CLASSIFICATION, TaskType.SEGMENTATION])
async def test_other_types_of_models_are_answered_directly_too(
    tmp_path: Path, task: TaskType
) -> None:
    answer = {"detection_classes": [2, 0], "detection_scores": [0.2, 0.8]}
    masks = {"detection_masks": [[[0, 0], [9, 0], [9, 9]], [[1, 1], [2, 2], [3, 1]]]}
    more = masks if task is TaskType.SEGMENTATION else {}
    async with open_site(tmp_path, task) as site:
        assert (await site.ask(good(prediction=answer | more))).status == 201
        assert site.app.conversations == 0
        (event,) = site.door.logged()
        best_first = task is TaskType.CLASSIFICATION
        assert event.data.logged.champion.shapes.classes == ([0, 2] if best_first else [2, 0])


async def test_a_head_in_the_same_bytes_is_read_once_and_its_caller_asked_each_time(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path) as site:
        for _ in range(3):
            assert (await site.ask(good())).status == 201
        assert len(site.app.direct.heads) == 1
        assert (await site.ask(good(), idempotency_key="1")).status == 201
        assert len(site.app.direct.heads) == 1
        assert site.app.conversations == 0
        right = good()
        wrong = right[:-1] + b"!"
        statuses = [(await site.ask(raw)).status for raw in (right, wrong, right, wrong, right)]
        assert statuses == [201, 400, 201, 400, 201]
        verifier = site.door.router.state.verifier
        verifier._revoked.add(verifier.known(site.door.token).token)
        assert (await site.ask(good())).status == 401
        verifier._revoked.clear()
        known = site.door.parts.deployments.get(str(site.deployment))
        assert known is not None
        gone = msgspec.structs.replace(known.data, revision=2, state=State.DELETED)
        site.door.parts.deployments._known[str(site.deployment)] = msgspec.structs.replace(
            known, data=gone
        )
        assert isinstance(gone, DeploymentChanged)
        assert (await site.ask(good())).status == 404


async def test_requests_one_behind_the_other_are_answered_in_order(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        sent = [good() for _ in range(7)]
        wrong = good(latency=-1)
        together = [*sent[:3], wrong, *sent[3:]]
        await site.ask(good())
        gate = site.door.sink.gate = asyncio.Event()
        whole = b"".join(map(site.request, together))
        for at in range(0, len(whole), 900):
            site.writer.write(whole[at : at + 900])
            await asyncio.sleep(0)
        gate.set()
        answers = [await site.answer() for _ in together]
        ids = [json.loads(a.body).get("id") for a in answers]
        assert ids == [
            json.loads(raw)["prediction_id"] if raw != wrong else None for raw in together
        ]
        assert [a.status for a in answers].count(422) == 1


@pytest.mark.parametrize(
    ("version", "headers", "closes"),
    [
        ("1.0", {}, True),
        ("1.1", {"connection": "close"}, True),
        ("1.1", {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}, False),
    ],
)
async def test_what_is_unusual_has_a_conversation(
    tmp_path: Path, version: str, headers: dict[str, str], closes: bool
) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.ask(good(), version=version, **headers)
        assert answer.status == 201
        assert site.app.conversations == 1
        assert (answer.headers.get("connection") == "close") == closes


async def test_a_caller_that_asks_whether_to_go_on_is_told_so(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        raw = good()
        head = site.request(raw, expect="100-continue")[: -len(raw)]
        site.writer.write(head)
        async with asyncio.timeout(60):
            assert b" 100 " in await site.reader.readuntil(b"\r\n\r\n")
        site.writer.write(raw)
        assert (await site.answer()).status == 201


async def test_faults_of_the_bus_and_a_full_queue_are_503_and_it_goes_on_afterwards(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path) as site:
        for _ in range(2):
            site.door.sink.fault = BusUnavailable("away")
            told = await site.ask(good())
            assert (told.status, told.headers["retry-after"]) == (503, "1")
            site.door.sink.fault = None
            assert (await site.ask(good())).status == 201
        room, limit = site.door.parts.room, site.door.parts.settings.waiting_limit
        room.take(limit, 1)
        told = await site.ask(good())
        assert (told.status, told.headers["retry-after"]) == (503, "1")
        room.give_back(limit, 1)
        assert (await site.ask(good())).status == 201
        assert site.app.conversations == 0
        assert len(site.door.logged()) == 3


async def test_at_the_end_what_is_in_hand_is_answered_and_its_connection_closed(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path) as site:
        gate = site.door.sink.gate = asyncio.Event()
        site.writer.write(site.request(good()))
        await until(lambda: bool(site.door.parts.desks))
        for connection in list(site.server.server_state.connections):
            connection.shutdown()
        gate.set()
        answer = await site.answer()
        assert (answer.status, answer.headers["connection"]) == (201, "close")
        assert await site.reader.read() == b""


async def test_a_connection_is_closed_when_nothing_is_asked_for_a_while_after_the_last_answer(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path) as site:
        for _ in range(3):
            assert (await site.ask(good())).status == 201
        assert site.app.conversations == 0
        (connection,) = site.server.server_state.connections
        timer = connection.timeout_keep_alive_task
        # It is due for an earlier answer, and while the next is in hand.
        connection.timeout_keep_alive_handler()
        assert connection.timeout_keep_alive_task is not timer
        gate = site.door.sink.gate = asyncio.Event()
        site.writer.write(site.request(good()))
        await until(lambda: not connection.cycle.response_complete)
        connection._answered -= 3600
        connection.timeout_keep_alive_handler()
        gate.set()
        assert (await site.answer()).status == 201
        connection._answered -= 3600
        connection.timeout_keep_alive_handler()
        async with asyncio.timeout(60):
            assert await site.reader.read() == b""


async def test_a_caller_that_left_is_not_answered_and_what_he_sent_is_kept(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        gate = site.door.sink.gate = asyncio.Event()
        site.writer.write(site.request(good()))
        await until(lambda: bool(site.door.parts.desks))
        site.writer.close()
        await until(lambda: not site.server.server_state.connections)
        gate.set()
        await until(lambda: len(site.door.logged()) == 1)
        await site.open()
        assert (await site.ask(good())).status == 201


async def test_after_it_the_method_of_the_existing_client_is_still_understood(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path) as site:
        assert (await site.ask(good())).status == 201
        site.writer.write(b"XGET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await site.answer()).status == 404
        assert (await site.ask(good())).status == 201
