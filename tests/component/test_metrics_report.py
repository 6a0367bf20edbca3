"""What reviews say of one model: under two names, by kind of error, slice, score and label."""

import csv
import io
from datetime import datetime
from uuid import uuid4

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from libs.schemas.events import DrawClosed, PredictionSkipped
from libs.schemas.values import ReviewShapes, Shapes, TaskType
from services.metrics.core.supervised import harm
from services.metrics.dto import QualityReportDto, ReviewedImagesDto
from tests.component import metrics_world as world
from tests.support.waiting import eventually

BOX, FAR = (10.0, 10.0, 100.0, 100.0), (400.0, 300.0, 60.0, 60.0)


async def quality(running, of, **query):
    answer = await running.http.get(
        f"/api/metrics/v1/deployments/{of.deployment}/quality", params=query
    )
    assert answer.status_code == 200, answer.text
    QualityReportDto.model_validate(answer.json())
    return answer.json()


async def test_both_kinds_of_numbers_of_a_detector_and_where_it_errs(service_runner):
    async with service_runner("metrics") as running:
        of = world.deployment()
        right = Shapes(classes=[0], scores=[0.9], boxes=[BOX])
        wrong = Shapes(classes=[1, 2], scores=[0.8, 0.7], boxes=[BOX, FAR])
        draw = uuid4()
        easy = [world.logged(of, shapes=right, source="dock") for _ in range(4)]
        hard = [world.logged(of, shapes=wrong, tags=["night"]) for _ in range(2)]
        picked = world.logged(of, shapes=wrong, source="gate")
        out = world.logged(of, shapes=wrong)
        truth = ReviewShapes(labels=["person"], boxes=[BOX])
        await running.publish(of, *(world.told(one) for one in (*easy, *hard, picked, out)))
        await running.publish(
            *(world.reviewed(one, truth, draw=draw, pi=0.5) for one in easy),
            *(world.reviewed(one, truth, draw=draw, pi=1.0) for one in hard),
            world.reviewed(picked, truth),
            PredictionSkipped(
                deployment=of.deployment, prediction=out.prediction, draw=draw, pi=0.5,
                reason="blurred",
            ),
        )  # fmt: skip

        async def look():
            return await quality(running, of)

        seen = await eventually(
            look,
            lambda q: (
                q["images"] == 7
                and q["report"]["estimate"]["images"] == 6
                and q["report"]["estimate"]["skipped"] == 1
            ),
        )
        report = seen["report"]
        assert report["on_reviewed"]["kind"] == "on reviewed images"
        assert report["on_reviewed"]["precision"] == pytest.approx(4 / 10)
        assert report["on_reviewed"]["recall"] == pytest.approx(4 / 7)
        assert report["on_reviewed"]["macro"]["recall"] == pytest.approx(4 / 7 / 3)
        assert report["on_reviewed"]["weighted"]["recall"] == pytest.approx(4 / 7)
        estimate = report["estimate"]
        assert estimate["kind"] == "production estimate"
        numbers = estimate["numbers"]
        # Four images of weight 2 are right, two of weight 1 are wrong.
        assert numbers["image_f1"]["value"] == pytest.approx(8 / 10)
        assert numbers["image_f1"]["low"] < 0.8 < numbers["image_f1"]["high"]
        assert numbers["precision"] == {"value": pytest.approx(8 / 12), "low": None, "high": None}
        assert numbers["recall"]["value"] == pytest.approx(8 / 10)
        assert estimate["effective"] == pytest.approx(100 / 18)
        assert estimate["skipped_share"] == pytest.approx(2 / 12)
        assert estimate["if_skipped"] == {
            "name": "image_f1", "low": pytest.approx(8 / 12), "high": pytest.approx(10 / 12),
        }  # fmt: skip
        assert report["errors"] == {
            "images": 7, "classification": 3, "location": 0, "both": 0, "duplicate": 0,
            "background": 3, "missed": 0,
        }  # fmt: skip
        confusion = report["confusion"]
        assert confusion["labels"] == ["person", "car", "truck", "background"]
        assert confusion["counts"] == [[4, 0, 0, 0], [3, 0, 0, 0], [0, 0, 0, 3], [0, 0, 0, 0]]
        slices = report["slices"]
        assert [(s["name"], s["images"]) for s in slices["source"]] == [
            ("dock", 4), ("line", 2), ("gate", 1),
        ]  # fmt: skip
        assert slices["source"][0]["f1"] == 1.0
        assert slices["tag"] == [{**slices["tag"][0], "name": "night", "images": 2, "recall": 0.0}]
        assert sum(s["images"] for s in slices["hour"]) == 7
        assert sum(report["calibration"]["counts"]) == 10
        assert len(report["precision_recall"]["recall"]) == 101
        assert [one["label"] for one in report["precision_recall"]["labels"]] == ["person"]

        only = await quality(running, of, source="dock")
        assert only["images"] == 4
        assert only["report"]["on_reviewed"]["precision"] == 1.0
        assert only["report"]["estimate"]["skipped"] is None
        strict = await quality(running, of, threshold=0.95)
        assert strict["report"]["on_reviewed"]["recall"] == 0.0
        assert strict["report"]["errors"]["missed"] == 7
        none = await quality(running, of, version=str(uuid4()))
        assert none["report"] is None

        # Half of the draw was never served: the probabilities of the rest halve alike.
        await running.publish(
            DrawClosed(deployment=of.deployment, draw=draw, served=4, chosen=8),
            world.reviewed(out, truth, draw=draw, pi=0.5),
        )
        seen = await eventually(
            look,
            lambda q: (
                q["images"] == 8
                and q["report"]["estimate"]["skipped"] == 0
                and q["report"]["estimate"]["images"] == 7
            ),
        )
        assert seen["report"]["estimate"]["if_skipped"] is None
        assert seen["report"]["estimate"]["numbers"]["image_f1"]["value"] == pytest.approx(8 / 12)

        answer = await running.http.get(
            f"/api/metrics/v1/deployments/{of.deployment}/quality/images"
        )
        images = ReviewedImagesDto.model_validate(answer.json())
        assert sorted(images.ap) == [0.0] * 4 + [pytest.approx(1.0)] * 4
        assert sorted(pi for pi in images.pi if pi is not None) == [0.25] * 5 + [0.5] * 2
        missing = await running.http.get(
            f"/api/metrics/v1/deployments/{of.deployment}/quality", params={"model": "shadow"}
        )
        assert missing.status_code == 404


