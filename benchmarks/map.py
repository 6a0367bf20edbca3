"""A reviewed image to a fresh mAP: one more in a pool, and all pooled, against pycocotools.

python -m benchmarks.map [images ...]

CPU time, the least of some rounds.
"""

import contextlib
import io
import sys
import time

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from libs.vision import ap, matching
from libs.vision.pool import Pool

CLASSES = 10


def image(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """About 7 ground truths and 14 detections, as an ordinary detector leaves them."""
    n = int(rng.integers(2, 13))
    truth = np.concatenate([rng.uniform(0, 500, (n, 2)), rng.uniform(8, 150, (n, 2))], axis=1)
    found = truth + rng.normal(0, 3, truth.shape)
    found[:, 2:] = np.maximum(found[:, 2:], 1)
    extra = np.concatenate([rng.uniform(0, 500, (n, 2)), rng.uniform(8, 150, (n, 2))], axis=1)
    classes = rng.integers(0, CLASSES, n)
    return {
        "pred_boxes": np.concatenate([found, extra]),
        "pred_classes": np.concatenate([classes, rng.integers(0, CLASSES, n)]),
        "pred_scores": np.concatenate([rng.beta(4, 2, n), rng.beta(2, 4, n)]),
        "truth_boxes": truth,
        "truth_classes": classes,
    }


def reference(images: list[dict[str, np.ndarray]]) -> COCOeval:
    truths, results = [], []
    for i, one in enumerate(images, start=1):
        for box, c in zip(one["truth_boxes"].tolist(), one["truth_classes"].tolist(), strict=True):
            truths.append(
                {
                    "id": len(truths) + 1,
                    "image_id": i,
                    "category_id": c,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                }
            )
        for box, c, s in zip(
            one["pred_boxes"].tolist(),
            one["pred_classes"].tolist(),
            one["pred_scores"].tolist(),
            strict=True,
        ):
            results.append({"image_id": i, "category_id": c, "bbox": box, "score": s})
    coco = COCO()
    coco.dataset = {
        "info": {},
        "images": [{"id": i + 1} for i in range(len(images))],
        "categories": [{"id": c} for c in range(CLASSES)],
        "annotations": truths,
    }
    coco.createIndex()
    return COCOeval(coco, coco.loadRes(results), "bbox")


def best(run, repeats: int) -> float:
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    return min(spent)


def main(sizes: list[int]) -> None:
    print(
        "images  state, pool B/image  match one ms  one more ms  pooled anew ms  pycocotools s  "
        "ratio  tensor difference"
    )
    for size in sizes:
        rng = np.random.default_rng(size)
        images = [image(rng) for _ in range(size)]
        states = [matching.match(**one).pack() for one in images]
        one = best(lambda images=images: matching.match(**images[0]).pack(), 50)
        anew = best(lambda states=states: ap.pooled(states, classes=CLASSES).ap(), 5)
        pool = Pool({i.to_bytes(4): state for i, state in enumerate(states)})
        quality, held = pool.quality(classes=CLASSES), pool.size
        more = [matching.match(**image(rng)).pack() for _ in range(20)]
        numbered = enumerate(more, start=size)

        def fresh(pool=pool, numbered=numbered):
            key, state = next(numbered)
            pool.put(key.to_bytes(4), state)
            return pool.quality(classes=CLASSES).ap()

        warm = best(fresh, len(more))
        with contextlib.redirect_stdout(io.StringIO()):
            coco = reference(images)

            def full(coco=coco):
                coco.evaluate()
                coco.accumulate()

            whole = best(full, 1)
        difference = np.abs(quality.precision - coco.eval["precision"][..., -1]).max()
        print(
            f"{size:6d}  {sum(map(len, states)) / size:11.0f}, {held / size:6.0f}  "
            f"{one * 1e3:12.2f}  {warm * 1e3:11.2f}  {anew * 1e3:14.1f}  {whole:13.2f}  "
            f"{whole / (warm + one):5.0f}  {difference:g}"
        )


if __name__ == "__main__":
    main([int(v) for v in sys.argv[1:]] or [500, 5000])
