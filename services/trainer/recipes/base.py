"""What a recipe is: the contract between the trainer and whatever knows how to train.

A recipe is a plug-in of the entry-point group `sightloop.recipes`. It is called in a process of
its own, knows nothing of databases, buses or clocks, and returns everything it made as a value.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

FloatArray: TypeAlias = NDArray[np.float32]
IntArray: TypeAlias = NDArray[np.int64]
RgbArray: TypeAlias = NDArray[np.uint8]
Picture: TypeAlias = bytes | Path | Callable[[], bytes]

ENTRY_POINT_GROUP = "sightloop.recipes"


def no_boxes() -> FloatArray:
    return np.zeros((0, 4), dtype=np.float32)


class TrainingRefused(Exception):
    """The data set or the parameters cannot be trained on; the message is for the user."""


class CheckpointUnfit(TrainingRefused):
    """What to start from is no checkpoint of the recipe's network: it can start from scratch."""


class TrainingCancelled(Exception):
    """`report.cancelled()` became true; nothing was made."""


@dataclass(frozen=True, slots=True)
class Item:
    """One picture and what is on it.

    `boxes`: (N, 4), x y w h in pixels of the picture; `classes`: (N,), indices into the labels.
    A classified picture has one class and no box.
    """

    picture: Picture
    classes: IntArray
    boxes: FloatArray = field(default_factory=no_boxes)


@dataclass(frozen=True, slots=True)
class Dataset:
    """What to learn from. `old`: what the starting model was trained on, drawn again (replay)."""

    labels: tuple[str, ...]
    train: Sequence[Item]
    validation: Sequence[Item] = ()
    old: Sequence[Item] = ()


@dataclass(frozen=True, slots=True)
class Artifacts:
    """What a recipe made. `labelmap` is the model's class order; `checkpoint` starts a retraining.

    `metrics` holds finite numbers only; `not_learned` the labels that had nothing to learn from.
    """

    onnx: bytes
    checkpoint: bytes
    metrics: Mapping[str, float]
    labelmap: tuple[str, ...]
    not_learned: tuple[str, ...]


class Report(Protocol):
    """Where a recipe tells how far it is. Called from the thread that called `fit`."""

    def progress(
        self,
        step: int,
        total: int,
        *,
        loss: float,
        rate: float,
        val: Mapping[str, float] | None = None,
        seconds_left: float,
    ) -> None:
        """`step` of `total` steps are done; `rate` is the learning rate, `val` a validation."""

    def log(self, line: str) -> None:
        """One line for the experiment's log."""

    def cancelled(self) -> bool:
        """Asked at every step; true means: stop now."""


class RecipeParameters(BaseModel):
    """The base of every recipe's parameters: frozen, and an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Chosen = TypeVar("Chosen", bound=RecipeParameters)


def checked(kind: type[Chosen], values: Mapping[str, Any]) -> Chosen:
    """The parameters; raises TrainingRefused with a sentence for each that is wrong."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'parameters'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        msg = f"The parameters cannot be used: {'; '.join(faults)}."
        raise TrainingRefused(msg) from error


def not_learned(dataset: Dataset) -> tuple[str, ...]:
    """Labels of which neither the new nor the old training data has anything.

    Raises TrainingRefused for a data set without labels or pictures, or a class without label.
    """
    if not dataset.labels or not dataset.train:
        msg = f"The data set has no {'picture' if dataset.labels else 'label'} to train on."
        raise TrainingRefused(msg)
    everything = (*dataset.train, *dataset.old, *dataset.validation)
    for item in everything:
        for index in item.classes:
            if not 0 <= index < len(dataset.labels):
                msg = (
                    f"A picture has the class {index}, but there are {len(dataset.labels)} labels."
                )
                raise TrainingRefused(msg)
    seen = {int(index) for item in (*dataset.train, *dataset.old) for index in item.classes}
    return tuple(label for index, label in enumerate(dataset.labels) if index not in seen)


class Recipe(Protocol):
    """A way to train; `task` is the type of data set it takes (OBJECT_DETECTION …)."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def task(self) -> str: ...

    @property
    def parameters(self) -> type[RecipeParameters]: ...

    def fit(
        self,
        dataset: Dataset,
        parameters: Mapping[str, Any],
        *,
        start: bytes | None,
        report: Report,
        cache: Path | None = None,
    ) -> Artifacts:
        """Train. `start`: a checkpoint of the same recipe; `cache`: a folder for compiled code.

        Raises TrainingRefused, TrainingCancelled.
        """
