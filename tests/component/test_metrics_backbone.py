"""Somebody else's network is tried in a process of its own: what is wrong with it is said."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import select, update

from libs.schemas.events import DataDeleted
from services.metrics.actions.dashboard import assemble, state_of
from services.metrics.actions.embedder import Embedder, embedder
from services.metrics.core.backbone import Scaling
from services.metrics.core.ranges import Range
from services.metrics.errors import BackboneRefused
from services.metrics.parts import Metrics
from services.metrics.settings import MetricsSettings
from services.metrics.tables import prediction, reference
from tests.component import metrics_world as world
from tests.component.test_metrics_reference import (
    dataset,
    log_pictures,
    put_training_data,
    scored_count,
    until_reference,
)
from tests.support.networks import backbone
from tests.support.waiting import eventually

BASE = "/api/metrics/v1"
pytestmark = pytest.mark.slow
BRIGHT = np.full((32, 32, 3), 200, dtype=np.uint8)
BLACK = np.zeros((32, 32, 3), dtype=np.uint8)


@asynccontextmanager
async def running(content: bytes, **settings: Any) -> AsyncIterator[Embedder]:
    # A busy machine may take a minute to import what the process needs.
    bounds = MetricsSettings(**({"backbone_load_seconds": 240.0} | settings))
    async with embedder(bounds, content, Scaling.UNIT) as found:
        yield found


async def refusal(content: bytes, **settings: Any) -> str:
    with pytest.raises(BackboneRefused) as refused:
        async with running(content, **settings):
            pass
    return str(refused.value)


async def test_a_network_embeds_pictures_as_it_says_whichever_way_its_colours_lie() -> None:
    async with (
        running(backbone(values=8)) as first,
        running(backbone(values=8, channels_last=True)) as last,
    ):
        assert (first.size.width, first.size.height, first.values) == (32, 32, 8)
        one, other = await asyncio.gather(first.features(BRIGHT), last.features(BRIGHT))
        assert one is not None
        assert other is not None
        np.testing.assert_allclose(one, other, rtol=1e-5)
        dark = await first.features(BLACK)
        assert dark is not None
        assert np.abs(dark).max() < np.abs(one).max()
        assert first.failed is None


async def test_what_is_no_backbone_is_refused_with_the_reason() -> None:
    said = await asyncio.gather(
        refusal(b"this is no network"),
        refusal(backbone()[:-40]),
        refusal(backbone(kind="map")),
        refusal(backbone(kind="nan")),
        refusal(backbone(kind="two inputs")),
        refusal(backbone(kind="random")),
    )
    assert said[0] == "it is no ONNX file, or not a whole one"
    assert said[1].startswith(("it is no ONNX file", "it cannot be loaded"))
    assert said[2] == "its first output is [1, 8, 8, 8], no vector: pool it over the image"
    assert said[3] == "its first output is not finite"
    assert said[4] == "it has 2 inputs (image, more), not one image"
    assert said[5] == "it answers the same picture in two ways; export it for inference"


async def test_a_network_that_never_answers_or_takes_all_memory_is_ended() -> None:
    slow, large = await asyncio.gather(
        refusal(backbone(kind="hang"), backbone_load_seconds=8.0),
        refusal(backbone(kind="large"), backbone_memory=2**30),
    )
    assert slow == "it did not answer within 8 s"
    assert "memory" in large or "alloc" in large.lower()


async def test_one_that_fails_later_says_so_and_a_picture_without_an_answer_is_none() -> None:
    async with running(backbone(kind="dark nan")) as spoilt:
        assert await spoilt.features(BLACK) is None
        assert spoilt.failed is None
        assert await spoilt.features(BRIGHT) is not None
    async with running(backbone(kind="dark hang"), backbone_seconds=5.0) as slow:
        assert await slow.features(BRIGHT) is not None
        assert await slow.features(BLACK) is None
        assert slow.failed == "it did not answer within 5 s"


async def post(running, content, *, name="tiny", **fields):
    return await running.http.post(
        f"{BASE}/backbones",
        data={"name": name, "scaling": "UNIT"} | fields,
        files={"file": ("net.onnx", content, "application/octet-stream")},
    )


async def test_a_deployments_images_are_embedded_by_the_network_that_is_chosen(
    service_runner, monkeypatch
):
    monkeypatch.setenv("SIGHTLOOP_METRICS_CALIBRATION_STREAMS", "19")
    monkeypatch.setenv("SIGHTLOOP_METRICS_DRIFT_WINDOW", "10")
    monkeypatch.setenv("SIGHTLOOP_METRICS_SCORING_SHARE", "1")
    monkeypatch.setenv("SIGHTLOOP_METRICS_BACKBONE_BYTES", "100000")
    monkeypatch.setenv("SIGHTLOOP_METRICS_BACKBONE_LOAD_SECONDS", "240")
    monkeypatch.setenv("SIGHTLOOP_METRICS_BACKBONE_SECONDS", "60")
    rng = np.random.default_rng(8)
    async with service_runner("metrics") as running:
        of = world.deployment()
        version = await dataset(running, rng, images=30)
        await running.publish(of, version)
        shown = await log_pictures(running, of, rng, 12)
        (odd,) = await log_pictures(running, of, rng, 1, dark=True)

        # Kept when it has been tried, under one name.
        made = await post(running, backbone(kind="dark nan"))
        assert made.status_code == 201, made.text
        tiny = made.json()
        assert (tiny["name"], tiny["features"], tiny["scaling"]) == ("tiny", 8, "UNIT")
        refused = await post(running, b"nothing of the kind", name="other")
        assert refused.status_code == 422
        assert refused.json()["errors"] == [
            {"where": "file", "what": "it is no ONNX file, or not a whole one"}
        ]
        assert (await post(running, bytes(100_001), name="other")).status_code == 413
        assert (await post(running, backbone())).status_code == 409
        assert (await post(running, backbone(), name=" ")).status_code == 422
        assert (await post(running, backbone(), name="a", scaling="WILD")).status_code == 422
        listed = (await running.http.get(f"{BASE}/backbones")).json()
        assert [one["id"] for one in listed["items"]] == [tiny["id"]]
        assert (await running.stranger.get(f"{BASE}/backbones")).json() == {"items": []}

        url = f"{BASE}/deployments/{of.deployment}/backbone"
        for wanted in (tiny["id"], None, tiny["id"]):
            chosen = await running.http.put(url, json={"backbone": wanted})
            assert chosen.json() == {"backbone": wanted, "job": None}
        unknown = await running.http.put(url, json={"backbone": str(uuid4())})
        assert unknown.status_code == 404

        # Reference and scores are of its values; what it has none for is left out.
        await put_training_data(running, of, version)
        ready = await until_reference(running, of, "ready", version)
        assert ready["backbone"] == {"id": tiny["id"], "name": "tiny"}
        await eventually(lambda: scored_count(running, of), lambda n: n == (12, 12), within=240)
        seen = await world.dashboard(running, of)
        assert seen["reference"]["backbone"]["name"] == "tiny"
        assert seen["outlier"]["comparable_from"] is None
        assert {p["prediction"] for p in seen["points"] if p["outlier"] is None} == {
            str(odd.prediction)
        }
        gone = shown[0]
        assert gone.picture is not None
        await running.publish(DataDeleted(data=gone.data, picture=gone.picture, erase=True))

        async def pictures():
            async with running.parts(Metrics).database.read() as read:
                rows = await read.all(select(prediction.c.picture))
            return sum(row["picture"] is not None for row in rows)

        await eventually(pictures, lambda count: count == 12)

        # While scores of another embedding are left, they are not shown beside the new ones.
        await hides_what_is_not_comparable(running, of, shown[5])

        # Removed, it is replaced by the built-in one: all that can be is scored anew, and what
        # cannot be (its picture is gone) has no score any more.
        path = f"{BASE}/backbones/{tiny['id']}"
        assert (await running.stranger.delete(path)).status_code == 404
        assert (await running.http.delete(path)).status_code == 204
        assert (await running.http.get(url)).json() == {"backbone": None}

        async def fell_back():
            seen = await world.dashboard(running, of)
            without = [p["prediction"] for p in seen["points"] if p["outlier"] is None]
            return (
                seen["reference"]["state"],
                seen["reference"]["backbone"],
                await scored_count(running, of),
                without,
            )

        whole = "ready", None, (12, 12), [str(gone.prediction)]
        await eventually(fell_back, lambda now: now == whole, within=240)
        key = f"metrics/{running.organization}/backbones/{tiny['id']}.onnx"
        assert await running.context.blobs.stat(key) is None


async def hides_what_is_not_comparable(running, of, one):
    """In a transaction that is never committed, for the loop that scores would mend it."""
    parts = running.parts(Metrics)
    former = uuid4()
    asked = Range.of(None, None, now=parts.clock.now())
    with contextlib.suppress(NeverCommitted):
        async with parts.database.begin() as tx:
            await tx.execute(update(reference).values(formers=[former]))
            await tx.execute(
                update(prediction).where(prediction.c.id == one.prediction).values(reference=former)
            )
            state = await state_of(tx, running.organization, of, asked)
            seen = await assemble(parts, tx, running.organization, of, asked, state=state)
            until = seen["outlier"]["comparable_from"]
            assert until > one.event_time >= until - asked.width.width
            before = (until - asked.first) // asked.width.width
            assert set(seen["outlier"]["p50"][:before]) == {None}
            for point in seen["points"]:
                if point["t"] < until.timestamp():
                    assert point["outlier"] is None
            raise NeverCommitted


class NeverCommitted(Exception):
    """Nothing of it stays."""
