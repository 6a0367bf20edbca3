"""Training data become a reference; pictures get scores; changed pictures ring the alarm."""

import io
from datetime import timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import msgspec
import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from libs.schemas.events import (
    DataDeleted,
    DatasetVersionChanged,
    PredictionsScored,
    ReferenceReady,
    State,
)
from libs.schemas.manifest import Annotation, ManifestAsset, write_manifest
from libs.schemas.values import Picture, Shapes, TaskType, TrainedOn
from services.metrics.core.buckets import Level, Span
from services.metrics.core.rollup import Bucket
from services.metrics.core.series import Count, Series
from services.metrics.parts import Metrics
from services.metrics.store import rollups
from services.metrics.tables import prediction
from tests.component import metrics_world as world
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow
BOXES = [(10.0, 10.0, 20.0, 20.0)]


@pytest.fixture(autouse=True)
def few_streams(monkeypatch):
    monkeypatch.setenv("SIGHTLOOP_METRICS_CALIBRATION_STREAMS", "99")
    monkeypatch.setenv("SIGHTLOOP_METRICS_DRIFT_WINDOW", "40")
    monkeypatch.setenv("SIGHTLOOP_METRICS_SCORING_SHARE", "1")
    monkeypatch.setenv("SIGHTLOOP_METRICS_MANIFEST_WAIT", "0.5")


def jpeg(rng: np.random.Generator, *, dark: bool = False) -> bytes:
    """A smooth picture with a little noise; a camera that turns dark divides its light by six."""
    coarse = rng.uniform(80, 220, (6, 8, 3)).astype(np.uint8)
    smooth = Image.fromarray(coarse).resize((128, 96), Image.Resampling.BICUBIC)
    pixels = np.asarray(smooth).astype(np.float64) + rng.normal(0, 4, (96, 128, 3))
    if dark:
        pixels /= 6
    out = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=88)
    return out.getvalue()


async def put_picture(running, data: bytes) -> Picture:
    key = f"ingest/x/{sha256(data).hexdigest()}.jpg"
    await running.context.blobs.put(key, data, content_type="image/jpeg")
    return Picture(
        key=key, sha256=sha256(data).hexdigest(), size=len(data), content_type="image/jpeg"
    )


async def dataset(running, rng, *, images: int) -> DatasetVersionChanged:
    assets = []
    for i in range(images):
        picture = await put_picture(running, jpeg(rng))
        assets.append(
            ManifestAsset(
                data=uuid4(), filename=f"{i}.jpg", picture=picture.key, sha256=picture.sha256,
                width=128, height=96, annotation=Annotation(labels=["car"], boxes=BOXES),
            )
        )  # fmt: skip
    version = uuid4()
    header, data = write_manifest(
        version, assets, type=TaskType.OBJECT_DETECTION, labels=world.LABELS
    )
    key = f"feedback/manifests/{version}.gz"
    await running.context.blobs.put(key, data, content_type="application/gzip")
    return DatasetVersionChanged(
        dataset_version=version, dataset=uuid4(), revision=1, name="dock", version="1",
        type=TaskType.OBJECT_DETECTION, state=State.ACTIVE, labels=world.LABELS, assets=images,
        digest=header.digest, manifest=key,
    )  # fmt: skip


async def log_pictures(running, of, rng, count: int, *, dark: bool = False, back: float = 0.0):
    """One a second, the oldest first; the last is `back` minutes ago."""
    some = []
    for i in range(count):
        time = world.minute(back) - timedelta(seconds=count - i)
        shapes = Shapes(classes=[1], scores=[0.9], boxes=BOXES)
        picture = await put_picture(running, jpeg(rng, dark=dark))
        one = world.logged(of, shapes=shapes, time=time, picture=picture)
        some.append(msgspec.structs.replace(one, width=128, height=96))
    await running.publish(*(world.told(one) for one in some))
    return some


