"""What answers before the router answers as the router does, and as a model by another hand."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.api.limits import BodyLimits
from libs.bus.driver import BusUnavailable
from libs.schemas.values import TaskType
from tests.support.door import Answer, Door, open_door
from tests.support.predictions import Maker, accepts

seeds = st.integers(0, 2**32)


class Loop:
    """A door on a loop that outlives the examples of a test."""

    def __init__(self, runner: asyncio.Runner, door: Door, deployment: UUID) -> None:
        self.runner = runner
        self.door = door
        self.path = door.prediction_path(deployment)

    def both(self, raw: bytes, rest: str = "", key: str | None = None) -> tuple[Answer, Answer]:
        """The answers of the process and of the router alone; what they published is equal."""

        headers = {"idempotency-key": key} if key else {}

        async def ask() -> tuple[Answer, Answer]:
            self.door.sink.taken.clear()
            front = await self.door.post(self.path + rest, raw, headers=headers)
            first = self.events()
            self.door.sink.taken.clear()
            router = self.door.router
            declared = await self.door.post(self.path + rest, raw, app=router, headers=headers)
            assert first == self.events()
            return front, declared

        return self.runner.run(ask())

    def events(self) -> list[Any]:
        return [
            (msgspec.structs.replace(event.meta, traceparent=None), event.data.logged)
            for event in self.door.logged()
        ]


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    with TemporaryDirectory() as folder, asyncio.Runner() as runner:
        opened = open_door(Path(folder))
        door = runner.run(opened.__aenter__())
        yield Loop(runner, door, runner.run(door.deploy()))
        runner.run(opened.__aexit__(None, None, None))


def is_named(raw: bytes) -> bool:
    """Whether both ways will use the id in it; of no document they make an id of their own."""
    try:
        return json.loads(raw).get("prediction_id") is not None
    except (ValueError, AttributeError):
        return True


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(seed=seeds)
def test_thousands_of_predictions_are_answered_as_declared(loop: Loop, seed: int) -> None:
    maker = Maker(seed)
    for _ in range(50):
        raw = json.dumps(maker.body()).encode()
        loop.door.routed.clear()
        front, declared = loop.both(raw, key="frame 7")
        assert front == declared, raw
        assert (front.status == 201) == accepts(raw), (raw, front.body)
        if front.status == 201:
            assert loop.door.routed == [], "a right prediction has taken the long way"
        else:
            assert front.status in (400, 422)
            assert front.headers["content-type"] == "application/problem+json"


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_mangled_documents_are_answered_as_declared(loop: Loop, seed: int) -> None:
    maker = Maker(seed)
    for _ in range(25):
        raw = maker.mangled()
        front, declared = loop.both(raw, key="frame 7")
        assert front == declared, raw
        assert front.status in (201, 400, 422), raw


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_batches_are_answered_as_declared(loop: Loop, seed: int) -> None:
    maker = Maker(seed)
    lines = [json.dumps(maker.body()).encode() for _ in range(20)]
    lines += [maker.mangled().replace(b"\n", b"") for _ in range(5)]
    maker.random.shuffle(lines)
    lines = [line for line in lines if line.strip() and is_named(line)]
    front, declared = loop.both(b"\n".join(lines), "/batch")
    assert front == declared
    assert front.status == 200
    rows = [json.loads(line) for line in front.body.splitlines() if line]
    right = [accepts(line) for line in lines]
    assert [row["status"] == 201 for row in rows] == right, lines


def good(**more: Any) -> bytes:
    body = {
        "prediction_id": str(uuid4()),
        "filename": "a.png",
        "content_type": "image/png",
        "height": 48,
        "width": 64,
        "latency": 0.02,
        "prediction": {
            "detection_classes": [1],
            "detection_scores": [0.5],
            "detection_boxes": [[1, 2, 3, 4]],
        },
    }
    return json.dumps(body | more).encode()


def without_trace(answer: Answer) -> Answer:
    document = {k: v for k, v in json.loads(answer.body).items() if k != "trace"}
    return Answer(answer.status, {}, json.dumps(document).encode())


HOSTILE = {
    "NaN": b'{"filename": NaN}',
    "Infinity": good().replace(b"0.02", b"Infinity"),
    "beyond any float": good().replace(b"0.02", b"1e999"),
    "an integer of 5,000 digits": good().replace(b"0.02", b"9" * 5000),
    "deep": b"[" * 100_000,
    "deep metadata": good(metadata={}).replace(b"{}", b'{"a":' * 5000 + b"1" + b"}" * 5000),
    "half a surrogate": good().replace(b"a.png", rb"\ud800.png"),
    "half a surrogate in metadata": good(metadata={"x": "y"}).replace(b'"y"', rb'"\udfff"'),
    "no UTF-8": good().replace(b"a.png", b"\xff\xfe"),
    "an id of 10 MB": good(prediction_id="7" * 10_000_000),
    "a filename of 10 MB": good(filename="7" * 10_000_000),
    "a key of 10 MB": good(**{"x" * 10_000_000: 1}),
    "nothing": b"",
    "a NUL": good(filename="a\0"),
    "metadata that no bus takes": good(metadata={"x": "y" * 1_000_000}),
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_hostile_documents_get_a_clear_4xx_and_leave_nothing(loop: Loop, raw: bytes) -> None:
    front, declared = loop.both(raw)
    assert without_trace(front) == without_trace(declared)
    assert front.status in (400, 413, 422)
    assert json.loads(front.body)["detail"]
    assert len(front.body) < 2000
    assert loop.door.sink.taken == []
    assert all(desk.idle for desk in loop.door.parts.desks.values())


def test_of_duplicate_keys_the_last_counts_in_both_ways(loop: Loop) -> None:
    twice = good().replace(b'"width": 64', b'"width": "x", "width": 64')
    front, declared = loop.both(twice)
    assert front == declared


@pytest.mark.parametrize(
    ("days", "flags"),
    [
        (-30, []),
        (-399, []),
        (-401, ["time_behind"]),
        (0.04, []),
        (0.05, ["time_ahead"]),
        (365, ["time_ahead"]),
    ],
)
def test_a_clock_that_is_far_off_is_accepted_and_flagged(
    loop: Loop, days: float, flags: list[str]
) -> None:
    sent = loop.door.clock.now() + timedelta(days=days)
    front, declared = loop.both(good(timestamp=sent.timestamp()))
    assert (front.status, front) == (201, declared)
    ((_, logged),) = loop.events()
    assert logged.flags == flags
    assert abs(logged.event_time - sent) < timedelta(milliseconds=1)


async def test_what_is_unusual_takes_the_declared_route(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        path = door.prediction_path(await door.deploy())
        unusual: list[tuple[dict[str, str], int]] = [
            ({"authorization": "Bearer nonsense"}, 401),
            ({"authorization": ""}, 401),
            ({"content-encoding": "gzip"}, 415),
            ({"idempotency-key": "k" * 300}, 422),
            ({"content-type": "multipart/form-data; boundary=x"}, 400),
        ]
        for headers, status in unusual:
            answer = await door.post(path, good(), headers=headers)
            assert answer.status == status, (headers, answer.body)
            assert len(door.routed) == 1
            door.routed.clear()
        assert (await door.post(path + "/", good())).status in (307, 404)
        assert (await door.post(path.upper(), good())).status == 404
        assert (await door.post(door.prediction_path(uuid4()), good())).status == 404
        assert door.sink.taken == []


async def test_a_body_in_pieces_is_one_body_and_a_caller_that_left_is_none(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        path = door.prediction_path(await door.deploy())
        raw = good()
        answer = await door.post(path, [raw[:10], raw[10:100], raw[100:]])
        assert answer.status == 201
        assert door.routed == []
        waiting = asyncio.create_task(
            door.post(path, [raw[:10], b""], headers={"content-length": "500"})
        )
        assert (await waiting).status == 400
        limited = BodyLimits(body=1000)
    async with open_door(tmp_path, limits=limited) as door:
        path = door.prediction_path(await door.deploy())
        large = await door.post(path, [b"x" * 600, b"x" * 600], headers={"content-length": "700"})
        assert large.status == 413
        assert large.headers["connection"] == "close"


async def test_a_token_that_ends_is_refused_from_then_on(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        path = door.prediction_path(await door.deploy())
        assert (await door.post(path, good())).status == 201
        (claims,) = [door.router.state.verifier.known(door.token)]
        door.router.state.verifier._revoked.add(claims.token)
        assert (await door.post(path, good())).status == 401


async def test_a_fault_of_the_bus_is_503_with_retry_after_and_numbers_begin_anew(
    tmp_path: Path,
) -> None:
    async with open_door(tmp_path) as door:
        path = door.prediction_path(await door.deploy())
        assert (await door.post(path, good())).status == 201
        door.sink.fault = BusUnavailable("away")
        one = await door.post(path, good())
        some = await door.post(path + "/batch", good() + b"\n" + good())
        assert (one.status, some.status) == (503, 503)
        assert one.headers["retry-after"] == some.headers["retry-after"] == "1"
        door.sink.fault = None
        for _ in range(2):
            assert (await door.post(path, good())).status == 201
        first, *later = [(event.data.boot, event.data.sequence) for event in door.logged()]
        assert first[1] == 1
        assert [sequence for _, sequence in later] == [1, 2]
        assert {boot for boot, _ in later} & {first[0]} == set()


async def test_what_waits_during_a_failed_send_makes_no_gap(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        path = door.prediction_path(await door.deploy())
        door.sink.gate = asyncio.Event()
        in_hand = asyncio.create_task(door.post(path, good()))
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(door.post(path, good())) for _ in range(5)]
        for _ in range(10):
            await asyncio.sleep(0)
        door.sink.fault = BusUnavailable("away")
        door.sink.gate.set()
        assert {(await task).status for task in (in_hand, *waiting)} == {503}
        door.sink.gate = door.sink.fault = None
        for _ in range(3):
            assert (await door.post(path, good())).status == 201
        assert [event.data.sequence for event in door.logged()] == [1, 2, 3]
        assert len({event.data.boot for event in door.logged()}) == 1


async def test_numbers_are_in_the_order_of_the_topic(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        paths = [door.prediction_path(await door.deploy()) for _ in range(3)]
        answers = await asyncio.gather(*(door.post(paths[n % 3], good()) for n in range(90)))
        assert {answer.status for answer in answers} == {201}
        for path in paths:
            events = [e.data for e in door.logged() if str(e.data.deployment) in path]
            assert [event.sequence for event in events] == list(range(1, 31))


async def test_a_full_queue_is_503_with_retry_after_and_takes_again_later(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        path = door.prediction_path(await door.deploy())
        door.sink.gate = asyncio.Event()
        limit = door.parts.settings.waiting_limit
        door.parts.room.take(limit - 1, 1)
        first = asyncio.create_task(door.post(path, good()))
        for _ in range(10):
            await asyncio.sleep(0)
        refused = await door.post(path, good())
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        door.sink.gate.set()
        assert (await first).status == 201
        assert (await door.post(path, good())).status == 201
        assert len(door.logged()) == 2


@pytest.mark.parametrize("task", [TaskType.CLASSIFICATION, TaskType.SEGMENTATION])
async def test_other_types_of_models_are_accepted_before_the_router(
    tmp_path: Path, task: TaskType
) -> None:
    answer = {"detection_classes": [2, 0], "detection_scores": [0.2, 0.8]}
    masks = {"detection_masks": [[[0, 0], [9, 0], [9, 9]], [[1, 1], [2, 2], [3, 1]]]}
    async with open_door(tmp_path) as door:
        path = door.prediction_path(await door.deploy(task))
        more = masks if task is TaskType.SEGMENTATION else {}
        sent = await door.post(path, good(prediction=answer | more))
        assert (sent.status, door.routed) == (201, [])
        (event,) = door.logged()
        best_first = task is TaskType.CLASSIFICATION
        assert event.data.logged.champion.shapes.classes == ([0, 2] if best_first else [2, 0])
