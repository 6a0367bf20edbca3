"""How long until all is caught up after a kill -9 under load: of consumers, ingest, the broker.

.venv/bin/python -m benchmarks.recovery [--rate 2000]

A process for each service on Kafka, PostgreSQL and S3, the load generator beside them. What is
killed is started again at once. `caught up`: metrics have counted all that had been acknowledged
a second before. The rate is halved until the machine bears it.
"""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from random import Random

import httpx

from libs.store.clock import SystemClock
from sightloop.demo.api import Api
from sightloop.keys import make_keys
from tests.crash import bodies
from tests.crash.chaos import TOKEN, staged
from tests.crash.member import Member
from tests.crash.schedule import BROKER, Mode
from tests.crash.stage import Parts
from tests.crash.world import INGEST, METRICS
from tests.support.models import tiny_detector
from tests.support.platform import Platform

LINES = 100
SENDERS = 4
BORNE = 0.95
WITHIN_SECONDS = 180.0


class Load:
    """Batches at a rate, and how many predictions were acknowledged until when."""

    def __init__(self, platform: Platform, deployment: str) -> None:
        self.rate = 0.0
        self.acknowledged = 0
        self.last = 0.0
        self._history: deque[tuple[float, int]] = deque(maxlen=100_000)
        address = platform.processes["ingest"].address
        self._path = f"{address}{INGEST}/deployments/{deployment}/predictions/batch"
        self._rng = Random(1)

    async def send(self) -> None:
        """Send until cancelled; what is not acknowledged is sent again."""
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"}
        async with httpx.AsyncClient(headers=headers, timeout=10) as http:
            while True:
                begun = time.monotonic()
                names = [bodies.new_id(self._rng) for _ in range(LINES)]
                lines = [json.dumps(bodies.prediction(self._rng, name)) for name in names]
                await self._until_acknowledged(http, "\n".join(lines))
                wait = begun + SENDERS * LINES / self.rate - time.monotonic()
                await asyncio.sleep(max(wait, 0))

    async def _until_acknowledged(self, http: httpx.AsyncClient, content: str) -> None:
        while True:
            try:
                answer = await http.post(self._path, content=content)
                if answer.status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)
        self.acknowledged += LINES
        self.last = time.monotonic()
        self._history.append((self.last, self.acknowledged))

    def acknowledged_until(self, moment: float) -> int:
        """How many had been acknowledged at a moment."""
        return next((count for at, count in reversed(self._history) if at <= moment), 0)


async def counted(http: httpx.AsyncClient, deployment: str) -> int:
    """What metrics have counted; -1 while they do not answer."""
    try:
        answer = await http.get(f"{METRICS}/summaries", params={"deployment": deployment})
        return int(answer.json()["items"][0]["predictions"]) if answer.is_success else -1
    except (httpx.HTTPError, LookupError, ValueError):
        return -1


async def caught_up(http: httpx.AsyncClient, deployment: str, load: Load) -> float:
    """Seconds until metrics have counted what was acknowledged a second before."""
    started = time.monotonic()
    while (seconds := time.monotonic() - started) < WITHIN_SECONDS:
        wanted = load.acknowledged_until(time.monotonic() - 1)
        if await counted(http, deployment) >= wanted:
            return seconds
        await asyncio.sleep(0.1)
    raise RuntimeError(f"not caught up within {WITHIN_SECONDS:.0f} s")


async def bears(http: httpx.AsyncClient, deployment: str, load: Load, rate: float) -> bool:
    """Whether the machine takes and counts `rate` a second, ten seconds long."""
    load.rate = rate
    await asyncio.sleep(3)
    before, started = load.acknowledged, time.monotonic()
    await asyncio.sleep(10)
    taken = (load.acknowledged - before) / (time.monotonic() - started)
    behind = load.acknowledged - await counted(http, deployment)
    print(f"asked for {rate:.0f}/s: {taken:.0f}/s acknowledged, metrics {behind} behind")
    return taken >= BORNE * rate and behind < 3 * rate


async def measure(platform: Platform, parts: Parts, rate: float) -> None:
    api = Api(platform.url, TOKEN)
    deployment = await asyncio.to_thread(tiny_detector, api)
    api.close()
    load = Load(platform, deployment)
    load.rate = rate
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=platform.url, headers=headers, timeout=10) as http:
        sending = [asyncio.create_task(load.send()) for _ in range(SENDERS)]
        try:
            while not await bears(http, deployment, load, rate):
                rate /= 2
                load.rate = rate
                await caught_up(http, deployment, load)
            print(f"\nat {rate:.0f} predictions/s, after kill -9 and a start at once:")
            for name in ("metrics", "ingest", BROKER):
                await kill(platform, parts, name)
                killed = time.monotonic()
                if name == BROKER:
                    await parts.broker.restart()
                started = time.monotonic() - killed
                while load.last < killed:  # noqa: ASYNC110 - a benchmark may poll
                    await asyncio.sleep(0.05)
                again = time.monotonic() - killed
                await caught_up(http, deployment, load)
                took = time.monotonic() - killed
                broker = f", broker up after {started:4.1f} s" if name == BROKER else ""
                print(
                    f"{name:8} next acknowledgement after {again:5.1f} s, "
                    f"caught up after {took:5.1f} s{broker}"
                )
                await asyncio.sleep(5)
        finally:
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)


async def kill(platform: Platform, parts: Parts, name: str) -> None:
    """`kill -9`, and a start at once of what is a process of ours."""
    if name == BROKER:
        await parts.broker.kill()
        return
    member = Member(platform.processes[name])
    member.end(signal.SIGKILL)
    await member.ended(10)
    member.start()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rate", type=float, default=2_000)
    rate = arguments.parse_args().rate
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    keys = make_keys(now=SystemClock().now())
    with tempfile.TemporaryDirectory() as folder:
        with staged(Mode.SPLIT, Path(folder), keys) as (platform, parts):
            assert parts is not None
            asyncio.run(measure(platform, parts, rate))


if __name__ == "__main__":
    main()