async def put_training_data(running, of, version) -> UUID:
    answer = await running.http.put(
        f"/api/metrics/v1/deployments/{of.deployment}/training-data",
        json={"dataset_version": str(version.dataset_version)},
    )
    assert answer.status_code == 202, answer.text
    return UUID(answer.json()["job"])


async def training_data(running, of):
    answer = await running.http.get(f"/api/metrics/v1/deployments/{of.deployment}/training-data")
    return answer.json()


async def until_reference(running, of, state, version=None):
    """The training data, once those (of this version) are in a state."""

    async def look():
        return await training_data(running, of)

    def good(seen):
        wanted = seen["dataset_version"] if version is None else str(version.dataset_version)
        return (seen["state"], seen["dataset_version"]) == (state, wanted)

    return await eventually(look, good, within=240)


async def until_scored(running, of, count):
    async def look():
        return await world.dashboard(running, of)

    def scored(seen):
        return sum(p["outlier"] is not None for p in seen["points"]) == count

    return await eventually(look, scored, within=240)


async def test_training_data_then_scores_then_an_alarm_on_changed_pictures(service_runner):
    rng = np.random.default_rng(0)
    async with service_runner("metrics") as running:
        of = world.deployment()
        version = await dataset(running, rng, images=120)
        await running.publish(of, version)
        earlier = await log_pictures(running, of, rng, 60, back=30)
        job = await put_training_data(running, of, version)
        assert await put_training_data(running, of, version) == job
        ready = await until_reference(running, of, "ready", version)
        assert ready["images"] == 120
        assert ready["done"] == ready["total"] == 120
        (told,) = await running.wait_for(ReferenceReady)
        assert (told.images, told.error) == (120, None)

        # Earlier predictions are scored too, and told in chunks.
        seen = await until_scored(running, of, 60)

        async def told_scores():
            return [s for event in running.emitted(PredictionsScored) for s in event.scores]

        scores = await eventually(told_scores, lambda some: len(some) == 60)
        assert {score.prediction for score in scores} == {one.prediction for one in earlier}
        assert {len(score.embedding) for score in scores} == {128}
        outliers = [p["outlier"] for p in seen["points"]]
        assert np.quantile(outliers, 0.5) < 0.85
        assert seen["drift"]["alarm"] is False
        assert seen["drift"]["window"] == 40
        assert {f["name"] for f in seen["drift"]["features"]} >= {"brightness", "box count"}
        assert seen["global_distribution"]["training"] == [0, 1, 0]
        assert [p for p in seen["outlier"]["p50"] if p is not None]

        # A camera turns dark.
        await log_pictures(running, of, rng, 45, dark=True)
        seen = await until_scored(running, of, 105)
        assert seen["drift"]["alarm"] is True
        assert seen["drift"]["d"][-1] > seen["drift"]["threshold"] > seen["drift"]["d"][0]
        assert seen["drift"]["t"] == sorted(seen["drift"]["t"])
        by_name = {f["name"]: f for f in seen["drift"]["features"]}
        assert by_name["brightness"]["rejected"]
        assert not by_name["box count"]["rejected"]
        answer = await running.http.get(
            f"/api/metrics/v1/deployments/{of.deployment}/drift", params={"feature": "brightness"}
        )
        curves = answer.json()
        assert curves["d"] == pytest.approx(by_name["brightness"]["d"])
        gap = np.abs(np.array(curves["live"]["f"]) - np.array(curves["reference"]["f"]))
        assert gap.max() == pytest.approx(curves["d"])

        # What is scored is subtracted with its prediction.
        await running.publish(*(world.deleted(one) for one in earlier))
        await eventually(lambda: scored_count(running, of), lambda counts: counts == (45, 45))

        answer = await running.http.delete(
            f"/api/metrics/v1/deployments/{of.deployment}/training-data"
        )
        assert answer.status_code == 204
        assert (await training_data(running, of))["state"] == "none"
        seen = await world.dashboard(running, of)
        assert seen["drift"] is None
        assert seen["outlier"] is None