async def test_a_classifier_has_its_accuracy_as_an_estimate_and_its_calibration(service_runner):
    rng = np.random.default_rng(0)
    async with service_runner("metrics") as running:
        of = world.deployment(TaskType.CLASSIFICATION)
        said, draw = rng.integers(0, 3, 60).tolist(), uuid4()
        some = [world.logged(of, shapes=Shapes(classes=[c], scores=[0.75])) for c in said]
        truths = [c if i % 4 else (c + 1) % 3 for i, c in enumerate(said)]
        await running.publish(of, *(world.told(one) for one in some))
        await running.publish(
            *(
                world.reviewed(one, ReviewShapes(labels=[world.LABELS[c]]), draw=draw, pi=1.0)
                for one, c in zip(some, truths, strict=True)
            )
        )

        async def look():
            return await quality(running, of)

        report = (await eventually(look, lambda q: q["images"] == 60))["report"]
        assert report["on_reviewed"]["accuracy"] == pytest.approx(0.75)
        accuracy = report["estimate"]["numbers"]["accuracy"]
        assert accuracy["value"] == pytest.approx(0.75)
        assert 0.6 < accuracy["low"] < 0.75 < accuracy["high"] < 0.86
        macro = report["estimate"]["numbers"]["macro_f1"]
        assert macro["value"] == pytest.approx(report["on_reviewed"]["macro_f1"])
        assert macro["low"] < macro["value"] < macro["high"]
        assert report["calibration"]["error"] == pytest.approx(0.0, abs=1e-9)
        assert report["calibration"]["counts"][7] == 60


