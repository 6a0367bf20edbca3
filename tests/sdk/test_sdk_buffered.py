"""The buffered monitor: what is handed over arrives once, in order, or it says why not."""

import asyncio
import io
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from PIL import Image

from sightloop.dev.process import free_port
from sightloop_sdk import (
    AsyncClient,
    BufferedMonitor,
    Buffering,
    Client,
    InvalidPrediction,
    Loss,
    MonitorClosed,
    NotFlushed,
    Retry,
    SpoolUnusable,
    detections,
)
from tests.sdk.stub import DEPLOYMENT, Stub, serving, until

ROOT = Path(__file__).parents[2]
ANSWER = detections([[1, 2, 3, 4]], [0.5], [1])
QUICK = Retry(first=0.02, most=0.1)
LONG = 60.0


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving(Stub()) as running:
        yield running


def opened(stub: Stub, folder: Path, **policy: Any) -> BufferedMonitor:
    chosen = Buffering(folder=folder, retry=QUICK, linger=0.02, **policy)
    with Client(stub.url, "t", retry=Retry(attempts=1)) as client:
        return client.deployment(DEPLOYMENT).buffered(chosen)


def handed(monitor: BufferedMonitor, count: int, **options: Any) -> list[str]:
    return [str(monitor.monitor(None, 0.01, 10, 10, ANSWER, **options)) for _ in range(count)]


def absent(folder: Path, **policy: Any) -> tuple[BufferedMonitor, int]:
    """A monitor of a server that is away, and the port it will be at."""
    port = free_port()
    return opened(Stub(url=f"http://127.0.0.1:{port}"), folder, **policy), port


def test_all_arrives_once_and_in_order(stub: Stub, tmp_path: Path) -> None:
    with opened(stub, tmp_path) as monitor:
        sent = handed(monitor, 2500, tags=["belt"], metadata={"frame": 7})
        report = monitor.flush(LONG)
    assert stub.order == sent
    assert max(stub.batches) <= 1000
    assert (report.accepted, report.waiting, report.lost) == (2500, 0, 0)
    line = stub.stored[sent[0]]
    assert (line["tags"], line["metadata"]) == (["belt"], {"frame": 7})
    assert abs(line["timestamp"] - time.time()) < LONG
    assert list(tmp_path.glob("*/*")) == []


def test_pictures_go_with_their_predictions(stub: Stub, tmp_path: Path) -> None:
    frame = np.zeros((30, 40, 3), np.uint8)
    with opened(stub, tmp_path) as monitor:
        named = str(monitor.monitor(frame, latency=0.01, prediction=ANSWER))
        left_out = str(monitor.monitor(frame, latency=0.01, prediction=ANSWER, sample=False))
        monitor.flush(LONG)
    assert stub.pictures[named][:3] == b"\xff\xd8\xff"
    assert left_out not in stub.pictures
    assert (stub.stored[named]["width"], stub.stored[named]["height"]) == (40, 30)
    assert stub.stored[named]["content_type"] == "image/jpeg"


def test_while_the_server_is_away_they_wait_and_then_come_in_order(tmp_path: Path) -> None:
    monitor, port = absent(tmp_path)
    sent = handed(monitor, 500)
    until(lambda: monitor.report().trouble is not None, "it is noticed")
    with pytest.raises(NotFlushed, match=r"500 predictions still wait .*cannot be reached"):
        monitor.flush(0.3)
    trouble = monitor.report().trouble
    assert trouble is not None
    assert "cannot be reached" in trouble
    with serving(Stub(), port) as stub:
        sent += handed(monitor, 10)
        assert monitor.flush(LONG).waiting == 0
        monitor.close()
    assert stub.order == sent


