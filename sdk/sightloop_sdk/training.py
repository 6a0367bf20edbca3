"""A training of one's own: its script logs, keeps files, says how it ended, publishes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sightloop_sdk import calls
from sightloop_sdk.errors import NotThere
from sightloop_sdk.ids import Ref
from sightloop_sdk.models import LATEST, Models
from sightloop_sdk.transport import Transport
from sightloop_sdk.values import Artifact, Experiment, ModelVersion

if TYPE_CHECKING:
    from uuid import UUID

    from typing_extensions import Self


class Training:
    """An experiment that runs here, in your script: `client.experiments.begin(…)`.

    In a `with` block it ends by itself: SUCCESS at its end, FAILED with the sentence of an
    exception, CANCELED when it is interrupted.
    """

    def __init__(self, transport: Transport, models: Models, *, known: Experiment) -> None:
        self._transport = transport
        self._models = models
        self._path = f"/api/trainer/v1/experiments/{known.id}"
        self.id: UUID = known.id
        self.name: str = known.name

    def __repr__(self) -> str:
        return f"Training({self.name!r}, {self.id})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        if kind is None:
            self.end()
        elif issubclass(kind, KeyboardInterrupt):
            self.end("CANCELED")
        else:
            self.end("FAILED", error=f"{kind.__name__}: {error}")

    def log(
        self,
        values: Mapping[str, Any] | str,
        value: Any = None,
        *,
        step: int | None = None,
        kind: str | None = None,
    ) -> None:
        """Log numbers by name, `log({"loss": 0.3, "map": 0.7}, step=5)`, or one thing by its name.

        Numbers are points of lines, at `step` or behind what is there; a line's point at the same
        step is replaced. With a `kind` the data replace what the name had: VALUE (a number or a
        text), TABLE, BAR (`{x, y}`), HEATMAP (`{categories, values}`), LABELMAP, EVALUATION.

        Raises:
            Invalid: the data are not of their kind. Conflict: the experiment has ended.
        """
        given = {values: value} if isinstance(values, str) else values
        logs = [
            {"name": name, "type": kind or "LINE", "data": _data(data, step, kind)}
            for name, data in given.items()
        ]
        again = step is not None or kind is not None
        self._send({"logs": logs}, again=again)

    def write(self, *lines: str) -> None:
        """Add lines to its log."""
        self._send({"lines": [*lines]}, again=False)

    def store(self, name: str, path: str | Path) -> Artifact:
        """Keep a file under a name, in place of another of the name.

        `model-latest` is the model: as an ONNX (`….onnx`) the platform can serve it once it is
        published; any other file runs where you run it.
        """
        of = Path(path)
        if not of.is_file():
            raise NotThere(f"there is no file {str(path)!r}")
        with ExitStack() as stack:

            def opened() -> dict[str, Any]:
                file = stack.enter_context(of.open("rb"))
                return {"file": (of.name, file, "application/octet-stream")}

            ask = calls.upload(
                f"{self._path}/artifacts", Artifact, files=opened, data={"name": name}
            )
            return self._transport.ask(ask)

    def publish(self, model: Ref, onnx: str | Path | None = None) -> ModelVersion:
        """Make what it has the next version of a model: labels, parameters, files, lineage.

        `onnx`: stored as `model-latest` first. The same files twice are the same version.

        Raises:
            Invalid: `model-latest` is no ONNX that fits the labels, or there are no labels.
        """
        if onnx is not None:
            self.store(LATEST, onnx)
        return self._models.publish(model, self.id)

    def end(self, status: str = "SUCCESS", *, error: str | None = None) -> Experiment:
        """Say that it has ended: SUCCESS, FAILED or CANCELED. Nothing is added after it."""
        body = {"status": status, "error": error}
        ask = calls.send("POST", f"{self._path}/status", Experiment, body=body, again=True)
        return self._transport.ask(ask)

    def _send(self, body: Mapping[str, Any], *, again: bool) -> None:
        self._transport.ask(calls.nothing("POST", f"{self._path}/logs", body=body, again=again))


def _data(data: Any, step: int | None, kind: str | None) -> Any:
    if kind is not None:
        return _plain(data)
    if isinstance(data, Mapping):
        return {name: _data(one, step, None) for name, one in data.items()}
    numbers = _plain(data)
    if step is None:
        return numbers
    values = numbers if isinstance(numbers, list) else [numbers]
    return {"steps": [*range(step, step + len(values))], "values": values}


def _plain(data: Any) -> Any:
    """Arrays, tensors and their scalars as Python has them."""
    if isinstance(data, Mapping):
        return {str(name): _plain(one) for name, one in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(one) for one in data]
    return data.tolist() if hasattr(data, "tolist") else data
