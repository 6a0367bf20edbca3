"""Does a labelmap fit a model file, or a candidate a champion? The errors name the labels."""

from collections.abc import Sequence

from libs.schemas.values import TaskType
from libs.vision.onnx_models import ModelDescription

_SHOWN = 5


class LabelmapRefused(ValueError):
    """A labelmap that cannot be; `errors`: (where, what is wrong)."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(what for _, what in errors))
        self.errors = list(errors)


def check_labels(labels: Sequence[str]) -> None:
    """Labels have names, and no name twice. Raises LabelmapRefused."""
    errors = []
    if not labels:
        errors.append(("labels", "a model needs at least one label"))
    first: dict[str, int] = {}
    for index, label in enumerate(labels):
        if not label.strip():
            errors.append((f"labels[{index}]", "a label needs a name"))
        elif label in first:
            errors.append((f"labels[{index}]", f"{label!r} is label {first[label]} already"))
        first.setdefault(label, index)
    if errors:
        raise LabelmapRefused(errors)


def check_file(
    description: ModelDescription, labels: Sequence[str], *, task: TaskType
) -> None:  # fmt: skip
    """Whether the file answers in this type and in these labels, in this order.

    Raises LabelmapRefused.
    """
    errors: list[tuple[str, str]] = []
    if description.task != task:
        errors.append(("type", f"the file is a {description.task} model, not {task}"))
    said = description.labels
    if said is not None and list(said) != list(labels):
        errors += _order_errors(said, labels)
    elif description.class_count is not None and description.class_count != len(labels):
        errors.append(
            ("labels", f"the file has {description.class_count} classes, not {len(labels)}")
        )
    if errors:
        raise LabelmapRefused(errors)


def check_candidate(
    candidate: Sequence[str], champion: Sequence[str], *, types: tuple[TaskType, TaskType]
) -> None:
    """Whether a model can run beside a champion: the same type, and every label of its.

    The order may differ, and a label that the champion does not know may be new: answers are
    compared by name. `types`: the candidate's and the champion's. Raises LabelmapRefused.
    """
    if types[0] is not types[1]:
        raise LabelmapRefused([("type", f"it is a {types[0]} model, the champion {types[1]}")])
    missing = [label for label in champion if label not in set(candidate)]
    if missing:
        raise LabelmapRefused([("labels", f"it does not know the champion's {_listed(missing)}")])


def _order_errors(said: Sequence[str], labels: Sequence[str]) -> list[tuple[str, str]]:
    errors = []
    missing = [label for label in said if label not in labels]
    extra = [label for label in labels if label not in said]
    if missing:
        errors.append(("labels", f"the file's {_listed(missing)} are missing"))
    if extra:
        errors.append(("labels", f"the file does not know {_listed(extra)}"))
    if not errors:
        pairs = enumerate(zip(said, labels, strict=False))
        at = next((i for i, (a, b) in pairs if a != b), len(labels))
        errors.append((f"labels[{at}]", f"the file's class {at} is {said[at]!r}"))
    return errors


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(repr(label) for label in labels[:_SHOWN])
    more = len(labels) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
