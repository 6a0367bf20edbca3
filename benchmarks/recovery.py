"""How long until all is caught up after a kill -9 under load: of consumers, ingest, the broker.

.venv/bin/python -m benchmarks.recovery [--rate 2000]

A process for each service on Kafka, PostgreSQL and S3, the load generator beside them. What is
killed is started again at once. `caught up`: metrics have counted all that had been acknowledged
a second before; `answer` and `count`: they do so again. The rate is halved until the machine bears
it. Metrics are killed twice: with no `SIGHTLOOP_INSTANCE`, and with one.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass
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

    def first_after(self, moment: float) -> float:
        """When the first was acknowledged after a moment."""
        return next(at for at, _ in self._history if at > moment)

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


@dataclass
class Times:
    """Seconds from the kill until metrics answer, count, and have caught up."""

    answer: float = -1.0
    count: float = -1.0
    caught_up: float = -1.0


async def caught_up(http: httpx.AsyncClient, deployment: str, load: Load, *, since: float) -> Times:
    """Wait until metrics have counted what was acknowledged a second before."""
    times = Times()
    before = -1
    while (seconds := time.monotonic() - since) < WITHIN_SECONDS:
        wanted = load.acknowledged_until(time.monotonic() - 1)
        now = await counted(http, deployment)
        if now >= 0 and times.answer < 0:
            times.answer, before = seconds, now
        if now > before >= 0 and times.count < 0:
            times.count = seconds
        if now >= wanted:
            times.caught_up = seconds
            return times
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
                await caught_up(http, deployment, load, since=time.monotonic())
            print(f"\nat {rate:.0f} predictions/s, after kill -9 and a start at once:")
            for name, instance in (
                ("metrics", False),
                ("metrics", True),
                ("ingest", True),
                (BROKER, True),
            ):
                if instance and name != BROKER:
                    await name_instance(platform, name)
                    await caught_up(http, deployment, load, since=time.monotonic())
                    await asyncio.sleep(5)
                await kill(platform, parts, name)
                killed = time.monotonic()
                if name == BROKER:
                    await parts.broker.restart()
                started = time.monotonic() - killed
                times = await caught_up(http, deployment, load, since=killed)
                while load.last < killed:  # noqa: ASYNC110 - a benchmark may poll
                    await asyncio.sleep(0.05)
                known = f"{name}{', an instance' * (instance and name != BROKER)}"
                broker = f", broker up after {started:.1f} s" if name == BROKER else ""
                again = load.first_after(killed) - killed
                print(
                    f"{known:24} acknowledged again after {again:.1f} s; metrics answer after "
                    f"{times.answer:.1f} s, count after {times.count:.1f} s, caught up after "
                    f"{times.caught_up:.1f} s{broker}; load {os.getloadavg()[0]:.1f}",
                    flush=True,
                )
                await asyncio.sleep(5)
        finally:
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)


async def name_instance(platform: Platform, name: str) -> None:
    """Start a service again, in order, as one that has a place of its own."""
    platform.processes[name].environment["SIGHTLOOP_INSTANCE"] = f"{name}-0"
    await asyncio.to_thread(platform.restart, name, kill=False)


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
