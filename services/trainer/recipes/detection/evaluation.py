"""How good the graph is that will be shipped: onnxruntime on the validation pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.trainer.recipes.base import FloatArray, Item, RgbArray
from services.trainer.recipes.detection.parameters import DetectionParameters
from services.trainer.recipes.pictures import stretched

LOWEST_SCORE = 0.05
IOU_THRESHOLD = 0.5
USUAL_THRESHOLD = 0.3
ENOUGH_BOXES = 20


@dataclass(frozen=True, slots=True)
class Quality:
    """`threshold`: the score with the highest F1 at IoU 0.5, which is `f1`."""

    map: float
    map50: float
    f1: float
    threshold: float


class Validation:
    """The validation pictures at the input size; decoded once and kept if they are few."""

    def __init__(
        self, items: Sequence[Item], parameters: DetectionParameters, *, labels: int
    ) -> None:
        self._items = items
        self._size = parameters.size
        self._labels = labels
        self._kept: dict[int, tuple[RgbArray, FloatArray]] = {}
        self._most = (1 << 28) // (self._size[0] * self._size[1] * 3)

    def __bool__(self) -> bool:
        return any(len(item.boxes) for item in self._items)

    def quality(self, onnx: bytes, *, most: int | None = None) -> Quality:
        """mAP as COCO defines it, and the best F1 of all classes together.

        Only the first `most` pictures are looked at, if it is given.
        """
        from libs.vision.ap import pooled  # noqa: PLC0415
        from libs.vision.matching import match  # noqa: PLC0415
        from libs.vision.ort import session  # noqa: PLC0415

        runner = session(onnx)
        lowest = np.array(LOWEST_SCORE, np.float32)
        overlap = np.array(IOU_THRESHOLD, np.float32)
        states = []
        items = self._items[:most]
        for index, item in enumerate(items):
            pixels, scale = self._picture(index)
            corners, scores, classes = runner.run(
                ["boxes", "scores", "classes"],
                {"images": pixels[None], "score_threshold": lowest, "iou_threshold": overlap},
            )
            found = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1) * scale
            states.append(match(found, classes, scores, item.boxes, item.classes))
        result = pooled([state.pack() for state in states], classes=self._labels).ap()
        detections = np.concatenate([state.detections for state in states])
        f1, threshold = best_f1(
            detections["score"],
            (detections["tp"][:, 0] & 1).astype(bool),
            truths=sum(len(item.boxes) for item in items),
        )
        return Quality(result["50_95"] or 0.0, result["50"] or 0.0, f1, threshold)

    def _picture(self, index: int) -> tuple[RgbArray, FloatArray]:
        if index in self._kept:
            return self._kept[index]
        image, original = stretched(self._items[index].picture, self._size)
        read = np.asarray(image), np.array([*original, *original], np.float32)
        if len(self._kept) < self._most:
            self._kept[index] = read
        return read


def best_f1(scores: FloatArray, hits: NDArray[np.bool_], *, truths: int) -> tuple[float, float]:
    """(highest F1, the score threshold that gives it), of detections that hit or miss.

    With fewer than twenty truths the threshold says nothing: the usual one is returned.
    """
    if len(scores) == 0 or truths == 0:
        return 0.0, USUAL_THRESHOLD
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(hits[order])
    f1 = 2 * found / (np.arange(1, len(order) + 1) + truths)
    best = int(f1.argmax())
    # Half-way to the next score: the last detection that counts stays above the threshold.
    below = scores[order[best + 1]] if best + 1 < len(order) else LOWEST_SCORE
    threshold = float(scores[order[best]] + below) / 2
    return float(f1[best]), round(threshold, 4) if truths >= ENOUGH_BOXES else USUAL_THRESHOLD
