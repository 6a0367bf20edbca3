"""What a model is worth on held-back pictures, computed outside of the platform."""

from collections.abc import Iterable, Sequence

from libs.vision.ap import pooled
from libs.vision.images import decode_rgb
from libs.vision.matching import match
from services.serving.core.model import load
from sightloop.demo.world import Shot

_LOW = 0.05


def mean_average_precision(
    onnx: bytes, shots: Iterable[Shot], labels: Sequence[str]
) -> dict[str, float | None]:
    """COCO mAP and mAP50 of a model on pictures with truth."""
    model = load(onnx)
    states = []
    for shot in shots:
        found = model.predict(decode_rgb(shot.content), threshold=_LOW)
        classes = [labels.index(label) for label in shot.labels]
        states.append(match(found.boxes, found.classes, found.scores, shot.boxes, classes).pack())
    ap = pooled(states, classes=len(labels)).ap()
    return {"map": ap["50_95"], "map_50": ap["50"]}
