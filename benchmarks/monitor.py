"""The monitor endpoint against bare uvicorn, in one run; and from the call to the dashboard.

    python -m benchmarks.monitor [--seconds N]

Prints requests a second of a bare ASGI application and of the whole embedded platform (every
service in one process, each answer given when the event is durable), their ratio, the batch form,
and the time from a call to the dashboard while 200 predictions a second arrive. The client is a
process of its own on the same cores; it costs both sides the same.
"""

import argparse
import asyncio
import json
import multiprocessing
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx
import uvicorn
import uvloop

from sightloop.demo.api import Api
from tests.support.models import tiny_detector
from tests.support.platform import embedded, free_port

TOKEN = "the bootstrap token of the benchmarks, long enough"
CONNECTIONS = 32


def body(boxes: int = 10) -> bytes:
    """A prediction of about 1.5 KB without a picture."""
    return json.dumps(
        {
            "filename": "belt-000017.jpg", "content_type": "image/jpeg", "height": 480,
            "width": 640, "latency": 0.021, "source": "line 3", "tags": ["night", "belt"],
            "metadata": {"camera": "b", "firmware": "4.2.1", "note": "x" * 600},
            "prediction": {
                "detection_classes": [i % 2 for i in range(boxes)],
                "detection_scores": [round(0.9 - i / 20, 3) for i in range(boxes)],
                "detection_boxes": [[10 + i, 20 + i, 110 + i, 90 + i] for i in range(boxes)],
            },
        }
    ).encode()  # fmt: skip


def request(path: str, content: bytes, kind: str = "application/json") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def bare(
    scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]
) -> None:
    """Reads a body and says 201."""
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


def serve_bare(port: int) -> None:
    uvicorn.run(bare, port=port, log_level="error", access_log=False, lifespan="off")


async def load(port: int, make: Callable[[], bytes], seconds: float) -> tuple[float, float]:
    """(requests a second, p99 in seconds) of closed-loop connections."""
    deadline = time.perf_counter() + seconds
    times: list[float] = []

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < deadline:
            started = time.perf_counter()
            writer.write(make())
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 201 " not in head[:16] and b" 200 " not in head[:16]:
                raise RuntimeError(head.decode())
            at = head.lower().index(b"content-length:") + 15
            await reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
            times.append(time.perf_counter() - started)
        writer.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return len(times) / seconds, statistics.quantiles(times, n=100)[98]


def loaded(port: int, make: Callable[[], bytes], seconds: float) -> tuple[float, float]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(load(port, make, seconds))


def to_dashboard(api: Api, deployment: str, rate: int, seconds: float) -> list[float]:
    """Seconds from a call to the dashboard that counts it, sampled while `rate` a second arrive."""
    path = f"/api/ingest/v1/deployments/{deployment}/predictions/batch"
    line = body()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"}
    delays: list[float] = []
    waiting: list[tuple[float, int]] = []
    with httpx.Client(base_url=api.url, headers=headers, timeout=30) as client:
        dashboard = f"/api/metrics/v1/deployments/{deployment}/dashboard"
        sent = client.get(dashboard).json()["predictions"]
        started = time.monotonic()
        each = rate // 10
        for tick in range(int(seconds * 10)):
            while time.monotonic() < started + tick / 10:
                time.sleep(0.002)
            called = time.monotonic()
            client.post(path, content=b"\n".join([line] * each)).raise_for_status()
            sent += each
            waiting.append((called, sent))
            if tick % 2 == 0:
                seen = client.get(dashboard).json()["predictions"]
                now = time.monotonic()
                delays += [now - at for at, count in waiting if count <= seen]
                waiting = [entry for entry in waiting if entry[1] > seen]
    return delays


def row(what: str, rate: float, unit: str, tail: float) -> None:
    print(f"{what:44} {rate:9.0f} {unit:14} p99 {tail * 1e3:6.1f} ms")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=8.0)
    seconds = arguments.parse_args().seconds
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=serve_bare, args=(port,))
    process.start()
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    one = body()
    plain, plain_tail = loaded(port, lambda: request("/x", one), seconds)
    process.kill()
    process.join()
    row("bare uvicorn", plain, "requests/s", plain_tail)
    with tempfile.TemporaryDirectory() as folder, embedded(Path(folder), TOKEN) as platform:
        api = Api(platform.url, TOKEN)
        deployment = tiny_detector(api)
        there = int(platform.url.rsplit(":", 1)[1])
        path = f"/api/ingest/v1/deployments/{deployment}/predictions"
        single = request(path, one)
        loaded(there, lambda: single, 1.0)
        ours, tail = loaded(there, lambda: single, seconds)
        row("monitor, acknowledged, embedded", ours, "requests/s", tail)
        print(f"{'ratio':44} {ours / plain:9.3f}")
        batch = request(f"{path}/batch", b"\n".join([one] * 50), "application/x-ndjson")
        batches, tail = loaded(there, lambda: batch, seconds)
        row("batches of 50, acknowledged", batches * 50, "predictions/s", tail)
        quiet = tiny_detector(api, name=f"quiet {uuid4()}")
        caught_up(api, deployment)
        delays = to_dashboard(api, quiet, 200, seconds)
        cuts = statistics.quantiles(delays, n=20)
        print(f"{'call to dashboard at 200/s, p50 and p95':44} {cuts[9]:9.2f} {cuts[18]:9.2f} s")
        api.close()


def caught_up(api: Api, deployment: str) -> None:
    """Return when metrics have counted what was stored; says how long it took."""
    started = time.monotonic()
    while True:
        books = api.get(f"/api/ingest/v1/deployments/{deployment}/ledger")
        seen = api.get(f"/api/metrics/v1/deployments/{deployment}/dashboard")["predictions"]
        if books["in_flight"] == 0 and seen == books["stored"]:
            break
        time.sleep(0.2)
    took = time.monotonic() - started
    print(f"{'caught up after the load':44} {took:9.1f} s for {books['stored']} predictions")


if __name__ == "__main__":
    main()
