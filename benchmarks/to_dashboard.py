"""From a call of the monitor endpoint to the dashboard that counts it, in both modes.

    python -m benchmarks.to_dashboard [--seconds N] [--rate PREDICTIONS_A_SECOND]

The embedded mode is `sightloop up`; the split mode is eight processes on a real Kafka, PostgreSQL
and S3, all on the same cores as the client. Every hundredth part of the rate is a call; the
dashboard document is asked for over the one origin, five times a second.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx

from benchmarks.monitor import TOKEN, body
from sightloop.demo.api import Api
from sightloop.dev.kafka import KafkaBroker
from sightloop.dev.part import Missing
from sightloop.dev.s3 import S3Server
from sightloop.keys import make_keys
from tests.support import parts
from tests.support.models import tiny_detector
from tests.support.platform import Platform, embedded, split


def delays(api: Api, deployment: str, rate: int, seconds: float) -> list[float]:
    """Seconds from each call to the first dashboard that counts it; ten calls a second."""
    path = f"/api/ingest/v1/deployments/{deployment}/predictions/batch"
    dashboard = f"/api/metrics/v1/deployments/{deployment}/dashboard"
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"}
    content = b"\n".join([body()] * (rate // 10))
    found: list[float] = []
    waiting: list[tuple[float, int]] = []
    with httpx.Client(base_url=api.url, headers=headers, timeout=30) as client:
        sent = client.get(dashboard).raise_for_status().json()["predictions"]
        started = time.monotonic()
        tick = 0
        while tick < seconds * 10 or waiting:
            if time.monotonic() > started + seconds + 60:
                raise RuntimeError(f"{len(waiting)} calls are not on the dashboard after a minute")
            time.sleep(max(0.0, started + tick / 10 - time.monotonic()))
            if tick < seconds * 10:
                called = time.monotonic()
                client.post(path, content=content).raise_for_status()
                sent += rate // 10
                waiting.append((called, sent))
            if tick % 2 == 0:
                seen = client.get(dashboard).raise_for_status().json()["predictions"]
                now = time.monotonic()
                found += [now - at for at, count in waiting if count <= seen]
                waiting = [entry for entry in waiting if entry[1] > seen]
            tick += 1
    return found


@contextmanager
def real_parts(folder: Path) -> Iterator[Platform]:
    """Eight processes on Kafka, PostgreSQL and S3."""
    with (
        parts.running_postgres() as postgres,
        parts.running_kafka() as broker,
        parts.running_s3() as s3,
        split(
            folder, TOKEN, keys=make_keys(now=datetime.now(UTC)), postgres=postgres,
            kafka=broker.bootstrap_servers, s3=s3,
        ) as platform,
    ):  # fmt: skip
        yield platform


def measure(platform: Platform, rate: int, seconds: float) -> None:
    api = Api(platform.url, TOKEN)
    try:
        deployment = tiny_detector(api)
        delays(api, deployment, rate, 2)
        cuts = statistics.quantiles(delays(api, deployment, rate, seconds), n=20)
    finally:
        api.close()
    print(
        f"{platform.mode:10} {rate:6} /s   p50 {cuts[9]:6.2f} s   p95 {cuts[18]:6.2f} s", flush=True
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=20.0)
    arguments.add_argument("--rate", type=int, default=200)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "e").mkdir()
        (Path(folder) / "s").mkdir()
        with embedded(Path(folder) / "e", TOKEN) as platform:
            measure(platform, given.rate, given.seconds)
        missing = [
            p for p in (KafkaBroker.available(), S3Server.available()) if isinstance(p, Missing)
        ]
        if missing:
            print("SKIPPED split mode: " + "; ".join(p.reason for p in missing))
            return
        with real_parts(Path(folder) / "s") as platform:
            measure(platform, given.rate, given.seconds)


if __name__ == "__main__":
    main()
