"""The classification recipe: frozen random convolution, logistic head. Seconds, without JAX."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from services.trainer.recipes.base import (
    Artifacts,
    Dataset,
    IntArray,
    Item,
    RecipeParameters,
    Report,
    TrainingCancelled,
    TrainingRefused,
    checked,
    not_learned,
)
from services.trainer.recipes.checkpoint import Checkpoint, relabelled, unpack
from services.trainer.recipes.classification.export import (
    FEATURES,
    SIDE,
    classifier_onnx,
    features_onnx,
)
from services.trainer.recipes.classification.head import Head, fit_head, sample_weights
from services.trainer.recipes.layers import Array
from services.trainer.recipes.onnx_export import Metadata
from services.trainer.recipes.pictures import stretched

NAME = "classification"
VERSION = "1"
TASK = "CLASSIFICATION"
CHUNK = 32
HEAD_W, HEAD_B = "head/w", "head/b"


class ClassificationParameters(RecipeParameters):
    steps: int = Field(
        default=200,
        ge=1,
        le=5000,
        description="Most iterations of L-BFGS; it ends earlier once settled.",
    )
    l2: float = Field(
        default=1e-2, gt=0, le=100, description="Weight of the penalty on large weights."
    )
    replay_share: float = Field(
        default=0.5,
        ge=0,
        le=0.9,
        description="Share of each class's weight that the old training data has when retraining.",
    )


@dataclass(frozen=True, slots=True)
class ClassificationRecipe:
    name: str = NAME
    version: str = VERSION
    task: str = TASK
    parameters: type[ClassificationParameters] = ClassificationParameters

    def fit(
        self,
        dataset: Dataset,
        parameters: Mapping[str, Any],
        *,
        start: bytes | None,
        report: Report,
        cache: Path | None = None,
    ) -> Artifacts:
        """See `Recipe.fit`. Metrics: `accuracy`, `balanced_accuracy` if there is validation."""
        chosen = checked(ClassificationParameters, parameters)
        missing = not_learned(dataset)
        _refuse(dataset)
        for label in missing:
            report.log(f"{label}: no picture in the training data, not learned")
        metadata = _metadata(dataset.labels)
        items = [*dataset.train, *dataset.old]
        report.log(f"{len(dataset.train)} pictures, {len(dataset.old)} old ones")
        features = _features(items, metadata, report)
        classes = _classes(items)
        old = np.arange(len(items)) >= len(dataset.train)
        begun = time.monotonic()

        def each(step: int, loss: float) -> None:
            if report.cancelled():
                raise TrainingCancelled
            pace = (time.monotonic() - begun) / step
            left = pace * (chosen.steps - step)
            report.progress(step, chosen.steps, loss=loss, rate=1.0, seconds_left=left)

        head = fit_head(
            features,
            classes,
            sample_weights(classes, old, share=chosen.replay_share),
            labels=len(dataset.labels),
            l2=chosen.l2,
            steps=chosen.steps,
            start=_started(start, dataset.labels),
            each=each,
        )
        weights, bias = _without_unknown(head, missing, dataset.labels)
        metrics = _validation(dataset.validation, metadata, report, weights=weights, bias=bias)
        if metrics:
            report.log(f"validation: accuracy {metrics['accuracy']:.3f}")
        return Artifacts(
            onnx=classifier_onnx(weights, bias, metadata=metadata),
            checkpoint=Checkpoint(NAME, dataset.labels, {HEAD_W: weights, HEAD_B: bias}).pack(),
            metrics=metrics,
            labelmap=dataset.labels,
            not_learned=missing,
        )


def _refuse(dataset: Dataset) -> None:
    for item in (*dataset.train, *dataset.old, *dataset.validation):
        if len(item.classes) != 1:
            msg = f"A picture has {len(item.classes)} classes; a classifier needs exactly one."
            raise TrainingRefused(msg)
    if len(np.unique(_classes([*dataset.train, *dataset.old]))) < 2:
        msg = "All pictures have the same label: a classifier needs at least two."
        raise TrainingRefused(msg)


def _metadata(labels: tuple[str, ...]) -> Metadata:
    return Metadata(
        task=TASK,
        labels=labels,
        input_size=(SIDE, SIDE),
        threshold=0.0,
        box_format="none",
        recipe=NAME,
        recipe_version=VERSION,
    )


def _classes(items: Sequence[Item]) -> IntArray:
    return np.array([int(item.classes[0]) for item in items], np.int64)


def _features(items: Sequence[Item], metadata: Metadata, report: Report) -> Array:
    """(N, 1728), computed by the shipped graph's own nodes."""
    from libs.vision.ort import session  # noqa: PLC0415

    runner = session(features_onnx(metadata))
    parts = []
    for first in range(0, len(items), CHUNK):
        if report.cancelled():
            raise TrainingCancelled
        chunk = [
            np.asarray(stretched(item.picture, (SIDE, SIDE))[0])
            for item in items[first : first + CHUNK]
        ]
        parts.append(runner.run(["features"], {"images": np.stack(chunk)})[0])
    features: Array = np.concatenate(parts)
    return features


def _started(start: bytes | None, labels: tuple[str, ...]) -> tuple[Array, Array] | None:
    if start is None:
        return None
    checkpoint = unpack(start, NAME)
    fresh = {
        HEAD_W: np.zeros((FEATURES, len(labels)), np.float32),
        HEAD_B: np.zeros(len(labels), np.float32),
    }
    known = relabelled(
        checkpoint.arrays,
        fresh,
        old=checkpoint.labels,
        new=labels,
        last_axis={HEAD_W, HEAD_B},
    )
    # A label that was not learned before starts level with chance, not from its −10,000.
    return known[HEAD_W], np.maximum(known[HEAD_B], -20)


def _without_unknown(
    head: Head, missing: tuple[str, ...], labels: tuple[str, ...]
) -> tuple[Array, Array]:
    """The folded head, in which a label that was not learned never wins."""
    weights, bias = head.folded()
    for label in missing:
        weights[:, labels.index(label)] = 0
        bias[labels.index(label)] = -1e4
    return weights, bias


def _validation(
    items: Sequence[Item], metadata: Metadata, report: Report, *, weights: Array, bias: Array
) -> dict[str, float]:
    if not items:
        return {}
    guesses = (_features(items, metadata, report) @ weights + bias).argmax(1)
    classes = _classes(items)
    right = guesses == classes
    recalls = [float(right[classes == label].mean()) for label in np.unique(classes)]
    return {"accuracy": float(right.mean()), "balanced_accuracy": float(np.mean(recalls))}