def test_busy_lines_are_sent_again_and_refused_ones_are_told(stub: Stub, tmp_path: Path) -> None:
    losses: list[Loss] = []
    tries: dict[str, int] = {}

    def fault(line: dict[str, Any]) -> int | None:
        if "wrong" in line.get("tags", ()):
            return 422
        tries[line["prediction_id"]] = tries.get(line["prediction_id"], 0) + 1
        return 503 if "busy" in line.get("tags", ()) and tries[line["prediction_id"]] < 4 else None

    stub.line_fault = fault
    with opened(stub, tmp_path, on_loss=losses.append) as monitor:
        good = handed(monitor, 5) + handed(monitor, 5, tags=["busy"])
        wrong = handed(monitor, 3, tags=["wrong"])
        report = monitor.flush(LONG)
    assert sorted(stub.order) == sorted(good)
    assert (report.accepted, report.lost, report.losses) == (10, 3, {"rejected": 3})
    until(lambda: len(losses) == 3, "each loss is told")
    assert [str(loss.prediction) for loss in losses] == wrong
    assert losses[0].why == "chosen 422 (HTTP 422)"


def test_a_batch_that_is_too_large_is_halved(stub: Stub, tmp_path: Path) -> None:
    stub.most_lines = 3
    with opened(stub, tmp_path) as monitor:
        sent = handed(monitor, 50)
        assert monitor.flush(LONG).accepted == 50
    assert stub.order == sent
    assert max(stub.batches) <= 3


def test_a_wrong_token_waits_to_be_mended(stub: Stub, tmp_path: Path) -> None:
    monitor = opened(stub, tmp_path)
    stub.answer = 401
    sent = handed(monitor, 3)
    until(lambda: monitor.report().trouble is not None, "it is noticed")
    with pytest.raises(NotFlushed, match="SIGHTLOOP_TOKEN"):
        monitor.flush(0.3)
    stub.answer = None
    assert monitor.flush(LONG).accepted == 3
    monitor.close()
    assert stub.order == sent


def test_at_the_bound_of_the_disk_it_says_what_it_drops_and_why(tmp_path: Path) -> None:
    losses: list[Loss] = []
    monitor, port = absent(tmp_path, max_bytes=10_000, on_loss=losses.append)
    picture = np.random.default_rng(0).integers(0, 255, (40, 40, 3)).astype(np.uint8)
    sent = [str(monitor.monitor(picture, latency=0.01, prediction=ANSWER)) for _ in range(60)]
    until(lambda: monitor._engine._appended + monitor.report().lost == 60, "written or lost")
    report = monitor.report()
    until(lambda: len(losses) == sum(report.losses.values()), "each loss is told")
    dropped = {str(loss.prediction) for loss in losses if loss.reason == "disk bound"}
    without = {str(loss.prediction) for loss in losses if loss.reason == "picture left out"}
    assert report.bytes_on_disk <= 10_000
    assert report.losses == {"disk bound": len(dropped), "picture left out": len(without)}
    assert report.waiting + report.lost == 60
    assert len(dropped) == report.lost > 0
    assert "of at most 10000" in losses[-1].why
    with serving(Stub(), port) as stub:
        monitor.flush(LONG)
        monitor.close()
    kept = [one for one in sent if one not in dropped]
    assert stub.order == kept
    assert set(stub.pictures) == set(kept) - without
    assert len(set(kept) & without) > 0


def test_a_full_queue_drops_and_does_not_wait(stub: Stub, tmp_path: Path) -> None:
    losses: list[Loss] = []
    with opened(stub, tmp_path, queue_bytes=100, on_loss=losses.append) as monitor:
        handed(monitor, 3)
        report = monitor.flush(LONG)
    assert report.losses == {"memory": 3}
    assert {loss.reason for loss in losses} == {"memory"}


def test_a_picture_that_cannot_be_had_later_is_told(stub: Stub, tmp_path: Path) -> None:
    with opened(stub, tmp_path) as monitor:
        monitor.monitor(f"http://127.0.0.1:{free_port()}/a.jpg", 0.01, 10, 10, ANSWER)
        with pytest.raises(InvalidPrediction, match="height and width are missing"):
            monitor.monitor("http://127.0.0.1:1/a.jpg", latency=0.01, prediction=ANSWER)
        assert monitor.flush(LONG).losses == {"picture": 1}


def test_threads_may_hand_over_at_once(stub: Stub, tmp_path: Path) -> None:
    with opened(stub, tmp_path) as monitor:
        with ThreadPoolExecutor(8) as pool:
            groups = list(pool.map(lambda _: handed(monitor, 200), range(8)))
        report = monitor.flush(LONG)
    assert (report.handed, report.accepted) == (1600, 1600)
    for group in groups:
        own = set(group)
        assert [one for one in stub.order if one in own] == group


