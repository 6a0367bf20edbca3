"""Rollups are what a brute-force count of the predictions that remain says, whatever the order."""

import random
from datetime import timedelta

import numpy as np
import pytest

from libs.schemas.events import PredictionShadowLogged
from services.metrics.core import heat, rollup
from services.metrics.core.buckets import Level, Span
from services.metrics.core.rollup import Bucket
from services.metrics.core.series import LOW_BITS, Count, Role, Series
from services.metrics.parts import Metrics
from services.metrics.store import predictions, progress, rollups
from tests.component import metrics_world as world
from tests.support.waiting import eventually


def brute_force(remaining) -> Bucket:
    """The sum of single predictions."""
    total = Bucket()
    for one in remaining:
        for role, output in ((Role.CHAMPION, one.champion), (Role.SHADOW, one.shadow)):
            if output is None:
                continue
            shapes = output.shapes
            total = total + rollup.predicted(
                latencies=[output.latency],
                widths=[one.width],
                heights=[one.height],
                image=[0] * len(shapes.classes),
                classes=shapes.classes,
                scores=shapes.scores,
                areas=[w * h for _, _, w, h in shapes.boxes],
                role=role,
            )
    return total


def without_lag(bucket: Bucket) -> Bucket:
    """Without what is measured (lag), what only hours and days keep, and how models compare."""
    of = bucket.keys >> 24 & 0x7F
    kept = (of != Series.LAG) & ~np.isin(of, list(LOW_BITS))
    kept &= ~np.isin(bucket.keys, [Count.COMPARED, Count.DISAGREEMENTS])
    return Bucket(bucket.keys[kept], bucket.values[kept])


async def stored(running, of, level: Level) -> Bucket:
    parts: Metrics = running.parts(Metrics)
    wide = timedelta(days=400)
    async with parts.database.read() as read:
        span = Span(level, world.minute() - wide, world.minute() + wide)
        rows = await rollups.of_spans(read, running.organization, of.deployment, [span])
    return Bucket.merged(row[part] for row in rows for part in ("charted", "rest"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_rollups_equal_a_brute_force_count(service_runner, seed):
    rng, order = np.random.default_rng(seed), random.Random(seed)
    async with service_runner("metrics") as running:
        of = world.deployment(shadow=world.model(world.V2))
        some = [
            world.logged(
                of,
                shapes=world.detections(rng, int(rng.integers(0, 6))),
                shadow=world.detections(rng, 2) if rng.random() < 0.5 else None,
                latency=float(rng.lognormal(-3)),
                time=world.minute(float(rng.uniform(0, 60 * 50))),
            )
            for _ in range(120)
        ]
        gone = order.sample(some, 40)
        events = [world.told(one) for one in some]
        events += [world.told(one) for one in order.sample(some, 50)]
        # Deletes travel on another topic: some come before what they delete.
        events += [world.deleted(one) for one in gone]
        order.shuffle(events)
        await running.publish(of)
        for start in range(0, len(events), 30):
            await running.publish(*events[start : start + 30])

        remaining = [one for one in some if one not in gone]
        wanted = brute_force(remaining)

        async def look():
            return without_lag(await stored(running, of, Level.MINUTE))

        await eventually(look, lambda found: found == wanted, within=30)
        for level in (Level.HOUR, Level.DAY):
            assert without_lag(await stored(running, of, level)) == wanted
        # What only totals show is not kept of five minutes.
        assert without_lag(await stored(running, of, Level.FIVE_MINUTES)) == wanted.split()[0]
        async with running.parts(Metrics).database.read() as read:
            row = await progress.find(read, running.organization, of.deployment)
            span = Span(Level.DAY, world.minute() - timedelta(days=400), world.minute())
            grids = await rollups.heats_of_spans(read, running.organization, of.deployment, [span])
            shown = await predictions.newest(
                read, running.organization, of.deployment, span.start,
                world.minute() + timedelta(days=1), limit=500,
            )  # fmt: skip
        assert row["predictions"] == len(remaining) == len(shown)
        for label in range(3):
            boxes = [
                box
                for one in remaining
                for c, box in zip(
                    one.champion.shapes.classes, one.champion.shapes.boxes, strict=True
                )
                if c == label
            ]
            total = sum(heat.unpack(row["grid"]) for row in grids if row["label"] == label)
            assert (total == heat.heat(boxes, width=640, height=480)).all()


@pytest.mark.slow
async def test_a_prediction_deleted_with_its_late_shadow_leaves_nothing(service_runner):
    rng = np.random.default_rng(3)
    async with service_runner("metrics") as running:
        of = world.deployment(shadow=world.model(world.V2))
        one = world.logged(of, shapes=world.detections(rng, 3))
        both = world.logged(
            of,
            shapes=one.champion.shapes,
            shadow=world.detections(rng, 2),
            prediction=one.prediction,
        )
        assert both.shadow is not None
        late = PredictionShadowLogged(
            deployment=of.deployment, prediction=one.prediction, data=one.data,
            shadow=both.shadow, event_time=one.event_time, width=640, height=480,
        )  # fmt: skip
        await running.publish(of, world.told(one), late)

        async def shadows():
            return (await stored(running, of, Level.DAY)).count(Count.PREDICTIONS, Role.SHADOW)

        await eventually(shadows, lambda n: n == 1)
        await running.publish(world.deleted(one))

        async def whole():
            return await stored(running, of, Level.DAY)

        await eventually(whole, lambda bucket: bucket == Bucket())
        await running.publish(world.told(one), late)
        other = world.logged(of, shapes=world.detections(rng, 1))
        await running.publish(world.told(other))

        async def counted():
            return (await stored(running, of, Level.DAY)).count(Count.PREDICTIONS)

        assert await eventually(counted) == 1
