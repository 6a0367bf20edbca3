"""The detection recipe: from a data set and parameters to a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.recipes.base import (
    Artifacts,
    Dataset,
    FloatArray,
    Report,
    TrainingRefused,
    checked,
    not_learned,
)
from services.trainer.recipes.checkpoint import Checkpoint, relabelled, unpack
from services.trainer.recipes.detection import parameters as limits
from services.trainer.recipes.detection.augment import Pictures
from services.trainer.recipes.detection.evaluation import USUAL_THRESHOLD, Quality, Validation
from services.trainer.recipes.detection.export import BOX_FORMAT, detector_onnx
from services.trainer.recipes.detection.network import CLASS_HEAD, detector, initial_detector
from services.trainer.recipes.detection.parameters import DetectionParameters
from services.trainer.recipes.detection.training import Schedule, batches, train, use_cache
from services.trainer.recipes.layers import Arrays
from services.trainer.recipes.onnx_export import Metadata

NAME = "detection"
VERSION = "1"
TASK = "OBJECT_DETECTION"
FOLLOWED = 100  # validation pictures looked at while training; at the end it is all of them
USUAL_HALF = 16.0
MEASURED = 200  # pictures with boxes whose sizes set the first guess


@dataclass(frozen=True, slots=True)
class DetectionRecipe:
    name: str = NAME
    version: str = VERSION
    task: str = TASK
    parameters: type[DetectionParameters] = DetectionParameters

    def fit(
        self,
        dataset: Dataset,
        parameters: Mapping[str, Any],
        *,
        start: bytes | None,
        report: Report,
        cache: Path | None = None,
    ) -> Artifacts:
        """See `Recipe.fit`. Metrics: `map`, `map50`, `f1`, `threshold` if there is validation.

        Without it the model that training began with says from which score a detection counts.
        """
        chosen = checked(DetectionParameters, parameters)
        missing = not_learned(dataset)
        _refuse(dataset)
        use_cache(cache)
        labels = dataset.labels
        for label in missing:
            report.log(f"{label}: no box in the training data, not learned")
        new = Pictures(dataset.train, chosen.size)
        base = None if start is None else unpack(start, NAME)
        started = _started(dataset, chosen, base, new=new)
        network = detector(len(labels))
        report.log(
            f"{len(dataset.train)} pictures, {len(dataset.old)} old ones drawn again, "
            f"{len(dataset.validation)} to validate; {chosen.steps} steps of {chosen.batch}"
        )
        validation = Validation(dataset.validation, chosen, labels=len(labels))

        def validate(now: Arrays) -> dict[str, float]:
            return _values(validation.quality(_graph(now, chosen, labels), most=FOLLOWED))

        average = train(
            network,
            started,
            batches(
                new,
                Pictures(dataset.old, chosen.size),
                chosen,
                labels=len(labels),
            ),
            schedule=_schedule(chosen, again=base is not None),
            validate=validate if validation else None,
            validate_every=chosen.validate_every,
            report=report,
        )
        quality = validation.quality(_graph(average, chosen, labels)) if validation else None
        inherited = (base and base.threshold) or USUAL_THRESHOLD
        threshold = quality.threshold if quality else inherited
        if quality:
            report.log(f"validation: mAP {quality.map:.3f}, mAP50 {quality.map50:.3f}")
        return Artifacts(
            onnx=_graph(average, chosen, labels, threshold=threshold),
            checkpoint=Checkpoint(NAME, labels, average, threshold).pack(),
            metrics=_values(quality) if quality else {},
            labelmap=labels,
            not_learned=missing,
        )


def _refuse(dataset: Dataset) -> None:
    if not any(len(item.boxes) for item in (*dataset.train, *dataset.old)):
        msg = "The data set has no box to train on: annotate at least one picture."
        raise TrainingRefused(msg)
    for item in (*dataset.train, *dataset.old, *dataset.validation):
        if len(item.boxes) != len(item.classes):
            msg = f"A picture has {len(item.boxes)} boxes and {len(item.classes)} classes."
            raise TrainingRefused(msg)


def _started(
    dataset: Dataset, chosen: DetectionParameters, base: Checkpoint | None, *, new: Pictures
) -> tuple[Arrays, Arrays]:
    """Parameters and state to begin with: fresh, or of the checkpoint, label by label."""
    network = detector(len(dataset.labels))
    rng = np.random.default_rng([chosen.seed, 1])
    median_half = _median_half(new, chosen) if base is None else 1.0
    parameters, state = initial_detector(network, rng, median_half=median_half)
    if base is None:
        return parameters, state
    known = relabelled(
        base.arrays,
        {**parameters, **state},
        old=base.labels,
        new=dataset.labels,
        last_axis={f"{CLASS_HEAD}/w", f"{CLASS_HEAD}/b"},
    )
    return {name: known[name] for name in parameters}, {name: known[name] for name in state}


def _median_half(pictures: Pictures, chosen: DetectionParameters) -> float:
    """Median half side, in pixels of the input, of the boxes of the first pictures."""
    half = np.asarray(chosen.size, np.float32) / 2
    halves: list[FloatArray] = []
    for index in range(len(pictures)):
        _, corners, _ = pictures.read(index)
        if len(corners):
            halves.append(((corners[:, 2:] - corners[:, :2]) * half).astype(np.float32))
        if len(halves) == MEASURED:
            break
    return float(np.median(np.concatenate(halves))) if halves else USUAL_HALF


def _schedule(chosen: DetectionParameters, *, again: bool) -> Schedule:
    usual = limits.RETRAINING_RATE if again else limits.RATE
    return Schedule(
        steps=chosen.steps,
        rate=chosen.learning_rate or usual,
        warm_up=limits.RETRAINING_WARM_UP if again else limits.WARM_UP,
        average=limits.LONG_EMA if chosen.steps > limits.LONG else limits.EMA,
    )


def _graph(
    average: Arrays,
    chosen: DetectionParameters,
    labels: tuple[str, ...],
    *,
    threshold: float = USUAL_THRESHOLD,
) -> bytes:
    metadata = Metadata(
        task=TASK,
        labels=labels,
        input_size=chosen.size,
        threshold=threshold,
        box_format=BOX_FORMAT,
        recipe=NAME,
        recipe_version=VERSION,
    )
    return detector_onnx(average, average, metadata=metadata)


def _values(quality: Quality) -> dict[str, float]:
    return {
        "map": quality.map,
        "map50": quality.map50,
        "f1": quality.f1,
        "threshold": quality.threshold,
    }
