"""The client: what its call costs beside inference, an absence of the server, and bulk.

.venv/bin/python -m benchmarks.sdk [loop] [absence] [bulk]      (SECONDS_AWAY=10: a shorter absence)

`bulk` compares with the published client (`picsellia`), where it is installed.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The client lies beside, as a distribution of its own.
sys.path.insert(0, str(Path(__file__).parents[1] / "sdk"))

from sightloop.demo.api import Api
from sightloop_sdk import Buffering, Client, Prediction, Record, detections
from sightloop_sdk.convert.pictures import hold
from sightloop_sdk.record import Target, prepare
from tests.sdk.stub import DEPLOYMENT, Stub, serving
from tests.support.models import tiny_detector
from tests.support.platform import Platform, embedded

TOKEN = "the bootstrap token of the benchmarks"
BLOCK_SECONDS = 1.0
PAIRS = 9
RATE = 200
MANY = 10_000
PICTURES = 200
PUBLISHED = 200
ANSWER = detections([[10.0 * n, 5, 10.0 * n + 9, 40] for n in range(8)], [0.9] * 8, [1] * 8)
Frame = NDArray[np.uint8]


def inference(weights: list[NDArray[np.float32]]) -> Prediction:
    """Some 10 ms as a model spends them: matrix products, then Python over the boxes."""
    x = weights[0]
    for w in weights:
        x = np.maximum(x @ w, 0.0) * 0.01
    boxes = [[float(v) for v in x[n, :4]] for n in range(64)]
    kept = sorted(boxes, key=lambda box: -box[0])[:8]
    return detections(kept, [0.9] * len(kept), [1] * len(kept))


@dataclass
class Block:
    """Rounds in a block, seconds of each call (wall and own CPU), CPU of the other threads."""

    rounds: int = 0
    calls: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    behind: float = 0.0


def block(weights: list[NDArray[np.float32]], log: Callable[[Prediction], object] | None) -> Block:
    """A second of the loop."""
    seen = Block()
    end = time.perf_counter() + BLOCK_SECONDS
    others = time.process_time() - time.thread_time()
    while time.perf_counter() < end:
        output = inference(weights)
        seen.rounds += 1
        if log is not None:
            start, own = time.perf_counter(), time.thread_time()
            log(output)
            seen.calls.append(time.perf_counter() - start)
            seen.own.append(time.thread_time() - own)
    seen.behind = time.process_time() - time.thread_time() - others
    return seen


def serve_stub(pipe: Connection) -> None:
    with serving(Stub()) as stub:
        pipe.send(stub.url)
        pipe.recv()


def loop() -> None:
    """The call beside a running loop; blocks with and without it alternate."""
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((400, 400), dtype=np.float32) for _ in range(8)]
    frame = _scene()
    jpeg = _jpeg(frame)
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve_stub, args=(theirs,))
    server.start()
    with tempfile.TemporaryDirectory() as folder, Client(ours.recv(), "t") as client:
        deployment = client.deployment(DEPLOYMENT)
        for what, image in (("no picture", None), ("JPEG of bytes", jpeg), ("array", frame)):
            with deployment.buffered(Buffering(folder=Path(folder))) as monitor:

                def log(output: Prediction, image: Any = image, monitor: Any = monitor) -> None:
                    monitor.monitor(image, 0.01, 480, 640, output)

                def control(output: Prediction, image: Any = image) -> None:
                    # The same work for the caller, with no thread behind it.
                    prepare(Record(image, 0.01, 480, 640, output), Target(), later=True)

                block(weights, log)
                blocks: dict[Any, list[Block]] = {None: [], control: [], log: []}
                for number in range(PAIRS):
                    # The order turns: what the machine does beside hits all alike.
                    kinds = [None, control, log]
                    for kind in kinds[number % 3 :] + kinds[: number % 3]:
                        blocks[kind].append(block(weights, kind))
                        if kind is log:
                            monitor.flush(60)
            _told(what, blocks[None], blocks[control], blocks[log])
    ours.send("end")
    server.join()


def absence(platform: Platform, seconds: float) -> None:
    """The platform is killed while predictions go on; it comes back."""
    deployment = _deployment(platform, "absence")
    up = platform.processes["up"]
    with (
        tempfile.TemporaryDirectory() as folder,
        Client(platform.url, TOKEN) as client,
        client.deployment(deployment).buffered(Buffering(folder=Path(folder))) as monitor,
    ):
        ids = _handed_for(monitor, 5)
        up.kill()
        ids |= _handed_for(monitor, seconds)
        waiting = monitor.report().waiting
        up.start()
        up.wait_ready()
        back = time.monotonic()
        report = monitor.flush(300)
        took = time.monotonic() - back
    with platform.client() as http:
        path = f"/api/ingest/v1/deployments/{deployment}/ledger"
        deadline = time.monotonic() + 120
        while True:
            books = http.get(path).raise_for_status().json()
            if books["in_flight"] == 0 and books["stored"] >= len(ids):
                break
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
    print(f"absence of {seconds:.0f} s at {RATE}/s: {waiting} waited; drained in {took:.1f} s of")
    print(f"  readiness; handed {len(ids)}, accepted {report.accepted}, lost {report.lost};")
    print(f"  the server stored {books['stored']}, repeated {books['duplicate']}")


def bulk(platform: Platform) -> None:
    """`monitor_many` against the published client's `monitor`, in turns."""
    deployment = _deployment(platform, "bulk")
    rng = np.random.default_rng(1)
    small = _jpeg(rng.integers(0, 255, (1, 1, 3)).astype(np.uint8))
    large = _jpeg(rng.integers(0, 255, (240, 320, 3)).astype(np.uint8))
    with Client(platform.url, TOKEN) as client:
        ours = client.deployment(deployment)
        plain = [Record(None, 0.01, 480, 640, ANSWER)] * MANY
        ours.monitor_many(plain[:1000])
        fast = _speed(lambda: len(ours.monitor_many(plain).accepted))
        pictured = [Record(large, 0.01, 300, 400, ANSWER)] * PICTURES
        loaded = _speed(lambda: len(ours.monitor_many(pictured).accepted))
        single = _speed(lambda: _each(lambda: ours.monitor(None, 0.01, 480, 640, ANSWER)))
    print(f"monitor_many of {MANY} without pictures: {fast:.0f}/s; one at a time {single:.0f}/s")
    print(f"monitor_many of {PICTURES} with {len(large) // 1000} kB pictures: {loaded:.0f}/s")
    theirs = _published(platform, "bulk")
    if theirs is None:
        print("  SKIPPED: the published client is not installed (picsellia==6.37.0)")
        return
    for what, picture, own in (("1-pixel", small, fast), ("large", large, loaded)):
        with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
            file.write(picture)
            file.flush()
            speed = _speed(lambda name=file.name: _each(lambda: theirs(name)))  # type: ignore[misc]
        print(f"  published client, {what} pictures: {speed:.0f}/s; ours {own / speed:.1f} ×")


