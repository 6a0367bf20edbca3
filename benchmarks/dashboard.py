"""What a dashboard costs at 10⁴ and at 10⁷ predictions, and how fast predictions are counted.

    python -m benchmarks.dashboard

Both on the embedded PostgreSQL. The rollups of a day are filled directly; the endpoint is asked
over HTTP, and before each request a number moves, so that every answer is put together anew.
Counting is `consumers.on_logged` in batches of 500.
"""

import asyncio
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np

from libs.schemas.envelope import Meta, Received
from libs.schemas.events import DeploymentChanged, PredictionLogged, State
from libs.schemas.values import DeployedModel, Logged, Output, Shapes, TaskType
from libs.store.clock import SystemClock
from services.metrics import consumers
from services.metrics.core.buckets import Level, starts
from services.metrics.core.rollup import Bucket, predicted
from services.metrics.parts import Metrics
from services.metrics.store import progress, rollups
from sightloop.embedded.postgres import EmbeddedPostgres
from sightloop.keys import make_keys
from tests.support.databases import Databases
from tests.support.services import RunningServices, running_services

SIZES = (10_000, 10_000_000)
LABELS = 10
MANY_LABELS = 80
BOXES = 6
ASKED = 100
DISTINCT = 60
EVENTS = 20_000
BATCH = 500


async def main() -> None:
    keys = make_keys(now=SystemClock().now())
    os.environ.update(keys.environment())
    with tempfile.TemporaryDirectory(prefix="sightloop-") as folder:
        async with EmbeddedPostgres(Path(folder) / "pg", durable=False) as postgres:
            async with running_services(
                ("metrics",),
                databases=Databases(postgres),
                folder=Path(folder),
                keys=keys,
                suffix="bench",
            ) as running:
                await counting(running)
                p95 = [await dashboard(running, size) for size in SIZES]
                print(f"with {MANY_LABELS} labels:")
                await dashboard(running, 1_000_000, labels=MANY_LABELS)
    print(f"ratio of p95, {SIZES[1]:,} to {SIZES[0]:,} predictions: {p95[1] / p95[0]:.2f}")


async def dashboard(running: RunningServices, size: int, *, labels: int = LABELS) -> float:
    """p95 of the endpoint, milliseconds, for the last 24 hours with `size` predictions."""
    of = deployment(labels)
    parts: Metrics = running.parts(Metrics)
    await running.publish(of)
    await fill(running, of, size)
    path = f"/api/metrics/v1/deployments/{of.deployment}/dashboard"
    spent = []
    worked = time.process_time()
    answer = await running.http.get(path)
    for _ in range(ASKED):
        async with parts.database.begin() as tx:
            await progress.advance(tx, running.organization, of.deployment, logged=1)
        started = time.perf_counter()
        answer = await running.http.get(path)
        spent.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, answer.text
    worked = (time.process_time() - worked) / ASKED * 1000
    document = answer.json()
    p50, p95 = np.quantile(spent, [0.5, 0.95])
    print(
        f"{size:>9,} predictions: {document['predictions']:,} shown, p50 {p50:.1f} ms, "
        f"p95 {p95:.1f} ms, {worked:.1f} ms of this process with its client, "
        f"{len(answer.content) / 1024:.0f} KB"
    )
    return float(p95)


async def fill(running: RunningServices, of: DeploymentChanged, size: int) -> None:
    """A day of traffic straight into the rollups: `size` predictions spread over its minutes."""
    parts: Metrics = running.parts(Metrics)
    labels = len(of.champion.labels)
    rng = np.random.default_rng(0)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    minutes = [now - timedelta(minutes=back) for back in range(1440)]
    per_minute = rng.multinomial(size, [1 / 1440] * 1440)
    deltas: dict[tuple[Level, datetime], list[Bucket]] = {}
    some = [traffic(rng, count, labels) for count in per_minute[:DISTINCT].tolist()]
    for i, minute in enumerate(minutes):
        bucket = some[i % DISTINCT]
        for place in starts(minute).items():
            deltas.setdefault(place, []).append(bucket)
    summed = {place: Bucket.total(some) for place, some in deltas.items()}
    grid = rng.integers(0, size * 1000, (32, 32))
    heats = {
        (level, start, label): grid
        for level, start in summed
        if level in ("hour", "day")
        for label in range(labels)
    }
    async with parts.database.begin() as tx:
        await progress.register_all(tx, running.organization, of.deployment, of.champion.labels)
        which = running.organization, of.deployment
        moved = await progress.advance(tx, *which, predictions=size)
        await rollups.add(tx, *which, summed, moved=moved)
        await rollups.add_heat(tx, *which, heats, moved=moved)


def traffic(rng: np.random.Generator, count: int, labels: int) -> Bucket:
    boxes = rng.poisson(BOXES, count)
    total = int(boxes.sum())
    return predicted(
        latencies=rng.lognormal(-3, 0.3, count),
        widths=np.full(count, 1920),
        heights=np.full(count, 1080),
        image=np.repeat(np.arange(count), boxes),
        classes=rng.integers(0, labels, total),
        scores=rng.beta(4, 2, total),
        areas=rng.lognormal(9, 1, total),
    )


async def counting(running: RunningServices) -> None:
    """Events a second through the consumer's handler, batch by batch, each in a transaction."""
    parts: Metrics = running.parts(Metrics)
    of = deployment()
    await running.publish(of)
    rng = np.random.default_rng(1)
    batches = [
        [event(running.organization, of, rng) for _ in range(BATCH)] for _ in range(EVENTS // BATCH)
    ]
    started, worked = time.perf_counter(), time.process_time()
    for events in batches:
        async with parts.database.begin() as tx:
            await consumers.on_logged(parts, tx, events)
    spent = time.perf_counter() - started
    worked = time.process_time() - worked
    print(
        f"counting: {EVENTS / spent:,.0f} predictions/s, {EVENTS / worked:,.0f} a second of this "
        f"process, {BOXES} boxes each, no decoding"
    )


def event(
    organization: UUID, of: DeploymentChanged, rng: np.random.Generator
) -> Received[PredictionLogged]:
    now = datetime.now(UTC)
    corner = rng.uniform(0, 900, (BOXES, 4)).tolist()
    logged = Logged(
        deployment=of.deployment, prediction=uuid4(), data=uuid4(), type=of.type,
        champion=Output(
            version=of.champion.version,
            shapes=Shapes(
                classes=rng.integers(0, LABELS, BOXES).tolist(),
                scores=rng.random(BOXES).tolist(),
                boxes=[(x, y, w, h) for x, y, w, h in corner],
            ),
            latency=float(rng.lognormal(-3, 0.3)),
        ),
        filename="a.jpg", content_type="image/jpeg", width=1920, height=1080, source="line",
        event_time=now, receive_time=now,
    )  # fmt: skip
    meta = Meta(id=uuid4(), source="/benchmark", time=now, organization=organization)
    return Received(meta, PredictionLogged(logged=logged, boot=uuid4(), sequence=1))


def deployment(labels: int = LABELS) -> DeploymentChanged:
    model = DeployedModel(
        version=uuid4(), model=uuid4(), name="dock", number=1, threshold=0.5,
        labels=[f"label {i}" for i in range(labels)],
    )  # fmt: skip
    return DeploymentChanged(
        deployment=uuid4(), revision=1, name="dock", type=TaskType.OBJECT_DETECTION,
        state=State.ACTIVE, champion=model,
    )  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main())
