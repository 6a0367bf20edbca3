"""Whether a dataset version can take what a model's reviewers say."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.schemas.values import ReviewShapes, TaskType


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Something with a type and labels: a model, or a dataset version. `name`: for sentences."""

    name: str
    type: TaskType
    labels: Sequence[str]


def disagreements(model: Labelled, version: Labelled) -> list[str]:
    """Sentences that say where the two do not agree; none: they do.

    Reviews travel by label name: the sets of names must be equal, their order is free.
    """
    sentences = []
    if model.type is not version.type:
        sentences.append(f"{version.name} is for {version.type}, {model.name} for {model.type}")
    only_model = [label for label in model.labels if label not in set(version.labels)]
    only_version = [label for label in version.labels if label not in set(model.labels)]
    if only_model:
        sentences.append(f"{version.name} lacks the labels {_quoted(only_model)}")
    if only_version:
        sentences.append(f"{model.name} does not know the labels {_quoted(only_version)}")
    return sentences


def refusal(task: TaskType, shapes: ReviewShapes, version: Labelled) -> str | None:
    """Why a review does not fit a version, in a sentence; None where it does."""
    if task is not version.type:
        return f"{version.name} is for {version.type}, the prediction is {task}"
    known = set(version.labels)
    unknown = [label for label in dict.fromkeys(shapes.labels) if label not in known]
    if unknown:
        return f"{version.name} has no label {_quoted(unknown)}"
    return None


def _quoted(labels: Sequence[str]) -> str:
    shown = ", ".join(f'"{label}"' for label in labels[:10])
    return shown if len(labels) <= 10 else f"{shown} and {len(labels) - 10} more"