def _published(platform: Platform, name: str) -> Callable[[str], object] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from picsellia import Client as Published  # type: ignore[import-untyped]  # noqa: PLC0415
            from picsellia.types.schemas_prediction import (  # noqa: PLC0415
                DetectionPredictionFormat,
            )
        except ImportError:
            return None
        client = Published(api_token=TOKEN, organization_name="sightloop", host=platform.url)
        deployment = client.get_deployment(name)
        answer = DetectionPredictionFormat(
            detection_classes=ANSWER.detection_classes,
            detection_scores=ANSWER.detection_scores,
            detection_boxes=[[round(v) for v in box] for box in ANSWER.detection_boxes or []],
        )
    return lambda path: deployment.monitor(path, 0.01, 480, 640, answer)


def _deployment(platform: Platform, name: str) -> str:
    api = Api(platform.url, TOKEN)
    try:
        return tiny_detector(api, name=name, labels=("a", "b"))
    finally:
        api.close()


def _handed_for(monitor: Any, seconds: float) -> set[Any]:
    ids = set()
    start = time.monotonic()
    for number in range(int(seconds * RATE)):
        time.sleep(max(0.0, start + number / RATE - time.monotonic()))
        ids.add(monitor.monitor(None, 0.01, 480, 640, ANSWER))
    return ids


def _each(call: Callable[[], object]) -> int:
    for _ in range(PUBLISHED):
        call()
    return PUBLISHED


def _speed(work: Callable[[], int]) -> float:
    start = time.perf_counter()
    return work() / (time.perf_counter() - start)


def _scene() -> Frame:
    """640 × 480 pixels, as smooth as a photograph about (some 60 kB as JPEG)."""
    rng = np.random.default_rng(2)
    y, x = np.mgrid[0:480, 0:640] / 40.0
    waves = 128 + 60 * np.sin(x) * np.cos(y) + 30 * np.sin(3 * x + y)
    noise = rng.normal(0, 6, (480, 640, 3))
    scene: Frame = np.clip(waves[..., None] + noise, 0, 255).astype(np.uint8)
    return scene


def _jpeg(frame: Frame) -> bytes:
    return hold(frame).encoded()


def _told(what: str, plain: list[Block], control: list[Block], logged: list[Block]) -> None:
    def at(blocks: list[Block], name: str, share: float) -> float:
        values: list[float] = sorted(v for one in blocks for v in getattr(one, name))
        return 1e6 * float(values[int(share * (len(values) - 1))])

    ratios = [a.rounds / b.rounds - 1 for a, b in zip(plain, logged, strict=True)]
    low, middle, high = (100 * q for q in statistics.quantiles(ratios, n=4))
    behind = sum(one.behind for one in logged) / len(logged) / BLOCK_SECONDS
    print(
        f"{what}: {statistics.median(one.rounds for one in plain):.0f} rounds/s\n"
        f"  call p50 {at(logged, 'calls', 0.5):.0f}, p99 {at(logged, 'calls', 0.99):.0f} µs; "
        f"own CPU p50 {at(logged, 'own', 0.5):.0f}, p99 {at(logged, 'own', 0.99):.0f} µs; "
        f"without threads behind p99 {at(control, 'calls', 0.99):.0f} µs\n"
        f"  slow-down of the loop {middle:+.1f} % (quartiles {low:+.1f} to {high:+.1f}); "
        f"threads behind take {100 * behind:.1f} % of a core"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=[], metavar="loop|absence|bulk")
    chosen = parser.parse_args().parts or ["loop", "absence", "bulk"]
    if "loop" in chosen:
        loop()
    if {"absence", "bulk"} & set(chosen):
        with tempfile.TemporaryDirectory() as folder, embedded(Path(folder), TOKEN) as platform:
            if "bulk" in chosen:
                bulk(platform)
            if "absence" in chosen:
                absence(platform, float(os.environ.get("SECONDS_AWAY", "60")))


if __name__ == "__main__":
    main()
