"""From what a model says to the wire format of the monitor endpoint."""

from typing import Any

import numpy as np

from libs.schemas.values import TaskType
from libs.vision.boxes import to_monitor
from services.serving.core.prediction import Prediction
from services.serving.errors import ModelUnfit


def to_wire(found: Prediction, task: TaskType, *, labels: int) -> dict[str, Any]:
    """`detection_classes`, `detection_scores` and, of a detector, `detection_boxes`
    [top, left, bottom, right] in pixels, to a hundredth.

    Raises:
        ModelUnfit: the model answers a class that the labelmap of `labels` labels has not.
    """
    if found.classes.size and int(found.classes.max()) >= labels:
        raise ModelUnfit(
            f"the model answers class {int(found.classes.max())}; the labelmap has {labels} labels"
        )
    # The sum of a softmax in single precision may be a hair above one.
    scores = np.clip(found.scores, 0.0, 1.0)
    answer: dict[str, Any] = {
        "detection_classes": found.classes.tolist(),
        "detection_scores": np.round(scores, 6).tolist(),
    }
    if task is TaskType.OBJECT_DETECTION:
        answer["detection_boxes"] = np.round(to_monitor(found.boxes), 2).tolist()
    return answer