async def scored_count(running, of):
    """Scored images by count and by histogram, over all days."""
    wide = timedelta(days=4)
    span = Span(Level.DAY, world.minute() - wide, world.minute() + wide)
    async with running.parts(Metrics).database.read() as read:
        rows = await rollups.of_spans(read, running.organization, of.deployment, [span])
    bucket = Bucket.merged(row["charted"] for row in rows)
    return bucket.count(Count.SCORED), int(bucket.histogram(Series.OUTLIER)[1].sum())


async def test_another_version_recomputes_and_scores_again_without_counting_twice(service_runner):
    rng = np.random.default_rng(1)
    async with service_runner("metrics") as running:
        of = world.deployment()
        first, second = [await dataset(running, rng, images=60) for _ in range(2)]
        await running.publish(of, first, second)
        await log_pictures(running, of, rng, 12)
        await put_training_data(running, of, first)
        await until_scored(running, of, 12)
        await put_training_data(running, of, second)

        async def scored_twice():
            return sum(len(event.scores) for event in running.emitted(PredictionsScored))

        await eventually(scored_twice, lambda n: n == 24, within=240)
        await eventually(lambda: scored_count(running, of), lambda c: c == (12, 12))
        await until_reference(running, of, "ready", second)


async def test_an_erased_image_loses_its_picture_and_its_embedding(service_runner):
    rng = np.random.default_rng(4)
    async with service_runner("metrics") as running:
        of = world.deployment()
        version = await dataset(running, rng, images=30)
        await running.publish(of, version)
        (one,) = await log_pictures(running, of, rng, 1)
        await put_training_data(running, of, version)
        await until_scored(running, of, 1)
        assert one.picture is not None
        await running.publish(DataDeleted(data=one.data, picture=one.picture, erase=True))

        async def kept():
            async with running.parts(Metrics).database.read() as read:
                return await read.first(select(prediction.c.picture, prediction.c.embedding))

        await eventually(kept, lambda row: row["picture"] is None and row["embedding"] is None)
        assert await scored_count(running, of) == (1, 1)


async def test_a_picture_that_cannot_be_read_is_left_out(service_runner):
    rng = np.random.default_rng(2)
    async with service_runner("metrics") as running:
        of = world.deployment()
        version = await dataset(running, rng, images=30)
        await running.publish(of, version)
        lost = Picture(key="ingest/x/lost.jpg", sha256="0" * 64, size=1, content_type="image/jpeg")
        shapes = Shapes(classes=[], scores=[])
        await running.publish(world.told(world.logged(of, shapes=shapes, picture=lost)))
        await log_pictures(running, of, rng, 3)
        await put_training_data(running, of, version)
        seen = await until_scored(running, of, 3)
        assert seen["predictions"] == 4
        assert await scored_count(running, of) == (3, 3)


async def test_training_data_that_cannot_be_used_say_why(service_runner):
    rng = np.random.default_rng(3)
    async with service_runner("metrics") as running:
        of = world.deployment()
        few = await dataset(running, rng, images=3)
        empty = DatasetVersionChanged(
            dataset_version=uuid4(), dataset=uuid4(), revision=1, name="dock", version="2",
            type=TaskType.OBJECT_DETECTION, state=State.ACTIVE, labels=world.LABELS,
        )  # fmt: skip
        other = DatasetVersionChanged(
            dataset_version=uuid4(), dataset=uuid4(), revision=1, name="dock", version="3",
            type=TaskType.CLASSIFICATION, state=State.ACTIVE, labels=world.LABELS,
        )  # fmt: skip
        await running.publish(of, few, empty, other)
        await put_training_data(running, of, few)
        failed = await until_reference(running, of, "failed", few)
        assert "too few" in failed["error"]
        await put_training_data(running, of, empty)
        failed = await until_reference(running, of, "failed", empty)
        assert "not settled" in failed["error"]
        errors = [event.error for event in await running.wait_for(ReferenceReady, 2)]
        assert all(errors)
        path = f"/api/metrics/v1/deployments/{of.deployment}/training-data"
        wrong = await running.http.put(path, json={"dataset_version": str(other.dataset_version)})
        assert wrong.status_code == 422
        unknown = await running.http.put(path, json={"dataset_version": str(uuid4())})
        assert unknown.status_code == 404
        answer = await running.http.get(f"/api/metrics/v1/deployments/{of.deployment}/drift")
        assert answer.status_code == 404
        assert answer.json()["type"] == "/problems/no-reference"


