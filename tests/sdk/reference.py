"""The reference of the client, made of its docstrings: `python -m tests.sdk.reference`."""

import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import sightloop_sdk
from sightloop_sdk.datalake import Datalake
from sightloop_sdk.datasets import Datasets
from sightloop_sdk.experiments import Experiments
from sightloop_sdk.models import Models
from sightloop_sdk.reviewing import Filters

PATH = Path(sightloop_sdk.__file__).parents[1] / "REFERENCE.md"
_COMMAND = "python -m tests.sdk.reference"
_RESOURCES = (
    ("client.data", Datalake),
    ("client.datasets", Datasets),
    ("client.experiments", Experiments),
    ("client.models", Models),
)


def reference() -> str:
    """The whole document."""
    exported = {name: getattr(sightloop_sdk, name) for name in sightloop_sdk.__all__}
    errors = {n: v for n, v in exported.items() if _is(v, BaseException)}
    functions = {n: v for n, v in exported.items() if inspect.isfunction(v)}
    classes = {n: v for n, v in exported.items() if n not in errors and n not in functions}
    parts = [
        "# Reference of sightloop-sdk",
        f"Made of the docstrings by `{_COMMAND}`. Everything is imported from `sightloop_sdk`.",
        "## Functions",
        *(_function(name, value) for name, value in functions.items()),
        "## Classes",
        *(_class(name, value) for name, value in classes.items()),
        "### `deployment.predictions(**filters)`",
        _text(Filters),
        *(_class(name, value) for name, value in _RESOURCES),
        "## Errors",
        *(_error(name, value) for name, value in errors.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _is(value: Any, kind: type) -> bool:
    return inspect.isclass(value) and issubclass(value, kind)


def _function(name: str, value: Any) -> str:
    return f"### `{name}{_signature(value)}`\n\n{_text(value)}"


def _class(name: str, value: type) -> str:
    head = f"### `{name}`" if name.startswith("client.") else f"### class `{name}`"
    lines = [head, _text(value)]
    if is_dataclass(value) or hasattr(value, "__struct_fields__"):
        told = ", ".join(f"`{field}: {kind}`" for field, kind in _fields(value))
        lines.append(f"Fields: {told}.")
    elif "__init__" in vars(value) and not name.startswith("client."):
        lines.append(f"`{name}{_signature(value)}`")
    for call, function in _methods(value):
        doc = textwrap.indent(_text(function), "  ")
        lines.append(f"- **`{call}`**\n\n{doc}")
    return "\n\n".join(lines)


def _error(name: str, value: type) -> str:
    bases = ", ".join(base.__name__ for base in value.__bases__)
    return f"- **`{name}`** ({bases}): {' '.join(_text(value).split())}"


def _fields(value: Any) -> Iterator[tuple[str, str]]:
    if is_dataclass(value):
        for field in fields(value):
            yield field.name, str(field.type)
        return
    annotations: dict[str, Any] = {}
    for base in reversed(value.__mro__):
        annotations |= vars(base).get("__annotations__", {})
    for name in value.__struct_fields__:
        yield name, str(annotations[name])


def _methods(value: type) -> Iterator[tuple[str, Any]]:
    """How each documented member is written, and its function."""
    for name, member in vars(value).items():
        attribute = getattr(member, "fget", None) or getattr(member, "func", None)
        function = attribute or member
        if not name.startswith("_") and inspect.isfunction(function) and function.__doc__:
            yield name if attribute else f"{name}{_signature(function)}", function


def _signature(value: Any) -> str:
    found = inspect.signature(value)
    own = [p for p in found.parameters.values() if p.name != "self"]
    # Annotations are texts, which a signature shows in quotes.
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(found.replace(parameters=own)))


def _text(value: Any) -> str:
    return inspect.cleandoc(value.__doc__ or "")


if __name__ == "__main__":
    PATH.write_text(reference())
