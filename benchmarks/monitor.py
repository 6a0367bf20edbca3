"""The monitor endpoint beside bare uvicorn and the usual way, in one run.

    python -m benchmarks.monitor [--rounds N] [--seconds N]

Every server is a process of its own and all are up at once; a round asks each of them in turn, so
that whatever else the machine does meets all alike. Rates are medians over the rounds, ratios
medians of the rounds' ratios. `CPU` is what the server's process took for an answer: it says what a
core does where the load generator and the broker are elsewhere. Real Kafka takes part where
`sightloop dev fetch` has put it.
"""

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._doors import (
    DEPLOYMENT,
    Door,
    NullSink,
    Server,
    serve_bare,
    serve_door,
    serve_ingest,
    serve_usual,
)
from benchmarks._load import Load, Measured
from libs.blobs.opening import open_blobs
from sightloop.dev.kafka import KafkaBroker
from sightloop.dev.part import Missing

TOKEN = "the bootstrap token of the benchmarks, long enough"
PATH = f"/api/ingest/v1/deployments/{DEPLOYMENT}/predictions"
BARE, USUAL, USUAL_KAFKA = "bare uvicorn", "usual route, sink of 2 ms", "usual route, Kafka"
NULL, TWO, KAFKA = "monitor, no sink", "monitor, sink of 2 ms", "monitor, Kafka"
EMBEDDED = "ingest with its consumers, embedded log"
BATCH = 50
# 64 callers that wait 2 ms for each answer ask 32,000 times a second at most, and far less where
# they share the machine: a server that is not always busy would be compared with their waiting.
CALLERS, BATCHING = 256, 16


def body(boxes: int = 10) -> bytes:
    """A prediction of about 1.5 KB without a picture."""
    return json.dumps(
        {
            "filename": "belt-000017.jpg", "content_type": "image/jpeg", "height": 480,
            "width": 640, "latency": 0.021, "source": "line 3", "tags": ["night", "belt"],
            "metadata": {"camera": "b", "firmware": "4.2.1", "note": "x" * 900},
            "prediction": {
                "detection_classes": [i % 2 for i in range(boxes)],
                "detection_scores": [round(0.9 - i / 20, 3) for i in range(boxes)],
                "detection_boxes": [[10 + i, 20 + i, 110 + i, 90 + i] for i in range(boxes)],
            },
        }
    ).encode()  # fmt: skip


def request(path: str, content: bytes, token: str, kind: str = "application/json") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


