"""Quality on reviewed images: the COCO tools' numbers, through the whole service."""

import contextlib
import io

import numpy as np
import pytest

from libs.schemas.values import ReviewShapes, Shapes, TaskType
from tests.component import metrics_world as world
from tests.support.waiting import eventually


async def until_reviewed(running, of, good):
    async def look():
        return (await world.dashboard(running, of))["quality"]

    return await eventually(look, good)


def truth_of(rng, shapes: Shapes) -> ReviewShapes:
    """Boxes near the predicted ones, some left out, some added, some of another label."""
    labels, boxes = [], []
    for c, (x, y, w, h) in zip(shapes.classes, shapes.boxes, strict=True):
        if rng.random() < 0.25:
            continue
        dx, dy = rng.normal(0, 0.06, 2) * (w, h)
        labels.append(world.LABELS[c if rng.random() < 0.9 else (c + 1) % 3])
        boxes.append((round(float(x + dx), 2), round(float(y + dy), 2), w, h))
    if rng.random() < 0.5:
        labels.append("truck")
        boxes.append((5.0, 5.0, 20.0, 20.0))
    return ReviewShapes(labels=labels, boxes=boxes)


def coco(pairs) -> list[float]:
    """The twelve numbers of pycocotools for (prediction, review) pairs; AR as we define it."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    ordered = sorted(pairs, key=lambda pair: pair[0].prediction.bytes)
    truths, found = [], []
    for image, (one, review) in enumerate(ordered, start=1):
        for label, box in zip(review.labels, review.boxes, strict=True):
            truths.append(
                {
                    "id": len(truths) + 1, "image_id": image, "bbox": list(box),
                    "category_id": world.LABELS.index(label), "area": box[2] * box[3],
                    "iscrowd": 0,
                }
            )  # fmt: skip
        shapes = one.champion.shapes
        for c, score, box in zip(shapes.classes, shapes.scores, shapes.boxes, strict=True):
            found.append({"image_id": image, "category_id": c, "bbox": list(box), "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = {
            "images": [{"id": i + 1} for i in range(len(ordered))],
            "annotations": truths,
            "categories": [{"id": i} for i in range(3)],
        }
        gt.createIndex()
        run = COCOeval(gt, gt.loadRes(found), "bbox")
        run.evaluate()
        run.accumulate()
    precision, recall = run.eval["precision"][..., 2], run.eval["recall"][..., 2]

    def mean(values):
        return float(values[values > -1].mean())

    return [
        mean(precision[:, :, :, 0]), mean(precision[0, :, :, 0]), mean(precision[5, :, :, 0]),
        *(mean(precision[:, :, :, a]) for a in (1, 2, 3)),
        mean(recall[:, :, 0]), mean(recall[0, :, 0]), mean(recall[5, :, 0]),
        *(mean(recall[:, :, a]) for a in (1, 2, 3)),
    ]  # fmt: skip


NAMES = [
    f"{kind}_{series}"
    for kind in ("ap", "ar")
    for series in ("50_95", "50", "75", "small", "medium", "large")
]


@pytest.mark.slow
async def test_ap_and_ar_equal_pycocotools_and_follow_a_correction(service_runner):
    rng = np.random.default_rng(4)
    async with service_runner("metrics") as running:
        of = world.deployment()
        some = [world.logged(of, shapes=world.detections(rng, 12)) for _ in range(25)]
        pairs = [(one, truth_of(rng, one.champion.shapes)) for one in some]
        await running.publish(of, *(world.told(one) for one in some))
        await running.publish(*(world.reviewed(one, review) for one, review in pairs))
        seen = await until_reviewed(running, of, lambda q: q["reviewed"] == 25)
        found = [seen["champion"][name] for name in NAMES]
        assert found == pytest.approx(coco(pairs), abs=1e-12)
        assert seen["champion"]["images"] == 25
        assert seen["shadow"] is None

        # The second review of an image replaces the first; the first, told again, does not.
        one, first = pairs[0]
        corrected = ReviewShapes(labels=["car"], boxes=[(1.0, 2.0, 300.0, 200.0)])
        await running.publish(
            world.reviewed(one, corrected, revision=2), world.reviewed(one, first, revision=1)
        )
        wanted = coco([(one, corrected), *pairs[1:]])
        seen = await until_reviewed(
            running, of, lambda q: q["champion"]["ap_50_95"] == pytest.approx(wanted[0], abs=1e-12)
        )
        assert [seen["champion"][name] for name in NAMES] == pytest.approx(wanted, abs=1e-12)

        await running.publish(world.deleted(one))
        wanted = coco(pairs[1:])
        seen = await until_reviewed(running, of, lambda q: q["reviewed"] == 24)
        assert [seen["champion"][name] for name in NAMES] == pytest.approx(wanted, abs=1e-12)


@pytest.mark.slow
async def test_labels_are_told_apart_by_name_whatever_order_a_model_has_them_in(service_runner):
    async with service_runner("metrics") as running:
        of = world.deployment(shadow=world.model(world.V2, ["truck", "car", "person"]))
        box = (10.0, 10.0, 100.0, 100.0)
        one = world.logged(
            of,
            shapes=Shapes(classes=[2], scores=[0.9], boxes=[box]),
            shadow=Shapes(classes=[0], scores=[0.9], boxes=[box]),
        )
        await running.publish(of, world.told(one))
        review = ReviewShapes(labels=["truck"], boxes=[box])
        await running.publish(world.reviewed(one, review))
        seen = await until_reviewed(running, of, lambda q: q["reviewed"] == 1)
        assert seen["champion"]["ap_50_95"] == pytest.approx(1)
        assert seen["shadow"]["ap_50_95"] == pytest.approx(1)
        assert seen["champion"]["ap_small"] is None
        assert seen["champion"]["f1"] == 1.0

        # A label that no model has ever had is one that was missed; nothing said where nothing is
        # is right; something said there is a false alarm.
        silent, right = [world.logged(of, shapes=Shapes(classes=[], scores=[])) for _ in range(2)]
        wrong = world.logged(of, shapes=Shapes(classes=[0], scores=[0.9], boxes=[box]))
        await running.publish(*(world.told(told) for told in (silent, right, wrong)))
        nothing = ReviewShapes(labels=[])
        await running.publish(
            world.reviewed(silent, ReviewShapes(labels=["bicycle"], boxes=[box])),
            world.reviewed(right, nothing),
            world.reviewed(wrong, nothing),
        )
        seen = await until_reviewed(running, of, lambda q: q["reviewed"] == 4)
        assert (seen["champion"]["precision"], seen["champion"]["recall"]) == (0.5, 0.5)


async def test_boxes_below_the_threshold_count_for_ap_but_not_for_recall(service_runner):
    async with service_runner("metrics") as running:
        of = world.deployment()
        box = (10.0, 10.0, 100.0, 100.0)
        one = world.logged(of, shapes=Shapes(classes=[0], scores=[0.4], boxes=[box]))
        await running.publish(of, world.told(one))
        await running.publish(world.reviewed(one, ReviewShapes(labels=["person"], boxes=[box])))
        seen = await until_reviewed(running, of, lambda q: q["reviewed"] == 1)
        assert seen["champion"]["ap_50"] == pytest.approx(1)
        assert seen["champion"]["recall"] == 0.0
        assert seen["champion"]["precision"] is None


async def test_a_classifier_is_judged_by_its_best_class(service_runner):
    async with service_runner("metrics") as running:
        of = world.deployment(TaskType.CLASSIFICATION)
        said = [[0, 1], [1, 0], [1, 2]]
        some = [
            world.logged(of, shapes=Shapes(classes=classes, scores=[0.8, 0.1])) for classes in said
        ]
        await running.publish(of, *(world.told(one) for one in some))
        truth = ["person", "car", "truck"]
        await running.publish(
            *(
                world.reviewed(one, ReviewShapes(labels=[label]))
                for one, label in zip(some, truth, strict=True)
            )
        )
        seen = await until_reviewed(running, of, lambda q: q["reviewed"] == 3)
        champion = seen["champion"]
        assert champion["accuracy"] == pytest.approx(2 / 3)
        assert champion["confusion"] == {
            "labels": ["person", "car", "truck"],
            "counts": [[1, 0, 0], [0, 1, 1], [0, 0, 0]],
        }
        assert champion["per_label"][2]["precision"] is None

        async def counted() -> list[int]:
            return [sum(row) for row in (await world.dashboard(running, of))["labels"]["boxes"]]

        # A review may be counted before the prediction that it is about.
        assert await eventually(counted, lambda sums: sums == [1, 2, 0]) == [1, 2, 0]


@pytest.mark.slow
async def test_polygons_are_judged_by_their_masks(service_runner):
    async with service_runner("metrics") as running:
        of = world.deployment(TaskType.SEGMENTATION)
        upper = [(0.0, 0.0), (100.0, 0.0), (0.0, 100.0)]
        lower = [(100.0, 100.0), (100.0, 0.0), (0.0, 100.0)]
        box = (0.0, 0.0, 100.0, 100.0)
        one = world.logged(
            of,
            shapes=Shapes(classes=[1], scores=[0.9], boxes=[box], polygons=[upper]),
            shadow=Shapes(classes=[1], scores=[0.8], boxes=[box], polygons=[lower]),
        )
        await running.publish(of, world.told(one))
        review = ReviewShapes(labels=["car"], boxes=[box], polygons=[lower])
        await running.publish(world.reviewed(one, review))
        await until_reviewed(running, of, lambda q: q["reviewed"] == 1)

        async def of_version(version):
            answer = await running.http.get(
                f"/api/metrics/v1/deployments/{of.deployment}/quality",
                params={"version": str(version)},
            )
            return answer.json()["report"]

        champion, shadow = await of_version(world.V1), await of_version(world.V2)
        assert [q["on_reviewed"]["ap_50_95"] for q in (champion, shadow)] == [0, pytest.approx(1)]
        assert champion["errors"]["background"] == 1
        assert champion["on_reviewed"]["ap_small"] is None

        async def counted():
            return await world.dashboard(running, of)

        def whole(seen):
            return seen["disagreement"] is not None and sum(seen["box_area"]["counts"]) == 1

        # A review may be counted before the prediction that it is about.
        seen = await eventually(counted, whole)
        assert seen["disagreement"]["share"][-1] == 1
        filled = seen["box_area"]["counts"].index(1)
        low, high = seen["box_area"]["edges"][filled : filled + 2]
        assert low <= 5000 / (640 * 480) <= high