async def test_on_an_event_loop_the_call_does_not_wait(stub: Stub, tmp_path: Path) -> None:
    async with AsyncClient(stub.url, "t") as client:
        deployment = await client.deployment(DEPLOYMENT)
        policy = Buffering(folder=tmp_path, retry=QUICK)
        async with await deployment.buffered(policy) as monitor:
            sent = [str(monitor.monitor(None, 0.01, 10, 10, ANSWER)) for _ in range(20)]
            ticks = 0
            flushing = asyncio.create_task(monitor.aflush(LONG))
            while not flushing.done():
                await asyncio.sleep(0)
                ticks += 1
            assert (await flushing).accepted == 20
    assert ticks > 1
    assert stub.order == sent


def test_labels_are_known_without_asking_at_each_call(stub: Stub, tmp_path: Path) -> None:
    with opened(stub, tmp_path) as monitor:
        box = {"xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4}
        outputs = [[{"score": 0.5, "label": "nut", "box": box}]] * 5
        for output in outputs:
            monitor.monitor(None, 0.01, 10, 10, output)
        monitor.flush(LONG)
    assert [method for method, _ in stub.requests].count("GET") == 1
    assert {line["prediction"]["detection_classes"][0] for line in stub.stored.values()} == {1}


def test_a_closed_one_says_so_and_closing_twice_is_no_fault(stub: Stub, tmp_path: Path) -> None:
    monitor = opened(stub, tmp_path)
    handed(monitor, 2)
    assert monitor.close().accepted == 2
    assert monitor.close().accepted == 2
    with pytest.raises(MonitorClosed):
        handed(monitor, 1)


def test_what_comes_while_it_is_closed_is_told(stub: Stub, tmp_path: Path) -> None:
    losses: list[Loss] = []
    monitor = opened(stub, tmp_path, on_loss=losses.append)
    monitor.close()
    monitor._closed = False  # as a thread has seen it that another overtook
    handed(monitor, 1)
    report = monitor.report()
    assert (report.lost, report.losses, report.waiting) == (1, {"closed": 1}, 0)


def test_a_folder_that_cannot_be_written_is_told_at_once(stub: Stub, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SpoolUnusable, match="SIGHTLOOP_SPOOL"):
        opened(stub, tmp_path / "file")


def test_a_callback_that_fails_stops_nothing(stub: Stub, tmp_path: Path) -> None:
    def fails(_: Loss) -> None:
        raise RuntimeError("the caller's own fault")

    stub.line_fault = lambda line: 422 if "wrong" in line.get("tags", ()) else None
    with opened(stub, tmp_path, on_loss=fails) as monitor:
        handed(monitor, 1, tags=["wrong"])
        monitor.flush(LONG)
        handed(monitor, 1)
        assert monitor.flush(LONG).accepted == 1


def program(stub_url: str, folder: Path, body: str) -> "subprocess.Popen[str]":
    """A process of its own that has a buffered monitor `monitor`, and does `body`."""
    head = (
        "import os, sys, time\n"
        "from sightloop_sdk import Client, Buffering, Retry, detections\n"
        "from pathlib import Path\n"
        "answer = detections([[1, 2, 3, 4]], [0.5], [1])\n"
        f"client = Client({stub_url!r}, 't', retry=Retry(attempts=1))\n"
        f"policy = Buffering(folder=Path({str(folder)!r}), retry=Retry(first=.02, most=.1))\n"
        f"monitor = client.deployment({str(DEPLOYMENT)!r}).buffered(policy)\n"
        "def hand(): return monitor.monitor(None, 0.01, 10, 10, answer)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "sdk"), "PYTHONWARNINGS": "ignore"}
    return subprocess.Popen(
        [sys.executable, "-c", head + body], env=environment, stdout=subprocess.PIPE, text=True
    )


def told(process: "subprocess.Popen[str]") -> list[str]:
    """The ids that a program printed, once it has ended."""
    out, _ = process.communicate(timeout=LONG)
    return [line for line in out.split() if _is_uuid(line)]


def _is_uuid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


@pytest.mark.slow
def test_the_end_of_the_program_sends_what_waits(stub: Stub, tmp_path: Path) -> None:
    process = program(stub.url, tmp_path, "for _ in range(50): print(hand())")
    assert told(process) == stub.order
    assert process.returncode == 0


@pytest.mark.slow
def test_kill_9_while_the_server_is_away_loses_nothing_that_was_written(tmp_path: Path) -> None:
    port = free_port()
    body = (
        "for _ in range(300): print(hand())\n"
        "while monitor._engine._appended < 300: time.sleep(.01)\n"
        "print('written', flush=True)\n"
        "while True: hand(); time.sleep(.0001)\n"
    )
    process = program(f"http://127.0.0.1:{port}", tmp_path, body)
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or lines[-1] != "written":
        lines.append(process.stdout.readline().strip())
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    before = lines[:-1]
    with serving(Stub(), port) as stub:
        monitor = opened(stub, tmp_path)
        after = handed(monitor, 5)
        report = monitor.flush(LONG)
        monitor.close()
    assert stub.order[:300] == before
    assert stub.order[-5:] == after
    assert stub.repeated == 0
    assert report.adopted == len(stub.order) - 5
    assert list(tmp_path.glob("*/*")) == []


@pytest.mark.slow
def test_kill_9_in_the_middle_of_sending_doubles_nothing(stub: Stub, tmp_path: Path) -> None:
    slow = threading.Event()
    stub.line_fault = lambda _: (slow.wait(0.001), None)[1]
    body = "while True: print(hand(), flush=True); time.sleep(.0005)\n"
    process = program(stub.url, tmp_path, body)
    until(lambda: len(stub.stored) > 200, "some have arrived", within=LONG)
    process.send_signal(signal.SIGKILL)
    printed = told(process)
    slow.set()
    with opened(stub, tmp_path) as monitor:
        monitor.flush(LONG)
    arrived = list(stub.stored)
    # What was handed over in the last milliseconds may be gone, and nothing else.
    there = [one for one in printed if one in stub.stored]
    assert printed[: len(there)] == there == arrived[: len(there)]
    assert len(arrived) - len(there) <= 1


@pytest.mark.slow
def test_a_forked_child_has_a_spool_of_its_own(tmp_path: Path) -> None:
    port = free_port()
    body = (
        "for _ in range(20): print(hand(), flush=True)\n"
        "child = os.fork()\n"
        "for _ in range(20): print(hand(), flush=True)\n"
        "if child: os.waitpid(child, 0)\n"
    )
    with serving(Stub(), port) as stub:
        sent = told(program(stub.url, tmp_path, body))
    assert len(sent) == 60
    assert sorted(stub.order) == sorted(sent)
    assert stub.repeated == 0


def _in_a_child(monitor: BufferedMonitor, ids: "multiprocessing.Queue[str]") -> None:
    for one in handed(monitor, 10):
        ids.put(one)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_children_of_multiprocessing_send_what_they_have(stub: Stub, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    with opened(stub, tmp_path) as monitor:
        handed(monitor, 1)
        ids: Any = context.Queue()
        children = [context.Process(target=_in_a_child, args=(monitor, ids)) for _ in range(2)]
        for child in children:
            child.start()
        sent = [ids.get(timeout=LONG) for _ in range(20)]
        for child in children:
            child.join(LONG)
        monitor.flush(LONG)
    assert [child.exitcode for child in children] == [0, 0]
    assert len(stub.order) == 21
    assert set(sent) < set(stub.order)


def test_the_call_copies_what_may_change(stub: Stub, tmp_path: Path) -> None:
    frame = np.zeros((16, 16, 3), np.uint8)
    metadata = {"n": 1}
    boxes = np.array([[1.0, 2, 3, 4]])
    with opened(stub, tmp_path) as monitor:
        named = str(
            monitor.monitor(
                frame, latency=0.01, prediction=detections(boxes, [0.5], [1]), metadata=metadata
            )
        )
        frame[:], boxes[:], metadata["n"] = 255, 0, 2
        monitor.flush(LONG)
    assert stub.stored[named]["metadata"] == {"n": 1}
    assert stub.stored[named]["prediction"]["detection_boxes"] == [[2, 1, 4, 3]]
    assert _brightest(stub.pictures[named]) == 0


def _brightest(content: bytes) -> int:
    return int(np.asarray(Image.open(io.BytesIO(content))).max())