@dataclass
class Line:
    """What was measured of one server in the rounds."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    refused: int = 0

    def add(self, measured: Measured, cpu: float, seconds: float, each: int) -> None:
        answered = measured.rate * seconds * each
        self.rates.append(measured.rate * each)
        self.cpu.append(cpu / answered * 1e6 if answered else float("nan"))
        self.p99.append(measured.p99)
        self.refused += measured.refused


def measure(
    load: Load, server: Server, line: Line, asked: bytes, seconds: float, *, each: int = 1
) -> None:
    before = server.cpu()
    measured = load.run(
        server.port, [asked], seconds, connections=CALLERS if each == 1 else BATCHING
    )
    line.add(measured, server.cpu() - before, seconds, each)


def shown(name: str, line: Line, beside: Line | None, unit: str) -> None:
    ratio = ratio_cpu = ""
    if beside is not None:
        ratio = f"{median(a / b for a, b in zip(line.rates, beside.rates, strict=True)):.2f}"
        ratio_cpu = f"{median(b / a for a, b in zip(line.cpu, beside.cpu, strict=True)):.2f}"
    print(
        f"{name:44} {median(line.rates):9,.0f} {unit:13} {ratio:>6} {median(line.cpu):8.1f} us"
        f" {ratio_cpu:>6} {median(line.p99) * 1e3:8.1f} ms"
        + f"  {line.refused} refused"
        * (line.refused > 0)
    )


@contextmanager
def kafka() -> Iterator[str | None]:
    """A broker for the run; None where Kafka is not in the cache."""
    if isinstance(found := KafkaBroker.available(), Missing):
        print(f"without Kafka: {found.reason}")
        yield None
        return
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        broker = KafkaBroker(Path(folder))
        runner.run(broker.start())
        try:
            yield broker.bootstrap_servers
        finally:
            runner.run(broker.stop())


def tail_at_half_load(load: Load, server: Server, line: Line, seconds: float) -> None:
    half = median(line.rates) / 2
    measured = load.run(server.port, [request(PATH, body(), server.token)], seconds, rate=half)
    p50, p99 = measured.p50 * 1e3, measured.p99 * 1e3
    print(f"{f'{server.name}, at {half:,.0f}/s':44} p50 {p50:.1f} ms, p99 {p99:.1f} ms")


def under_twice_the_load(load: Load, server: Server, seconds: float) -> None:
    asked = request(PATH, body(), server.token)
    once = load.run(server.port, [asked], seconds, connections=256)
    twice = load.run(server.port, [asked], seconds, connections=1500)
    print(
        f"{f'{server.name}, 256 and 1,500 callers at once':44} {once.rate:9,.0f} and "
        f"{twice.rate:,.0f} requests/s, {twice.refused} refused; "
        f"at most {server.memory():.0f} MB resident"
    )


def pictures(load: Load, server: Server, seconds: float) -> None:
    """100 kB pictures in multipart bodies, beside puts of the same bytes into the same store."""
    taken = [_png(100_000) for _ in range(BATCHING)]
    kind = "multipart/form-data; boundary=b7d1"
    asked = [request(PATH, _form(picture), server.token, kind) for picture in taken]
    before = process_time()
    puts = asyncio.run(_puts(taken, seconds))
    put_cpu = (process_time() - before) / (puts * seconds) * 1e6
    before = server.cpu()
    logged = load.run(server.port, asked, seconds, connections=BATCHING)
    cpu = (server.cpu() - before) / (logged.rate * seconds) * 1e6
    print(
        f"{'pictures of 100 kB, multipart; bare puts':44} {logged.rate:9,.0f} and {puts:,.0f} "
        f"a second, ratio {logged.rate / puts:.2f}; CPU {cpu:,.0f} and {put_cpu:,.0f} us, "
        f"{put_cpu / cpu:.2f}; {logged.refused} refused"
    )


def _form(picture: bytes) -> bytes:
    field = b"--b7d1\r\nContent-Disposition: form-data; name=%b"
    return b"\r\n".join(
        [
            field % b"prediction\r\n",
            body().replace(b"image/jpeg", b"image/png"),
            field % b"image; filename=a.png\r\nContent-Type: image/png\r\n",
            picture,
            b"--b7d1--\r\n",
        ]
    )


async def _puts(pictures: list[bytes], seconds: float) -> float:
    with tempfile.TemporaryDirectory() as folder:
        async with open_blobs(f"file://{folder}", public_url="http://x") as blobs:
            until, done = time.perf_counter() + seconds, 0

            async def put(picture: bytes) -> None:
                nonlocal done
                while time.perf_counter() < until:
                    await blobs.put(f"x/{uuid4()}", picture, content_type="image/png")
                    done += 1

            await asyncio.gather(*map(put, pictures))
            return done / seconds


def _png(size: int) -> bytes:
    import io  # noqa: PLC0415

    from PIL import Image  # noqa: PLC0415

    side = int((size / 3) ** 0.5)
    out = io.BytesIO()
    Image.frombytes("RGB", (side, side), secrets.token_bytes(side * side * 3)).save(out, "PNG")
    return out.getvalue()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--seconds", type=float, default=1.0)
    given = arguments.parse_args()
    with ExitStack() as stack:
        broker = stack.enter_context(kafka())
        doors: dict[str, Door] = {
            BARE: serve_bare,
            USUAL: partial(serve_usual, kafka=None),
            NULL: partial(serve_door, sink=NullSink()),
            TWO: partial(serve_door, sink=NullSink(0.002)),
            EMBEDDED: serve_ingest,
        }
        if broker is not None:
            doors[USUAL_KAFKA] = partial(serve_usual, kafka=broker)
            doors[KAFKA] = partial(serve_door, sink=None, kafka=broker)
        load = Load()
        stack.callback(load.close)
        servers = [Server(name, door) for name, door in doors.items()]
        for server in servers:
            server.start()
            stack.callback(server.stop)
        for server in servers:
            server.wait()
        run(load, servers, given.rounds, given.seconds)


def run(load: Load, servers: list[Server], rounds: int, seconds: float) -> None:
    one, many = body(), b"\n".join([body()] * BATCH)
    singles = {server.name: Line() for server in servers}
    batches = {server.name: Line() for server in servers if server.token != "none"}
    for number in range(rounds + 1):
        if number == 1:  # the first round warms up
            singles = {name: Line() for name in singles}
            batches = {name: Line() for name in batches}
        for server in servers:
            asked = request(PATH, one, server.token)
            measure(load, server, singles[server.name], asked, seconds)
        for server in servers:
            if server.name in batches:
                asked = request(f"{PATH}/batch", many, server.token, "application/x-ndjson")
                measure(load, server, batches[server.name], asked, seconds, each=BATCH)
    print(f"{'':44} {'':9} {'':13} {'ratio':>6} {'CPU':>11} {'ratio':>6} {'p99':>11}")
    for name, line in singles.items():
        shown(name, line, None if name == BARE else singles[BARE], "requests/s")
    for name, line in batches.items():
        shown(f"{name}, batches of {BATCH}", line, None, "predictions/s")
    by_name = {server.name: server for server in servers}
    for name in (TWO, EMBEDDED, KAFKA):
        if name in by_name:
            tail_at_half_load(load, by_name[name], singles[name], 3 * seconds)
    under_twice_the_load(load, by_name[EMBEDDED], 3 * seconds)
    pictures(load, by_name[TWO], 3 * seconds)


if __name__ == "__main__":
    main()