async def test_a_new_champion_brings_its_own_training_data_unless_they_are_pinned(service_runner):
    rng = np.random.default_rng(6)
    async with service_runner("metrics") as running:
        of, stays = world.deployment(), world.deployment()
        first, second = [await dataset(running, rng, images=30) for _ in range(2)]
        await running.publish(of, stays, first, second)
        await put_training_data(running, of, first)
        pinned = await running.http.put(
            f"/api/metrics/v1/deployments/{stays.deployment}/training-data",
            json={"dataset_version": str(first.dataset_version), "pinned": True},
        )
        assert pinned.status_code == 202
        ready = await until_reference(running, of, "ready", first)
        assert (ready["origin"], ready["pinned"]) == ("dataset", False)
        before = await until_reference(running, stays, "ready", first)

        trained = TrainedOn(
            alias="train", dataset_version=second.dataset_version, digest=second.digest or "",
            manifest=second.manifest or "",
        )  # fmt: skip
        champion = msgspec.structs.replace(world.model(world.V2), trained_on=[trained])
        await running.publish(
            *(msgspec.structs.replace(d, revision=2, champion=champion) for d in (of, stays))
        )

        async def reference_of(deployment):
            answer = await running.http.get(
                f"/api/metrics/v1/deployments/{deployment.deployment}/training-data"
            )
            return answer.json()

        followed = await eventually(
            lambda: reference_of(of),
            lambda r: r["state"] == "ready" and r["origin"] == "champion",
            within=240,
        )
        assert followed["dataset_version"] == str(second.dataset_version)
        assert await reference_of(stays) == {**before, "pinned": True}


async def test_where_there_are_no_training_data_the_first_images_stand_in(service_runner):
    rng = np.random.default_rng(7)
    async with service_runner("metrics") as running:
        of = world.deployment()
        await running.publish(of)
        await log_pictures(running, of, rng, 40)

        async def counted():
            return (await world.dashboard(running, of))["predictions"]

        await eventually(counted, lambda n: n == 40)
        path = f"/api/metrics/v1/deployments/{of.deployment}/training-data"
        for wrong in ({}, {"dataset_version": str(uuid4()), "production_images": 30}):
            assert (await running.http.put(path, json=wrong)).status_code == 422
        asked = await running.http.put(path, json={"production_images": 30})
        assert asked.status_code == 202
        ready = await until_reference(running, of, "ready")
        assert (ready["origin"], ready["dataset_version"]) == ("production", None)
        assert ready["images"] == 30
        seen = await until_scored(running, of, 40)
        assert seen["global_distribution"]["training"] is None
        (told,) = await running.wait_for(ReferenceReady)
        assert told.dataset_version is None


async def test_a_dataset_version_that_changes_brings_its_reference_anew(
    service_runner, monkeypatch
):
    monkeypatch.setenv("SIGHTLOOP_METRICS_REFERENCE_REST", "0")
    rng = np.random.default_rng(8)
    async with service_runner("metrics") as running:
        of = world.deployment()
        version, grown = [await dataset(running, rng, images=n) for n in (24, 30)]
        await running.publish(of, version)
        await put_training_data(running, of, version)
        ready = await until_reference(running, of, "ready", version)
        assert ready["images"] == 24
        changed = msgspec.structs.replace(
            version, revision=2, assets=30, digest=grown.digest, manifest=grown.manifest
        )
        await running.publish(changed)

        async def look():
            now = await training_data(running, of)
            return now["state"], now["images"], now["origin"]

        await eventually(look, lambda now: now == ("ready", 30, "dataset"), within=240)
        told = await running.wait_for(ReferenceReady, 2)
        assert [event.images for event in told] == [24, 30]