async def test_every_series_is_a_table_and_headlines_can_be_scraped(service_runner):
    async with service_runner("metrics") as running:
        of = world.deployment(name='Dock "7"', shadow=world.model(world.V2, ["=car", "person"]))
        shapes = Shapes(classes=[0], scores=[0.9], boxes=[BOX])
        some = [world.logged(of, shapes=shapes, shadow=shapes, latency=0.1) for _ in range(3)]
        await running.publish(of, *(world.told(one) for one in some))
        await running.publish(world.reviewed(some[0], ReviewShapes(labels=["person"], boxes=[BOX])))
        path = f"/api/metrics/v1/deployments/{of.deployment}/series.csv"

        async def table(name):
            answer = await running.http.get(path, params={"of": name})
            assert answer.status_code == 200, answer.text
            assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
            return list(csv.DictReader(io.StringIO(answer.text)))

        async def buckets():
            return await table("buckets")

        def volume(rows):
            return sum(int(row["volume"]) for row in rows)

        rows = await eventually(buckets, lambda rows: volume(rows) == 3)
        assert len(rows) in (288, 289)
        assert rows[0]["time"].endswith("Z")
        assert rows[0]["latency.champion.p95"] == ""
        assert sum(int(row["champion.boxes.person"]) for row in rows) == 3
        assert sum(int(row["shadow.boxes.=car"]) for row in rows) == 3
        reviews = await eventually(lambda: table("reviews"))
        assert float(reviews[0]["ap"]) == pytest.approx(1.0)
        assert reviews[0]["prediction"] == str(some[0].prediction)
        bins = await table("histograms")
        assert sum(int(b["count"]) for b in bins if b["histogram"] == "champion.scores") == 3
        assert len(await table("points")) == 3
        assert await table("drift") == []
        first = await running.http.get(path, params={"to": "2026-01-01"})
        again = await running.http.get(
            path, params={"to": "2026-01-01"}, headers={"If-None-Match": first.headers["ETag"]}
        )
        assert again.status_code == 304

        text = (await running.http.get("/api/metrics/v1/prometheus.txt")).text
        families = {f.name: f for f in text_string_to_metric_families(text)}
        (sample,) = families["sightloop_deployment_predictions"].samples
        assert sample.value == 3
        assert sample.labels == {"deployment": str(of.deployment), "name": 'Dock "7"'}
        (p95,) = families["sightloop_deployment_latency_p95_seconds"].samples
        assert p95.value == pytest.approx(0.1, rel=0.011)
        (apart,) = families["sightloop_deployment_disagreement_share"].samples
        assert apart.value == 1.0
        assert "sightloop_deployment_drift_alarm" not in families
        assert (await running.stranger.get("/api/metrics/v1/prometheus.txt")).text.strip() == ""


async def test_a_classifier_that_begins_to_err_rings_the_harm_alarm(service_runner, monkeypatch):
    monkeypatch.setattr(harm, "BASELINE", 40)
    async with service_runner("metrics") as running:
        of = world.deployment(TaskType.CLASSIFICATION)
        draw = uuid4()
        some = [
            world.logged(of, shapes=Shapes(classes=[0], scores=[0.8]), time=world.minute(100 - i))
            for i in range(100)
        ]
        picked = world.logged(of, shapes=Shapes(classes=[0], scores=[0.8]))
        await running.publish(of, *(world.told(one) for one in (*some, picked)))
        path = f"/api/metrics/v1/deployments/{of.deployment}/harm"
        answer = await running.http.get(path)
        assert answer.status_code == 200, answer.text
        before = answer.json()
        assert (before["state"], before["baseline"]["needed"]) == ("collecting", 40)
        await running.publish(
            *(
                world.reviewed(
                    one, ReviewShapes(labels=["person" if i < 50 else "car"]), draw=draw, pi=1.0
                )
                for i, one in enumerate(some)
            ),
            world.reviewed(picked, ReviewShapes(labels=["car"])),
        )

        async def look():
            return (await running.http.get(path)).json()

        seen = await eventually(look, lambda h: h["images"] == 60)
        assert seen["state"] == "ringing"
        assert seen["baseline"]["loss"] == 0.0
        assert 0 < seen["baseline"]["bound"] < 0.2
        assert seen["loss"] == pytest.approx(50 / 60)
        assert len(seen["evidence"]) == len(seen["t"]) == 60
        assert seen["evidence"][-1] > seen["threshold"]
        assert datetime.fromisoformat(seen["rang"]) > some[50].event_time
